"""What Ollama answers, on `/api/chat` and `/api/generate`, whole and in a stream's lines.

It is as liberal as Ollama's own client, to which every field is optional and null is absent:
https://github.com/ollama/ollama/blob/main/api/types.go. Counts are left out where they are 0, and
`done_reason` where the server is old. Fields of type Any are read by dialects/lenient.py.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from chatd.safe_json.item_limits import MAX_LOGPROBS, MAX_PARTS, MAX_TOOL_CALLS, items

# A text; servers that only emulate Ollama pass a list of parts on.
Content = Annotated[
    str | Annotated[list[Any], items(MAX_PARTS)] | None, Field(union_mode="left_to_right")
]


class _Got(BaseModel):
    model_config = ConfigDict(
        hide_input_in_errors=True, defer_build=True, coerce_numbers_to_str=True
    )


class OllamaFunction(_Got):
    """A function that the model calls; its arguments are an object here, not a text."""

    name: Annotated[str, Field(min_length=1)]
    arguments: Any = None


class OllamaToolCall(_Got):
    """A tool call; it comes whole, and without an id from older servers."""

    id: str | None = None
    function: OllamaFunction


class OllamaMessage(_Got):
    """The assistant's turn, or a piece of it."""

    content: Content = None
    thinking: str | None = None
    tool_calls: Annotated[list[OllamaToolCall], items(MAX_TOOL_CALLS)] | None = None


class OllamaLine(_Got):
    """What the answers of both endpoints share. The last line of a stream is `done`."""

    model: str | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: Any = None
    eval_count: Any = None
    logprobs: Annotated[list[dict[str, Any]], items(MAX_LOGPROBS)] | None = None
    error: Any = None


class OllamaChat(OllamaLine):
    """An answer of `/api/chat`, or a line of one."""

    message: OllamaMessage | None = None


class OllamaGenerate(OllamaLine):
    """An answer of `/api/generate`, or a line of one."""

    response: Content = None
    thinking: str | None = None
