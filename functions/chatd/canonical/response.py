"""The canonical form of a response. events.py has its stream events, request.py the request."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatd.canonical.content import Block, Refusal, Text, Thinking, ToolCall
from chatd.canonical.extra import Extra
from chatd.errors import AnswerTooLargeError
from chatd.safe_json.item_limits import MAX_PARTS, MAX_TOOL_CALLS
from chatd.safe_json.value_count import MAX_ANSWER_VALUES

# About, for English text: https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them
CHARACTERS_A_TOKEN = 4


@dataclass(slots=True, eq=False)
class UpstreamJson:
    """The parsed JSON of a whole response or of one event of an upstream.

    Attributes:
        dialect: The dialect of the JSON, such as `openai_chat`.
        body: The parsed JSON. A surface that writes it may change it.
        size: Bytes of the JSON text of a whole response; 0 for other JSON.

    """

    dialect: str
    body: dict[str, Any] = field(repr=False)
    size: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """The provider's token counts; 0 for an input or output without a count.

    Attributes:
        input_tokens: Tokens of the conversation, cached ones included.
        output_tokens: Tokens of the response, thinking included.
        cached_tokens: Input tokens read from the provider's cache; None if not given.
        reasoning_tokens: Output tokens of thinking; None if not given.
        cost_usd: The provider's own price in USD; None if not given.
        estimated: Whether a figure is the gateway's estimate.
        cache_write_tokens: Input tokens written to the provider's cache, for 5 minutes and longer;
            None if not given.
        cache_write_1h_tokens: Those written for 1 hour; None if not given.
        source: The provider's own usage JSON; None after a change.

    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    estimated: bool = False
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    source: UpstreamJson | None = field(default=None, repr=False, compare=False)

    @property
    def fresh_tokens(self) -> int:
        """Input tokens without cache reads and cache writes."""
        cached = (self.cached_tokens or 0) + (self.cache_write_tokens or 0)
        return max(0, self.input_tokens - cached)

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            _sum(self.cached_tokens, other.cached_tokens),
            _sum(self.reasoning_tokens, other.reasoning_tokens),
            _sum(self.cost_usd, other.cost_usd),
            self.estimated or other.estimated,
            _sum(self.cache_write_tokens, other.cache_write_tokens),
            _sum(self.cache_write_1h_tokens, other.cache_write_1h_tokens),
        )


@dataclass(slots=True)
class Choice:
    """One choice of a response: its content blocks and finish reason.

    Attributes:
        blocks: Its content, in order.
        finish_reason: `stop`, `stop_sequence`, `length`, `tool_calls`, `content_filter`, or another
            reason of the provider.
        logprobs: Log probabilities, as the provider gives them.
        extra: Unnamed fields; fields of its message are nested as `message`.
        stop_sequence: The sequence that ended it, for the finish reason `stop_sequence`.

    """

    blocks: tuple[Block, ...] = field(default=(), repr=False)
    finish_reason: str | None = None
    logprobs: Any = field(default=None, repr=False)
    extra: Extra | None = field(default=None, repr=False)
    stop_sequence: str | None = field(default=None, repr=False)

    @property
    def content(self) -> str | None:
        """The text of all blocks; None where tool calls or a refusal stand in for it."""
        texts = [block.text for block in self.blocks if isinstance(block, Text)]
        return None if not texts and (self.tool_calls or self.refusal) else "".join(texts)

    @property
    def thinking(self) -> str | None:
        """The readable reasoning of all blocks; None if there is none."""
        thoughts = (block.text for block in self.blocks if isinstance(block, Thinking))
        return "".join(thoughts) or None

    @property
    def refusal(self) -> str | None:
        """The model's refusal; None if there is none."""
        return "".join(block.text for block in self.blocks if isinstance(block, Refusal)) or None

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
        return tuple(block for block in self.blocks if isinstance(block, ToolCall))


@dataclass(frozen=True, slots=True, eq=False)
class FailedOver:
    """A failover: another model generates the later events, after a stream broke off.

    Attributes:
        provider: The provider that takes over.
        model: That provider's name of the model.
        instead_of: The model that broke off, as `<provider>/<model>`.
        anew: Whether earlier events no longer count; False in a stream that a caller receives.

    """

    provider: str
    model: str
    instead_of: str
    anew: bool = False


@dataclass(slots=True)
class Response:
    """A whole response.

    Attributes:
        choices: The choices, at least one.
        usage: Its tokens.
        model: The provider's name of the model; None if not given.
        failovers: The takeovers within it.
        id: The provider's id of the response; None if not given.
        extra: Unnamed fields.
        source: The upstream's own JSON; None if the response differs from it.

    """

    choices: tuple[Choice, ...]
    usage: Usage
    model: str | None = None
    failovers: tuple[FailedOver, ...] = ()
    id: str | None = None
    extra: Extra | None = field(default=None, repr=False)
    source: UpstreamJson | None = field(default=None, repr=False, compare=False)

    @property
    def first(self) -> Choice:
        """The first choice."""
        return self.choices[0]

    @property
    def size(self) -> int:
        """Characters that the model wrote: texts, thinking and tool calls."""
        return sum(block.size for choice in self.choices for block in choice.blocks)

    @property
    def written_size(self) -> int:
        """About the characters of the response as JSON, further fields included."""
        if self.source is not None:
            return max(self.size, self.source.size)
        extras = [self.extra, *(choice.extra for choice in self.choices)]
        extras += [block.extra for choice in self.choices for block in choice.blocks]
        further = sum(len(str(extra)) for extra in extras if extra is not None)
        logprobs = sum(len(str(choice.logprobs)) for choice in self.choices if choice.logprobs)
        return self.size + further + logprobs


def too_many_values() -> AnswerTooLargeError:
    """Make the error for a response that takes too much memory once parsed."""
    return AnswerTooLargeError(f"the answer holds more than {MAX_ANSWER_VALUES:,} JSON values")


def too_many_calls() -> AnswerTooLargeError:
    """Make the error for a response with more tool calls than any model asks for."""
    return AnswerTooLargeError(f"the answer holds more than {MAX_TOOL_CALLS:,} tool calls")


def too_many_blocks() -> AnswerTooLargeError:
    """Make the error for a response with more content blocks than any model writes."""
    return AnswerTooLargeError(f"the answer holds more than {MAX_PARTS:,} content blocks")


def new_call_id() -> str:
    """Generate an id for a tool call that came without one."""
    return f"call_{random.getrandbits(96):024x}"


def values_in(value: Any) -> int:
    """Count the values of parsed JSON, containers included."""
    if isinstance(value, Mapping):
        return 1 + sum(map(values_in, value.values()))
    return 1 + sum(map(values_in, value)) if isinstance(value, list) else 1


def _sum(one: Any, other: Any) -> Any:
    """Add two counts; either may be None, for an unknown count."""
    return other if one is None else one if other is None else one + other
