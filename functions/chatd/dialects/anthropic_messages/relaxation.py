"""Take the hint out of a request that a model refused, by the words of the refusal.

Anthropic has no codes for these refusals. The words are those of its API and of servers with the
same dialect: https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from chatd.canonical.content import Thinking
from chatd.canonical.request import ChatRequest, Message
from chatd.dialects.anthropic_messages.reading import DIALECT

# Such as "Invalid `signature` in `thinking` block", "thinking.signature: Field required" and
# "`thinking` blocks in the latest assistant message cannot be modified".
_SIGNATURE = re.compile(r"signature|redacted_thinking|thinking\W+ blocks?.*cannot be modified")
# Thinking is on, and an answer of another model in the history has none: "Expected `thinking` or
# `redacted_thinking`, but found `tool_use`".
_EXPECTED = re.compile(r"[Ee]xpected .{0,5}thinking")
# Such as "adaptive thinking is not supported on this model".
_THINKING = re.compile(r"thinking")
_EFFORT = re.compile(r"effort")
# Such as "`temperature` is deprecated for this model".
_SAMPLING = re.compile(r"temperature|top_p|top_k")


def relaxed(request: ChatRequest, words: str) -> tuple[ChatRequest, str] | None:
    """Return the request without the refused hint, and the hint's name.

    Args:
        request: The refused request.
        words: The provider's reason.

    Returns:
        None for a refusal that names no hint of the request.

    """
    for pattern, correct in _CORRECTIONS:
        if pattern.search(words) and (found := correct(request)) is not None:
            return found
    return None


def _without_thinking_history(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    if not any(isinstance(block, Thinking) for turn in request.messages for block in turn.blocks):
        return None
    messages = tuple(
        kept for turn in request.messages if (kept := _without_thinking_in(turn)) is not None
    )
    return replace(request, messages=messages), "messages.content.thinking"


def _without_thinking_in(turn: Message) -> Message | None:
    """Return the turn itself if it has no thinking; None if it has nothing else."""
    rest = tuple(block for block in turn.blocks if not isinstance(block, Thinking))
    if len(rest) == len(turn.blocks):
        return turn
    return replace(turn, blocks=rest) if rest else None


def _without_thinking(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    """Leave out the hint to think, and the effort, which the same models lack."""
    if request.think in (None, False) or request.think_required:
        return None
    return replace(request, think=None, think_budget=None, effort=None), _name(request, "thinking")


def _without_effort(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    if request.effort is not None:
        return replace(request, effort=None), _name(request, "output_config.effort")
    if isinstance(request.think, str) and not request.think_required:
        return replace(request, think=None), _name(request, "output_config.effort")
    return None


def _without_sampling(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    sampling = request.sampling
    given = [
        name for name in ("temperature", "top_p", "top_k") if getattr(sampling, name) is not None
    ]
    if not given:
        return None
    rest = replace(sampling, temperature=None, top_p=None, top_k=None)
    return replace(request, sampling=rest), given[0]


def _name(request: ChatRequest, own: str) -> str:
    """Return the caller's name for a hint: of this dialect, or of OpenAI's chat API."""
    source = request.source
    return own if source is not None and source.dialect == DIALECT else "reasoning_effort"


_Correction = Callable[[ChatRequest], tuple[ChatRequest, str] | None]
_CORRECTIONS: tuple[tuple[re.Pattern[str], _Correction], ...] = (
    (_EXPECTED, _without_thinking),
    (_SIGNATURE, _without_thinking_history),
    (_SAMPLING, _without_sampling),
    (_THINKING, _without_thinking),
    (_EFFORT, _without_effort),
)
