"""The internal form of an answer, and of the events of a stream. chat.py has that of a request.

Every other file speaks this form; it knows of no surface, no dialect and no provider.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatd.chat import Json, ToolCall


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider counted them; 0 where it counted none.

    Attributes:
        input_tokens: Of the conversation.
        output_tokens: Of the answer, thinking included.
        cached_tokens: Those of the input that the provider had at hand.
        reasoning_tokens: Those of the output that were thinking; None if it does not say.
        cost_usd: What the provider says that it charges, in USD.

    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            _sum(self.cached_tokens, other.cached_tokens),
            _sum(self.reasoning_tokens, other.reasoning_tokens),
            _sum(self.cost_usd, other.cost_usd),
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of the `n` that were asked for.

    Attributes:
        content: The text; None where the model only called tools.
        thinking: The model's reasoning where the provider gave it apart from the text.
        tool_calls: The calls that it asks for.
        finish_reason: `stop`, `length`, `tool_calls`, or what else the provider said.
        logprobs: As the provider gave them.
        extra: Fields of the message that the form does not name.

    """

    content: str | None = field(repr=False)
    thinking: str | None = field(default=None, repr=False)
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    logprobs: Any = field(default=None, repr=False)
    extra: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Attributes:
        choices: The answers; one unless more were asked for.
        usage: The tokens it took.
        model: The model's name as the provider gives it; None where it gives none.

    """

    choices: tuple[Choice, ...]
    usage: Usage
    model: str | None = None

    @property
    def first(self) -> Choice:
        """The first choice, which is the only one unless more were asked for."""
        return self.choices[0]

    @property
    def size(self) -> int:
        """Roughly how long it is, in characters."""
        return sum(
            len(choice.content or "")
            + len(choice.thinking or "")
            + sum(len(call.arguments) for call in choice.tool_calls)
            + (len(str(choice.logprobs)) if choice.logprobs else 0)
            for choice in self.choices
        )


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call: `index` says of which; `id` and `name` come once."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Delta:
    """What a stream adds to a choice."""

    index: int = 0
    content: str | None = field(default=None, repr=False)
    thinking: str | None = field(default=None, repr=False)
    tool_calls: tuple[ToolCallDelta, ...] = ()
    logprobs: Any = field(default=None, repr=False)
    extra: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Finish:
    """A choice has ended."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What the stream took, and the model's name as the provider gives it."""

    usage: Usage
    model: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The stream is whole; what may still follow is for the books alone."""


Event = Delta | Finish | Counted | End


def as_events(answer: Answer) -> Iterator[Event]:
    """A whole answer as the stream that it would have been, in one piece a choice."""
    for index, choice in enumerate(answer.choices):
        calls = tuple(
            ToolCallDelta(n, call.id, call.name, call.arguments)
            for n, call in enumerate(choice.tool_calls)
        )
        yield Delta(index, choice.content, choice.thinking, calls, choice.logprobs, choice.extra)
        yield Finish(index, choice.finish_reason or "stop")
    yield Counted(answer.usage, answer.model)
    yield End()


def _sum(one: Any, other: Any) -> Any:
    """The sum of two counts, either of which may be unknown."""
    return other if one is None else one if other is None else one + other
