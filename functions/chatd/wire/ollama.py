"""What Ollama answers, on `/api/chat` and `/api/generate`.

Counts are left out where they are 0, and `done_reason` where the server is old:
https://github.com/ollama/ollama/blob/main/api/types.go
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]


class _Got(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class OllamaError(_Got):
    """The body of a failure; it can also come under status 200."""

    error: Annotated[str, Field(min_length=1)]


class OllamaMessage(_Got):
    """The assistant's turn."""

    content: str = ""
    thinking: str | None = None


class Done(_Got):
    """What the answers of both endpoints share. An answer that is not done has been cut off."""

    model: str | None = None
    done: Literal[True]
    done_reason: str | None = None
    prompt_eval_count: Count = 0
    eval_count: Count = 0


class OllamaChat(Done):
    """A whole answer of `/api/chat`."""

    message: OllamaMessage


class OllamaGenerate(Done):
    """A whole answer of `/api/generate`."""

    response: str
    thinking: str | None = None
