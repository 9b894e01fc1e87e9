"""Describe a vendor by the rules, the shape of errors and the form of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.support.vendors import errors
from tests.support.vendors.refusals import Json, Refusal


def _requests_thinking(body: Json) -> bool:
    """Return whether a request enables thinking in any of the vendors' fields."""
    reasoning = body.get("reasoning") or {}
    kind = (body.get("thinking") or {}).get("type")
    template = body.get("chat_template_kwargs") or {}
    effort = body.get("reasoning_effort") or reasoning.get("effort")
    return (
        (effort is not None and effort != "none")
        or kind in ("enabled", "adaptive")
        or body.get("enable_thinking") is True
        or template.get("enable_thinking") is True
    )


@dataclass(frozen=True, slots=True)
class Form:
    """The differences between a vendor's answers and OpenAI's answers.

    Attributes:
        thinking: Where the reasoning is: a field of the message, `parts` in a list of content,
            `tags` around it at the head of the text, or nowhere.
        indexed_calls: Whether streamed tool calls have an index.
        call_fields: Further fields of each tool call.
        finish_of_calls: The finish reason of tool calls in a stream.
        finish_of_whole_calls: The same in a whole answer.
        whole: Further fields of a whole answer.
        first: A chunk before all others.
        last: Further fields of the last chunk with a choice.
        usage: Where a stream's usage is: in a chunk of its own, in the last chunk's choice, in the
            last chunk with a choice, or beside `x_groq`.
        counts: Further fields of the usage.

    """

    thinking: Literal["reasoning_content", "reasoning", "parts", "tags", None] = "reasoning_content"
    indexed_calls: bool = True
    call_fields: Json = field(default_factory=dict)
    finish_of_calls: str = "tool_calls"
    finish_of_whole_calls: str = "tool_calls"
    whole: Json = field(default_factory=dict)
    first: Json | None = None
    last: Json = field(default_factory=dict)
    usage: Literal["own", "choice", "last", "x_groq"] = "own"
    counts: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor of OpenAI's chat API.

    Attributes:
        models: The names of models in the contract run.
        refusals: The rules of the vendor, beside the rules of every vendor.
        status: The status of a refusal.
        error: Writes the body of a refusal from its status and message.
        form: How it writes answers.
        thinks: Whether the model thinks in a request.

    """

    models: tuple[str, ...] = ("model-1",)
    refusals: tuple[Refusal, ...] = ()
    status: int = 400
    error: Callable[[int, str], Mapping[str, Any] | list[Any]] = errors.openai
    form: Form = field(default_factory=Form)
    thinks: Callable[[Json], bool] = _requests_thinking
