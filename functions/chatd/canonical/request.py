"""The canonical form of a chat request.

A surface reads a request into this form, and a dialect writes it for a provider. `extra` keeps
the fields that the form does not name, tagged with their dialect; `source` keeps the caller's own
JSON for a provider that speaks the same dialect.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chatd.canonical.content import Block, Opaque, Thinking, ToolCall, text_of
from chatd.canonical.extra import Extra, Json, extra_words
from chatd.canonical.response import CHARACTERS_A_TOKEN
from chatd.safe_json.text_extraction import is_field, texts

Format = Literal["json"] | Json
# `adaptive` leaves the decision to the model.
Think = bool | str


@dataclass(slots=True)
class Message:
    """One turn of the conversation.

    Attributes:
        role: `system`, `developer`, `user`, `assistant`, `tool`, or OpenAI's old `function`.
        blocks: Its content in order; empty for a turn without any.
        name: The speaker's name, if the caller gives one.
        extra: Unnamed fields of the turn itself.

    """

    role: str
    blocks: tuple[Block, ...] = field(default=(), repr=False)
    name: str | None = None
    extra: Extra | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """The text of the turn and of the tool results in it, without thinking."""
        return text_of(self.blocks)

    @property
    def thinking(self) -> str:
        """The readable reasoning; empty if there is none."""
        return "".join(block.text for block in self.blocks if isinstance(block, Thinking))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls of the turn."""
        return tuple(block for block in self.blocks if isinstance(block, ToolCall))

    @property
    def size(self) -> int:
        """The number of characters in the prompt."""
        return sum(block.size for block in self.blocks)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        for block in self.blocks:
            yield from block.words()
        yield self.name or ""
        yield from extra_words(self.extra)


@dataclass(slots=True, eq=False)
class Tool:
    """A function that the model may call; `parameters` is a JSON Schema.

    `namespace` names a group of tools, of OpenAI's Responses API.
    """

    name: str
    description: str | None = field(default=None, repr=False)
    parameters: Json | None = field(default=None, repr=False)
    strict: bool | None = None
    extra: Extra | None = field(default=None, repr=False)
    namespace: str | None = None

    @property
    def size(self) -> int:
        """The number of characters in the prompt."""
        size = len(self.name) + len(self.description or "")
        return size + (len(json.dumps(self.parameters)) if self.parameters else 0)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield from (self.name, self.description or "", self.namespace or "")
        yield from texts(self.parameters)
        yield from extra_words(self.extra)


@dataclass(slots=True, eq=False)
class CustomTool:
    """A tool that takes free text, such as Codex's `apply_patch`.

    `format` is the grammar of the text as OpenAI's APIs have it; None for any text.
    """

    name: str
    description: str | None = field(default=None, repr=False)
    format: Json | None = field(default=None, repr=False)
    extra: Extra | None = field(default=None, repr=False)
    namespace: str | None = None

    @property
    def size(self) -> int:
        """The number of characters in the prompt."""
        size = len(self.name) + len(self.description or "")
        return size + (len(json.dumps(self.format)) if self.format else 0)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield from (self.name, self.description or "", self.namespace or "")
        yield from texts(self.format)
        yield from extra_words(self.extra)


@dataclass(slots=True, eq=False)
class OpaqueTool:
    """A tool of a kind of one dialect alone; `extra` has all fields but the type."""

    kind: str
    extra: Extra = field(repr=False)

    @property
    def size(self) -> int:
        """The number of characters of the definition."""
        return len(json.dumps(self.extra.fields))

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield self.kind
        yield from self.extra.words()


@dataclass(slots=True, eq=False)
class NamedTool:
    """The choice of one function that the model must call."""

    name: str
    extra: Extra | None = field(default=None, repr=False)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        yield self.name
        yield from extra_words(self.extra)


# `auto`, `none`, `required`, one function, or a choice that the form does not know.
ToolChoice = str | NamedTool | Opaque


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; None leaves a value to the provider."""

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = field(default=None, repr=False)
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    top_k: int | None = None


AnyTool = Tool | CustomTool | OpaqueTool


@dataclass(slots=True, eq=False)
class Source:
    """The JSON that a surface read a request from.

    A dialect of the same name forwards the JSON and rewrites only the fields that have another
    value in the request than in `read`.

    Attributes:
        dialect: The dialect of the JSON, such as `openai_chat`.
        body: The parsed JSON. It is shared by all attempts, and must not be changed.
        read: The fields of the request that were read from it, by name.
        headers: The caller's HTTP headers that belong to the dialect, such as `anthropic-beta`.
        owners: Where a turn comes from several items of the JSON: for each item the index of its
            turn in `read["messages"]`; None for an item that is no part of a turn.
        rest: The items that are no part of a turn.

    """

    dialect: str
    body: Mapping[str, Any] = field(repr=False)
    read: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    owners: tuple[int | None, ...] = ()
    rest: tuple[Any, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Completion:
    """The fields of a completion: a model continues a prompt that has no turns.

    The prompt's texts are the blocks of the request's only message.

    Attributes:
        prompts: The number of prompts; each gets its own answers.
        tokens: The number of tokens of a prompt that is given as tokens, not as text; 0: text.
        suffix: The text that follows the answer, for fill-in-the-middle.
        echo: Whether the answer begins with the prompt.
        best_of: The number of answers that the provider generates to return the best; None: not
            given.

    """

    prompts: int = 1
    tokens: int = 0
    suffix: str | None = field(default=None, repr=False)
    echo: bool = False
    best_of: int | None = None

    @property
    def size(self) -> int:
        """The number of characters of the suffix and of prompts that are given as tokens."""
        return len(self.suffix or "") + self.tokens * CHARACTERS_A_TOKEN


@dataclass(slots=True)
class ChatRequest:
    """A chat request of any surface.

    Attributes:
        model: The caller's name for the model; the gateway replaces it by the provider's.
        messages: The conversation, oldest turn first; at least one turn.
        sampling: How tokens are chosen.
        max_tokens: The most tokens to generate, or None to leave it to the provider.
        max_completion_tokens: The same by OpenAI's newer name, thinking included.
        format: `"json"`, a JSON Schema, or None for free text.
        schema_name: The caller's name for the schema.
        schema_description: The caller's description of the schema.
        strict: Whether the answer must fit the schema; None: not given.
        format_extra: Unnamed fields of the format.
        think: Whether to think, or how hard (`minimal`, `low`, … `max`), or `adaptive`: the model
            decides; None: not given.
        think_required: Whether a model that cannot think must refuse; otherwise `think` is a hint.
        effort: How hard to work (`low`, … `max`) beside adaptive thinking or alone; a hint.
        think_budget: The most tokens of thinking; None: not given.
        tools: The tools that the model may call.
        tool_choice: Which tool the model must call; None: not given.
        parallel_tool_calls: Whether several calls at once are allowed; None: not given.
        n: The number of answers.
        logprobs: Whether to return the tokens' log probabilities; None: not given.
        top_logprobs: The number of alternatives with them.
        stream: Whether to stream the answer.
        stream_usage: Whether the caller wants the token counts in the stream.
        caller: The caller's name, for a provider that takes it as metadata; None: not sent.
        extra: Unnamed fields of the request itself.
        completion: The fields of a completion; None for a chat.
        source: The JSON that the request was read from, if its surface keeps it.

    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    format: Format | None = field(default=None, repr=False)
    schema_name: str | None = None
    schema_description: str | None = field(default=None, repr=False)
    strict: bool | None = None
    format_extra: Extra | None = field(default=None, repr=False)
    think: Think | None = None
    think_required: bool = False
    effort: str | None = None
    think_budget: int | None = None
    tools: tuple[AnyTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stream: bool = False
    stream_usage: bool = False
    caller: str | None = None
    extra: Extra | None = field(default=None, repr=False)
    completion: Completion | None = None
    source: Source | None = field(default=None, repr=False, compare=False)

    def to(self, model: str, *, stream: bool) -> ChatRequest:
        """Copy the request for a provider's model; `replace` would take four times as long."""
        copy = object.__new__(ChatRequest)
        for name in self.__slots__:
            setattr(copy, name, getattr(self, name))
        copy.model, copy.stream = model, stream
        return copy

    @property
    def prompt_size(self) -> int:
        """The number of characters of the prompt, without images and ids."""
        size = sum(message.size for message in self.messages)
        size += sum(tool.size for tool in self.tools)
        return size if self.completion is None else size + self.completion.size

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote.

        Names of fields are left out: an error has to name the field that is wrong.
        """
        for message in self.messages:
            yield from message.words()
        for tool in self.tools:
            yield from tool.words()
        yield from texts(None if self.format == "json" else self.format)
        yield from (self.schema_name or "", self.schema_description or "")
        yield from self.sampling.stop or ()
        for choice in (self.tool_choice, self.think):
            if isinstance(choice, NamedTool | Opaque):
                yield from choice.words()
            elif isinstance(choice, str) and not is_field(choice):  # unlike `auto` and `high`
                yield choice
        yield from extra_words(self.format_extra)
        yield from extra_words(self.extra)
        if self.completion is not None:
            yield self.completion.suffix or ""
        if self.source is not None:
            yield from texts(self.source.rest)
