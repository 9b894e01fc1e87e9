"""Take the hint out of a request that a provider refused because of it.

Agents send efforts, temperatures and encrypted reasoning with every request, whatever the model.
OpenAI's words for a refused one are of November 2026:
https://github.com/openai/codex/issues/8145 (encrypted content),
https://community.openai.com/t/request-for-compatibility-matrix-reasoning-effort-sampling-parameters-across-gpt-5-series/1371738
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from chatd.canonical.content import Thinking
from chatd.canonical.request import ChatRequest, Message, Source
from chatd.dialects.openai_responses.losses import hint_name
from chatd.dialects.openai_responses.request import own_source
from chatd.dialects.openai_responses.thinking import ENCRYPTED
from chatd.errors import UpstreamRefusedError

_UNVERIFIED = re.compile(
    r"encrypted[_ ]content.{0,1000}(could not be|cannot be|verif|decrypt)",
    re.DOTALL | re.IGNORECASE,
)
_NO_ENCRYPTED = re.compile(r"encrypted content is not supported", re.IGNORECASE)
_NO_SUMMARY = re.compile(r"generate reasoning summar|reasoning\.summary", re.IGNORECASE)
_UNSUPPORTED = re.compile(
    r"(unsupported|not supported|does not support|unknown|unrecognized|invalid)", re.IGNORECASE
)
_FIELD = re.compile(r"\b(temperature|top_p|reasoning(?:[._]effort)?)\b")


def without_refused_hint(
    request: ChatRequest, refusal: UpstreamRefusedError
) -> tuple[ChatRequest, str] | None:
    """Return the request without the refused hint, and the hint's name; None without one."""
    words = refusal.message
    if refusal.code == "invalid_encrypted_content" or _UNVERIFIED.search(words):
        return _without_tokens(request)
    if _NO_ENCRYPTED.search(words):
        return _without_include(request)
    if _NO_SUMMARY.search(words):
        return _without_summary(request)
    found = _FIELD.search(words)
    if found is None or not _UNSUPPORTED.search(words):
        return None
    if found[1] in ("temperature", "top_p"):
        return _without_sampling(request, found[1])
    return None if request.think_required else _without_effort(request)


def _without_tokens(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    """Return the request without encrypted reasoning; readable reasoning stays."""
    messages = tuple(map(_without_token, request.messages))
    if all(new is old for new, old in zip(messages, request.messages, strict=True)):
        return None
    own = own_source(request) is not None
    name = "input.encrypted_content" if own else "messages.content.signature"
    return replace(request, messages=messages), name


def _without_token(message: Message) -> Message:
    if not any(isinstance(block, Thinking) for block in message.blocks):
        return message
    blocks = [
        Thinking(block.text, extra=block.extra) if isinstance(block, Thinking) else block
        for block in message.blocks
    ]
    kept = [block for block in blocks if not isinstance(block, Thinking) or block.text]
    return replace(message, blocks=tuple(kept))


def _without_include(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    source = own_source(request)
    if source is None:
        return _without_effort(request)
    include = source.body.get("include") or []
    if ENCRYPTED not in include:
        return None
    rest = [name for name in include if name != ENCRYPTED]
    return _with(request, source, include=rest), "include"


def _without_summary(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    """Return the request without a summary of the reasoning, and with the same effort."""
    source = own_source(request)
    if source is not None:
        given = source.body.get("reasoning") or {}
        if "summary" not in given:
            return None
        rest = {name: value for name, value in given.items() if name != "summary"}
        return _with(request, source, reasoning=rest), "reasoning.summary"
    if request.think is None:
        return None
    level = request.think if isinstance(request.think, str) else request.effort or "medium"
    effort = request.effort if level == "adaptive" else level
    return replace(request, think=None, effort=effort), "thinking.summary"


def _without_effort(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    """Return the request without any wish how to think, for a model that cannot."""
    source = own_source(request)
    if source is not None:
        if not source.body.get("reasoning"):
            return None
        include = [name for name in source.body.get("include") or [] if name != ENCRYPTED]
        return _with(request, source, reasoning=None, include=include or None), "reasoning"
    if request.think is None and request.effort is None:
        return None
    relaxed = replace(request, think=None, effort=None, think_budget=None)
    return relaxed, hint_name(request)


def _without_sampling(request: ChatRequest, name: str) -> tuple[ChatRequest, str] | None:
    source = own_source(request)
    if source is not None:
        return _with(request, source, **{name: None}), name
    if getattr(request.sampling, name) is None:
        return None
    both = replace(request.sampling, temperature=None, top_p=None)
    return replace(request, sampling=both), name


def _with(request: ChatRequest, source: Source, **changes: Any) -> ChatRequest:
    """Return the request with some fields of its JSON replaced, or for None left out."""
    body = {**source.body, **changes}
    body = {
        field: value for field, value in body.items() if field not in changes or value is not None
    }
    return replace(request, source=replace(source, body=body))
