"""The internal form of an answer, and of the events of a stream. request.py has that of a request.

Every other file speaks this form; it knows of no surface, no dialect and no provider.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatd.canonical.accumulator import Accumulator
from chatd.canonical.content import ToolCall
from chatd.canonical.extra import Json
from chatd.errors import AnswerTooLargeError
from chatd.safe_json.item_limits import MAX_TOOL_CALLS
from chatd.safe_json.value_count import MAX_ANSWER_VALUES

# Of English, about: https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them
CHARACTERS_A_TOKEN = 4
_LONGEST_PIECE = 64 * 1024  # characters


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider counted them; 0 where it counted none.

    Attributes:
        input_tokens: Of the conversation.
        output_tokens: Of the answer, thinking included.
        cached_tokens: Those of the input that the provider had at hand.
        reasoning_tokens: Those of the output that were thinking; None if it does not say.
        cost_usd: What the provider says that it charges, in USD.
        estimated: Whether some of it is our estimate, because a provider never came to count.

    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            _sum(self.cached_tokens, other.cached_tokens),
            _sum(self.reasoning_tokens, other.reasoning_tokens),
            _sum(self.cost_usd, other.cost_usd),
            self.estimated or other.estimated,
        )


@dataclass(slots=True)
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


@dataclass(frozen=True, slots=True, eq=False)
class FailedOver:
    """The model that answered broke off, and another goes on: what follows is of that one.

    Attributes:
        provider: Who goes on.
        model: That provider's name for the model.
        instead_of: Who broke off, as `<provider>/<model>`.
        anew: Whether what came before no longer counts; never so in a stream that a caller gets.

    """

    provider: str
    model: str
    instead_of: str
    anew: bool = False


@dataclass(slots=True)
class Answer:
    """A whole answer.

    Attributes:
        choices: The answers; one unless more were asked for.
        usage: The tokens it took.
        model: The model's name as the provider gives it; None where it gives none.
        rescues: Where one model took over from another in the middle.

    """

    choices: tuple[Choice, ...]
    usage: Usage
    model: str | None = None
    rescues: tuple[FailedOver, ...] = ()

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


@dataclass(slots=True, eq=False)
class ToolCallDelta:
    """A piece of a tool call: `index` says of which; `id` and `name` come once."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = field(default="", repr=False)


@dataclass(slots=True, eq=False)
class Delta:
    """What a stream adds to a choice."""

    index: int = 0
    content: str | None = field(default=None, repr=False)
    thinking: str | None = field(default=None, repr=False)
    tool_calls: tuple[ToolCallDelta, ...] = ()
    logprobs: Any = field(default=None, repr=False)
    extra: Json = field(default_factory=dict, repr=False)


@dataclass(slots=True, eq=False)
class Finish:
    """A choice has ended."""

    index: int
    reason: str


@dataclass(slots=True, eq=False)
class Counted:
    """What the stream took, and the model's name as the provider gives it."""

    usage: Usage
    model: str | None = None


@dataclass(slots=True, eq=False)
class End:
    """The stream is whole; what may still follow is for the books alone."""


Event = Delta | Finish | Counted | FailedOver | End


def as_events(answer: Answer) -> Iterator[Event]:
    """Write a whole answer as the stream that it would have been.

    A choice is one piece, but for a text of more than 64 K characters: a surface writes a piece as
    JSON, which takes several times its memory.
    """
    for index, choice in enumerate(answer.choices):
        calls = tuple(
            ToolCallDelta(n, call.id, call.name, call.arguments)
            for n, call in enumerate(choice.tool_calls)
        )
        text = choice.content
        first = text if text is None else text[:_LONGEST_PIECE]
        yield Delta(index, first, choice.thinking, calls, choice.logprobs, choice.extra)
        for start in range(_LONGEST_PIECE, len(text or ""), _LONGEST_PIECE):
            yield Delta(index, (text or "")[start : start + _LONGEST_PIECE])
        yield Finish(index, choice.finish_reason or "stop")
    yield Counted(answer.usage, answer.model)
    yield End()


def collected(events: Iterator[Event]) -> Answer:
    """The whole answer that a stream amounts to.

    Raises:
        AnswerTooLargeError: If its log probabilities and further fields hold more than 600,000
            JSON values, or a choice has more than 1,024 tool calls.
        ChatdError: If the stream dies.

    """
    values = 0
    choices: dict[int, _Gathering] = {}
    counted = Counted(Usage())
    rescues: list[FailedOver] = []
    for event in events:
        match event:
            case Delta():
                if event.logprobs is not None or event.extra:
                    values += _values(event.logprobs) + _values(event.extra)
                    if values > MAX_ANSWER_VALUES:
                        raise too_many_values()
                choices.setdefault(event.index, _Gathering()).add(event)
            case Finish():
                choices.setdefault(event.index, _Gathering()).reason = event.reason
            case Counted():
                counted = event
            case FailedOver():
                rescues.append(event)
                if event.anew:
                    choices.clear()
    return Answer(
        tuple(choices[index].choice() for index in sorted(choices)),
        counted.usage,
        counted.model,
        tuple(rescues),
    )


class _Gathering:
    """A choice while its pieces come."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._content: list[str] = []
        self._thinking: list[str] = []
        self._calls: dict[int, _CallInPieces] = {}
        self._logprobs = Accumulator()
        self._extra = Accumulator()

    def add(self, delta: Delta) -> None:
        if delta.content:
            self._content.append(delta.content)
        if delta.thinking:
            self._thinking.append(delta.thinking)
        for piece in delta.tool_calls:
            self._calls.setdefault(piece.index, _CallInPieces()).add(piece)
        if len(self._calls) > MAX_TOOL_CALLS:
            raise too_many_calls()
        self._logprobs.add(delta.logprobs)
        if delta.extra:
            self._extra.add(delta.extra)

    def choice(self) -> Choice:
        content = "".join(self._content)
        calls = tuple(self._calls[index].whole() for index in sorted(self._calls))
        return Choice(
            content=None if calls and not content else content,
            thinking="".join(self._thinking) or None,
            tool_calls=calls,
            finish_reason=self.reason,
            logprobs=self._logprobs.value(),
            extra=self._extra.value() or {},
        )


class _CallInPieces:
    """A tool call while its pieces come."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._name: str | None = None
        self._arguments: list[str] = []

    def add(self, piece: ToolCallDelta) -> None:
        self._id = self._id or piece.id
        self._name = self._name or piece.name
        self._arguments.append(piece.arguments)

    def whole(self) -> ToolCall:
        return ToolCall(
            id=self._id or new_call_id(),
            name=self._name or "",
            arguments="".join(self._arguments) or "{}",
        )


def too_many_values() -> AnswerTooLargeError:
    """Make the error for an answer that would take too much memory once parsed."""
    return AnswerTooLargeError(f"the answer holds more than {MAX_ANSWER_VALUES:,} JSON values")


def too_many_calls() -> AnswerTooLargeError:
    """Make the error for an answer with more tool calls than any model asks for."""
    return AnswerTooLargeError(f"the answer holds more than {MAX_TOOL_CALLS:,} tool calls")


def new_call_id() -> str:
    """An id for a tool call that came without one."""
    return f"call_{random.getrandbits(96):024x}"


def _values(value: Any) -> int:
    """Count the values of parsed JSON, containers included."""
    if isinstance(value, Mapping):
        return 1 + sum(map(_values, value.values()))
    return 1 + sum(map(_values, value)) if isinstance(value, list) else 1


def _sum(one: Any, other: Any) -> Any:
    """The sum of two counts, either of which may be unknown."""
    return other if one is None else one if other is None else one + other
