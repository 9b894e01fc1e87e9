"""Write the body of a request in Anthropic's Messages dialect.

A request of the same dialect is forwarded as the caller's own JSON, and only what the gateway
changed in it is written anew. Any other request is written from the canonical form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.content import Thinking
from chatd.canonical.extra import Json, fields_for
from chatd.canonical.losses import (
    CHANGING_IN_CHAT,
    foreign_fields,
    further_fields,
    is_idle,
    refused_of_chat,
)
from chatd.canonical.request import ChatRequest, Source
from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.blocks import BlockWriter, plain
from chatd.dialects.anthropic_messages.cache_marks import CARRIED
from chatd.dialects.anthropic_messages.claude_models import claude_model
from chatd.dialects.anthropic_messages.conversation import (
    conversation,
    end_without_space,
    system_of,
)
from chatd.dialects.anthropic_messages.corrections import correct
from chatd.dialects.anthropic_messages.options import Options
from chatd.dialects.anthropic_messages.reading import DIALECT
from chatd.dialects.call_arguments import check_arguments

# The JSON fields of a field of the canonical form, where the names differ.
_WRITTEN_AS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sampling": ("temperature", "top_p", "top_k", "stop_sequences"),
        "format": ("output_config", "output_format"),
        "format_extra": ("output_config", "output_format"),
        "strict": (),
        "effort": ("output_config",),
        "think": ("thinking",),
        "think_budget": ("thinking",),
        "parallel_tool_calls": ("tool_choice",),
    }
)
# The tag of the further fields of OpenAI's chat surface.
_CHAT = "openai_chat"
# Further fields that change no answer: for identity, storage and billing.
_QUIET = frozenset(
    {
        *("user", "metadata", "client_metadata", "session_id", "trace", "store", "include"),
        *("service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
        *("usage", "include_reasoning", "prediction", "provider", "route"),
    }
)


def refused(request: ChatRequest) -> tuple[str, ...]:
    """Name the caller's fields without an equal that change the kind of answer."""
    return () if own_source(request) is not None else refused_of_chat(request)


def omitted(request: ChatRequest, row: Provider) -> tuple[str, ...]:
    """Name the caller's fields that may change the answer and are left out."""
    source = own_source(request)
    if source is not None:
        corrected = correct({**source.body, "model": request.model}, row)
        return tuple(dict.fromkeys((*corrected, *_unsigned(request))))
    options = Options(request, row)
    corrected = correct({"model": request.model, **options.fields}, row)
    lost = [*options.lost, *corrected, *_unsigned(request), *_further(request)]
    claude = claude_model(request.model, row)
    if request.messages[-1].role == "assistant" and claude is not None and not claude.takes_prefill:
        lost.append("messages.prefill")
    foreign = [name for name in foreign_fields(request, DIALECT) if name not in CARRIED]
    return tuple(dict.fromkeys((*lost, *foreign)))


def own_source(request: ChatRequest) -> Source | None:
    """Return the caller's JSON, if it is of this dialect and can be forwarded."""
    source = request.source
    if source is None or source.dialect != DIALECT:
        return None
    return source if request.extra is source.read.get("extra") else None


def body_of(request: ChatRequest, row: Provider) -> dict[str, Any]:
    """Write the body, without `stream`.

    Raises:
        InvalidRequestError: If the dialect cannot express a turn or a block, or the arguments of a
            tool call are no JSON object.
        RequestTooLargeError: If the arguments of all calls hold more than 250,000 JSON values.

    """
    source = own_source(request)
    if source is None:
        body = _written(request, row)
    else:
        body = {**source.body, "model": request.model}
        changed = [
            name for name, value in source.read.items() if getattr(request, name) is not value
        ]
        if changed:
            _rewrite(body, changed, request, row)
    correct(body, row)
    return body


def _written(request: ChatRequest, row: Provider) -> dict[str, Any]:
    """Write the body from the canonical form."""
    body = {
        **fields_for(DIALECT, request.extra),
        "model": request.model,
        **conversation(request, row),
        **Options(request, row).fields,
    }
    user = fields_for(_CHAT, request.extra).get("user")
    if isinstance(user, str) and user:
        body["metadata"] = {"user_id": user}
    return body


def _rewrite(
    body: dict[str, Any], changed: Iterable[str], request: ChatRequest, row: Provider
) -> None:
    """Write the changed fields over the caller's JSON; an unchanged turn stays as it was sent."""
    options = Options(request, row).fields
    for name in changed:
        if name == "messages":
            _rewrite_turns(body, request)
            continue
        for field in _WRITTEN_AS.get(name, (name,)):
            body.pop(field, None)
            if field in options:
                body[field] = options[field]


def _rewrite_turns(body: dict[str, Any], request: ChatRequest) -> None:
    source = own_source(request)
    read = source.read["messages"] if source else ()
    sent = body["messages"]
    systems = len(read) - len(sent)  # the system prompt is the first message
    turns = dict(zip(map(id, read[systems:]), sent, strict=True))
    given = list(request.messages)
    leading = []
    while given and given[0].role == "system" and id(given[0]) not in turns:
        leading.append(given.pop(0))
    if [id(turn) for turn in leading] != [id(turn) for turn in read[:systems]]:
        body.pop("system", None)
        if (system := system_of(leading)) is not None:
            body["system"] = system
    check_arguments([turn for turn in given if id(turn) not in turns])
    writer = BlockWriter(None, keeps_unsigned=claude_model(request.model) is None)
    written = []
    for position, turn in enumerate(given, len(leading)):
        if id(turn) in turns:
            written.append(turns[id(turn)])
        elif content := writer.written(turn.blocks, f"messages.{position}"):
            fields = fields_for(DIALECT, turn.extra)
            written.append({**fields, "role": turn.role, "content": plain(content)})
    if written and id(given[-1]) not in turns:
        end_without_space(written)
    body["messages"] = written


def _unsigned(request: ChatRequest) -> tuple[str, ...]:
    """Name thinking in the history that Claude refuses: without a signature."""
    if claude_model(request.model) is None:
        return ()
    for turn in request.messages:
        for block in turn.blocks:
            if isinstance(block, Thinking) and not (block.signature or block.redacted):
                return ("messages.content.thinking",)
    return ()


def _further(request: ChatRequest) -> tuple[str, ...]:
    """Name the further fields of another surface that may change the answer."""
    extra = request.extra
    if extra is None or extra.dialect == DIALECT:
        return ()
    if extra.dialect != _CHAT:
        return further_fields(request, DIALECT)
    given: Json = extra.fields
    skipped = (*_QUIET, *CHANGING_IN_CHAT)
    return tuple(
        name for name, value in given.items() if name not in skipped and not is_idle(name, value)
    )
