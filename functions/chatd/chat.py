"""The internal form of a chat: the request, the answer, and what they are made of.

Every other file speaks this form; it knows of no surface, no dialect and no provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Format = Literal["json"] | Mapping[str, Any]
Think = bool | str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `role` is `system`, `user` or `assistant`."""

    role: str
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a caller asks for, whatever surface it came in by.

    Attributes:
        model: The caller's name for the model, unrouted.
        messages: The conversation, oldest first; at least one.
        temperature: As the caller sent it, or None to leave it to the provider.
        max_tokens: The most tokens to generate, or None to leave it to the provider.
        format: `"json"`, a JSON schema, or None for free text.
        think: Whether to think, or how hard (`low`, `medium`, `high`, `max`); None: not said.

    """

    model: str
    messages: tuple[Message, ...]
    temperature: float | None = None
    max_tokens: int | None = None
    format: Format | None = field(default=None, repr=False)
    think: Think | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider counted them; 0 where it counted none."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Attributes:
        content: The text.
        thinking: The model's reasoning where the provider gave it apart from the text.
        finish_reason: `stop`, `length`, or what else the provider said.
        usage: The tokens it took.
        model: The model's name as the provider gives it; None where it gives none.

    """

    content: str = field(repr=False)
    usage: Usage
    thinking: str | None = field(default=None, repr=False)
    finish_reason: str | None = None
    model: str | None = None
