"""Take the hint out of a request that a provider refused because of it.

Agents send efforts, temperatures and encrypted reasoning with every request, whatever the model.
OpenAI's words for a refused one are of November 2026:
https://github.com/openai/codex/issues/8145 (encrypted content),
https://community.openai.com/t/request-for-compatibility-matrix-reasoning-effort-sampling-parameters-across-gpt-5-series/1371738
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chatd.canonical.content import Thinking
from chatd.canonical.extra import fields_for
from chatd.canonical.request import ChatRequest, Message, Source
from chatd.dialects import thinking_hints
from chatd.dialects.openai_responses.failed import NOT_STORED
from chatd.dialects.openai_responses.request import own_source
from chatd.dialects.openai_responses.thinking import ENCRYPTED
from chatd.errors import UpstreamRefusedError

_UNSUPPORTED = re.compile(
    r"unsupported|not supported|does not support|unknown parameter|unrecognized", re.IGNORECASE
)
_FIELD = re.compile(r"\b(temperature|top_p|verbosity|reasoning|reasoning_effort)\b")
_VALUE = re.compile(r"unsupported value: '(\w+)'", re.IGNORECASE)

Relaxed = tuple[ChatRequest, str]


def without_refused_hint(request: ChatRequest, refusal: UpstreamRefusedError) -> Relaxed | None:
    """Return the request without the refused hint, and the hint's name; None without one."""
    words = f"{refusal.code} {refusal.message}"
    for sign, without in _SIGNS:
        if sign.search(words):
            return without(request)
    return _without_unsupported(request, words) if _UNSUPPORTED.search(words) else None


def _without_unsupported(request: ChatRequest, words: str) -> Relaxed | None:
    """Return the request without the field that the model does not support."""
    found, value = _FIELD.search(words), _VALUE.search(words)
    field = found[1] if found else None
    if field in ("temperature", "top_p"):
        return _without_sampling(request, field)
    if field == "verbosity" or (found is None and value and _verbosity(request) == value[1]):
        return _without_verbosity(request)
    known = found is not None or value is not None
    return _without_effort(request) if known else None


def _without_tokens(request: ChatRequest) -> Relaxed | None:
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


def _without_ids(request: ChatRequest) -> Relaxed | None:
    """Return the request without the ids of items, which the provider takes for stored ones."""
    source = own_source(request)
    items = source.body.get("input") if source is not None else None
    if source is None or not isinstance(items, list):
        return None
    bare = [{name: item[name] for name in item if name != "id"} for item in items]
    return None if bare == items else (_with(request, source, input=bare), "input.id")


def _verbosity(request: ChatRequest) -> object:
    source = own_source(request)
    if source is not None:
        return (source.body.get("text") or {}).get("verbosity")
    return fields_for("openai_chat", request.extra).get("verbosity")


def _without_verbosity(request: ChatRequest) -> Relaxed | None:
    if _verbosity(request) is None:
        return None
    source = own_source(request)
    if source is not None:
        text = {name: value for name, value in source.body["text"].items() if name != "verbosity"}
        return _with(request, source, text=text or None), "text.verbosity"
    assert request.extra is not None  # noqa: S101  # it has the verbosity
    rest = {name: value for name, value in request.extra.fields.items() if name != "verbosity"}
    return replace(request, extra=replace(request.extra, fields=rest)), "verbosity"


def _without_include(request: ChatRequest) -> Relaxed | None:
    source = own_source(request)
    if source is None:
        return _without_effort(request)
    include = source.body.get("include") or []
    if ENCRYPTED not in include:
        return None
    rest = [name for name in include if name != ENCRYPTED]
    return _with(request, source, include=rest), "include"


def _without_summary(request: ChatRequest) -> Relaxed | None:
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


def _without_effort(request: ChatRequest) -> Relaxed | None:
    """Return the request without any wish how to think, for a model that cannot."""
    source = own_source(request)
    if source is not None:
        if not source.body.get("reasoning"):
            return None
        include = [name for name in source.body.get("include") or [] if name != ENCRYPTED]
        return _with(request, source, reasoning=None, include=include or None), "reasoning"
    return thinking_hints.without(request)


def _without_sampling(request: ChatRequest, name: str) -> Relaxed | None:
    """Return the request without a temperature or `top_p`."""
    source = own_source(request)
    if source is not None:
        given = source.body.get(name) is not None
        return (_with(request, source, **{name: None}), name) if given else None
    sampling = request.sampling
    if getattr(sampling, name) is None:
        return None
    rest = replace(sampling, top_p=None) if name == "top_p" else replace(sampling, temperature=None)
    return replace(request, sampling=rest), name


def _with(request: ChatRequest, source: Source, **changes: Any) -> ChatRequest:
    """Return the request with some fields of its JSON replaced, or for None left out."""
    body = {**source.body, **changes}
    body = {
        field: value for field, value in body.items() if field not in changes or value is not None
    }
    return replace(request, source=replace(source, body=body))


_SIGNS: tuple[tuple[re.Pattern[str], Callable[[ChatRequest], Relaxed | None]], ...] = (
    (
        re.compile(
            r"invalid_encrypted_content|encrypted[_ ]content.{0,1000}(could not|cannot) be",
            re.DOTALL | re.IGNORECASE,
        ),
        _without_tokens,
    ),
    (NOT_STORED, _without_ids),
    (re.compile(r"encrypted content is not supported", re.IGNORECASE), _without_include),
    (re.compile(r"generate reasoning summar|reasoning\.summary", re.IGNORECASE), _without_summary),
)
