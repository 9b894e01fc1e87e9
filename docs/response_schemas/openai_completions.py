"""Describe the response of `/v1/completions`, whole and as the chunks of a stream.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from response_schemas.openai_chat import CompletionUsage, Rescue


class _Given(BaseModel):
    # A provider's own fields are passed on.
    model_config = ConfigDict(extra="allow")


class TextLogprobs(_Given):
    """The log probabilities of the tokens, in parallel lists."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[Any] | None = None
    text_offset: list[int] | None = None


class TextChoice(_Given):
    """One of the answers; in a stream, the text that a chunk adds to it."""

    text: str
    index: int
    logprobs: TextLogprobs | None = None
    finish_reason: Literal["stop", "length", "content_filter"] | None


class TextCompletion(_Given):
    """A whole response, or an event of a stream.

    A requested `usage` is in a last event without choices.
    """

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[TextChoice]
    usage: CompletionUsage | None = None
    rescued: Rescue | None = None
