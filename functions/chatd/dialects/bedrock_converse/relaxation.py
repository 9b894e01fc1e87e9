"""Take the hint out of a request that a model refused, by the words of the refusal.

Bedrock has one code for all of these refusals. The words are Bedrock's own, or the words of the
model's vendor.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from chatd.canonical.content import Text, Thinking
from chatd.canonical.request import ChatRequest, Message
from chatd.dialects import thinking_hints
from chatd.dialects.bedrock_converse.conversation import CONTINUE

# The patterns are compiled on first use.
# Such as "This model does not support assistant message prefill. The conversation must end with a
# user message."
_PREFILL = r"(?i)prefill|must end with a user message|last turn must be"
# Such as "Invalid `signature` in `thinking` block", and "This model doesn't support the
# reasoningContent field".
_SIGNATURE = r"signature|redacted_?thinking|reasoningContent|redactedContent"
# Such as "extraneous key [thinking] is not permitted", "outputConfig.effort" and "reasoningConfig".
_THINKING = r"(?i)thinking|effort|reasoning"
# Claude: "`temperature` and `top_p` cannot both be specified for this model".
_ONE_OF_BOTH = r"cannot both be specified"
# Such as "`temperature` is deprecated for this model".
_SAMPLING = r"(?i)temperature|top_?p|top_?k"


def relaxed(request: ChatRequest, words: str) -> tuple[ChatRequest, str] | None:
    """Return the request without the refused hint, and the hint's name.

    Args:
        request: The refused request.
        words: The provider's reason.

    Returns:
        None for a refusal that names no hint of the request.

    """
    for pattern, correct in _CORRECTIONS:
        if re.search(pattern, words) and (found := correct(request)) is not None:
            return found
    return None


def _continued(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    """Answer the last assistant turn by a user turn."""
    if request.messages[-1].role != "assistant":
        return None
    messages = (*request.messages, Message("user", (Text(CONTINUE),)))
    return replace(request, messages=messages), "messages.prefill"


def _without_thinking_history(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    if not any(isinstance(block, Thinking) for turn in request.messages for block in turn.blocks):
        return None
    messages = tuple(
        replace(
            turn, blocks=tuple(block for block in turn.blocks if not isinstance(block, Thinking))
        )
        for turn in request.messages
    )
    return replace(request, messages=messages), "messages.content.thinking"


def _without_top_p(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    if request.sampling.top_p is None:
        return None
    return replace(request, sampling=replace(request.sampling, top_p=None)), "top_p"


def _without_sampling(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    sampling = request.sampling
    given = [
        name for name in ("temperature", "top_p", "top_k") if getattr(sampling, name) is not None
    ]
    if not given:
        return None
    rest = replace(sampling, temperature=None, top_p=None, top_k=None)
    return replace(request, sampling=rest), given[0]


_Correction = Callable[[ChatRequest], tuple[ChatRequest, str] | None]
_CORRECTIONS: tuple[tuple[str, _Correction], ...] = (
    (_PREFILL, _continued),
    (_SIGNATURE, _without_thinking_history),
    (_ONE_OF_BOTH, _without_top_p),
    (_SAMPLING, _without_sampling),
    (_THINKING, thinking_hints.without),
)
