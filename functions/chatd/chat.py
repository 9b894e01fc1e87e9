"""The internal form of a chat: the request, the answer, the events of a stream.

Every other file speaks this form; it knows of no surface, no dialect and no provider.

What the form does not name travels in `extra`, as the JSON that the caller or the provider sent,
so that an upstream of the surface's own dialect gets it untouched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Mapping[str, Any]
Format = Literal["json"] | Json
Think = bool | str


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text in a turn."""

    text: str = field(repr=False)
    extra: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a turn: an `https:` or a `data:` URL."""

    url: str = field(repr=False)
    extra: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Other:
    """A piece of a turn that the form does not know, such as sound, as it was sent."""

    kind: str
    extra: Json = field(repr=False)


Part = Text | Image | Other


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is the text of a JSON object."""

    id: str
    name: str
    arguments: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn.

    Attributes:
        role: `system`, `developer`, `user`, `assistant` or `tool`.
        content: Its pieces; empty for a turn that only calls tools.
        tool_calls: The calls that an assistant's turn asks for.
        tool_call_id: For a tool's turn: the call that it answers.
        name: Who speaks, where the caller says so.
        thinking: An assistant's reasoning, where the caller sends it back.

    """

    role: str
    content: tuple[Part, ...] = field(default=(), repr=False)
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    thinking: str | None = field(default=None, repr=False)
    extra: Json = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """The text of all its pieces."""
        return "".join(part.text for part in self.content if isinstance(part, Text))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `parameters` is a JSON schema."""

    name: str
    description: str | None = field(default=None, repr=False)
    parameters: Json | None = field(default=None, repr=False)
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. None: the caller did not say, and nobody says it for them."""

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = field(default=None, repr=False)
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a caller asks for, whatever surface it came in by.

    Attributes:
        model: The caller's name for the model; the gateway replaces it by the provider's.
        messages: The conversation, oldest first; at least one.
        sampling: How tokens are chosen.
        max_tokens: The most tokens to generate, or None to leave it to the provider.
        max_completion_tokens: The same by OpenAI's newer name, thinking included.
        format: `"json"`, a JSON schema, or None for free text.
        schema_name: What the caller calls the schema.
        strict: Whether the answer must hold to the schema, if the caller said.
        think: Whether to think, or how hard (`minimal`, `low`, … `max`); None: not said.
        tools: The functions that the model may call.
        tool_choice: `auto`, `none`, `required`, or one tool as OpenAI names it; None: not said.
        parallel_tool_calls: Whether it may call several at once, if the caller said.
        n: How many answers.
        logprobs: Whether to return the tokens' log probabilities, if the caller said.
        top_logprobs: How many alternatives with them.
        stream: Whether the answer is to be streamed.
        stream_usage: Whether the caller wants the tokens counted in the stream.
        extra: Fields that the form does not name.

    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    format: Format | None = field(default=None, repr=False)
    schema_name: str | None = None
    strict: bool | None = None
    think: Think | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: str | Json | None = None
    parallel_tool_calls: bool | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stream: bool = False
    stream_usage: bool = False
    extra: Json = field(default_factory=dict, repr=False)

    def words(self) -> Iterator[str]:
        """Everything in it that is the caller's own and must not be repeated elsewhere."""
        for message in self.messages:
            for part in message.content:
                yield part.text if isinstance(part, Text) else json.dumps(part.extra)
            yield from (call.arguments for call in message.tool_calls)
            yield message.thinking or ""
        for tool in self.tools:
            yield tool.description or ""
            yield json.dumps(tool.parameters) if tool.parameters else ""
        if self.format not in (None, "json"):
            yield json.dumps(self.format)
        yield from self.sampling.stop or ()
        yield json.dumps(self.extra) if self.extra else ""


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
