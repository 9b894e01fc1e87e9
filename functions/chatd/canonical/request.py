"""The internal form of a request. response.py has that of an answer, and of a stream.

Every other file speaks this form; it knows of no surface, no dialect and no provider.

What the form does not name travels in `extra`, as the JSON that the caller or the provider sent,
so that an upstream of the surface's own dialect gets it untouched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chatd.safe_json.texts import is_field, json_texts, texts

Json = Mapping[str, Any]
Format = Literal["json"] | Json
Think = bool | str


@dataclass(slots=True)
class Text:
    """A piece of text in a turn."""

    text: str = field(repr=False)
    extra: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A picture in a turn: an `https:` or a `data:` URL."""

    url: str = field(repr=False)
    extra: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Other:
    """A piece of a turn that the form does not know, such as sound, as it was sent."""

    kind: str
    extra: Json = field(repr=False)


Part = Text | Image | Other


@dataclass(frozen=True, slots=True, eq=False)
class ToolCall:
    """A call that the model asks for; `arguments` is the text of a JSON object."""

    id: str
    name: str
    arguments: str = field(repr=False)


@dataclass(slots=True)
class Message:
    """One turn.

    Attributes:
        role: `system`, `developer`, `user`, `assistant`, `tool`, or OpenAI's old `function`.
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

    @property
    def size(self) -> int:
        """Characters that the model reads as text."""
        size = sum(len(part.text) for part in self.content if isinstance(part, Text))
        size += sum(len(call.name) + len(call.arguments) for call in self.tool_calls)
        return size + len(self.thinking or "")

    def words(self) -> Iterator[str]:
        """Every text of the caller's in it, as ChatRequest.words has it."""
        for part in self.content:
            if isinstance(part, Text):
                yield part.text
            elif isinstance(part, Image):
                yield part.url
            else:
                yield part.kind if not is_field(part.kind) else ""
            yield from texts(part.extra)
        for call in self.tool_calls:
            yield from (call.id, call.name, call.arguments)
            yield from json_texts(call.arguments)
        yield from (self.tool_call_id or "", self.name or "", self.thinking or "")
        yield from texts(self.extra)


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """A function that the model may call; `parameters` is a JSON schema."""

    name: str
    description: str | None = field(default=None, repr=False)
    parameters: Json | None = field(default=None, repr=False)
    strict: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class OtherTool:
    """A tool that the form does not know, as it was sent."""

    kind: str
    extra: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. None: the caller did not say, and nobody says it for them."""

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = field(default=None, repr=False)
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


@dataclass(slots=True)
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
        think_required: Whether a model that cannot think must refuse; otherwise `think` is a hint.
        tools: The functions, and what else, that the model may call.
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
    think_required: bool = False
    tools: tuple[Tool | OtherTool, ...] = ()
    tool_choice: str | Json | None = None
    parallel_tool_calls: bool | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stream: bool = False
    stream_usage: bool = False
    extra: Json = field(default_factory=dict, repr=False)

    def to(self, model: str, *, stream: bool) -> ChatRequest:
        """The same request for a provider's model; `replace` would take four times as long."""
        twin = object.__new__(ChatRequest)
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.model, twin.stream = model, stream
        return twin

    @property
    def prompt_size(self) -> int:
        """Characters that the model reads as text: no pictures, ids, or further fields."""
        size = sum(message.size for message in self.messages)
        for tool in self.tools:
            if isinstance(tool, Tool):
                size += len(tool.name) + len(tool.description or "")
                size += len(json.dumps(tool.parameters)) if tool.parameters else 0
        return size

    def words(self) -> Iterator[str]:
        """Every text of the caller's in it, which no error or log may quote.

        Names of fields are left out: an error has to name the field that is wrong.
        """
        for message in self.messages:
            yield from message.words()
        for tool in self.tools:
            if isinstance(tool, OtherTool):
                yield tool.kind
                yield from texts(tool.extra)
            else:
                yield tool.name
                yield tool.description or ""
                yield from texts(tool.parameters)
        yield from texts(None if self.format == "json" else self.format)
        yield self.schema_name or ""
        yield from self.sampling.stop or ()
        for choice in (self.tool_choice, self.think):
            if not (isinstance(choice, str) and is_field(choice)):  # such as `auto` and `high`
                yield from texts(choice)
        yield from texts(self.extra)
