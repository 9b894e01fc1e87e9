"""Write the body of a request in OpenAI's Responses dialect.

A request of the same dialect is forwarded as the caller's own JSON, and only what the gateway
changed in it is written anew. Any other request is written from the canonical form.
https://developers.openai.com/api/reference/resources/responses/methods/create
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.extra import fields_for, nested_for
from chatd.canonical.request import ChatRequest, Source
from chatd.config.provider import Provider
from chatd.dialects.openai_responses import thinking, tools
from chatd.dialects.openai_responses.forwarded_turns import ADDED_TOOLS, forward_turns
from chatd.dialects.openai_responses.items import written
from chatd.dialects.openai_responses.model_facts import refuses_sampling
from chatd.dialects.openai_responses.reading import DIALECT

# OpenAI refuses a smaller limit.
LEAST_MAX_TOKENS = 16
SAMPLING = ("temperature", "top_p", "top_logprobs")
# Fields of OpenAI's chat dialect that mean the same here.
SAME_IN_CHAT = (
    *("user", "metadata", "service_tier", "safety_identifier", "prompt_cache_key"),
    *("prompt_cache_retention", "prompt_cache_options", "moderation"),
)
# The JSON fields of a field of the canonical form.
_WRITTEN_AS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sampling": ("temperature", "top_p"),
        "max_tokens": ("max_output_tokens",),
        "max_completion_tokens": ("max_output_tokens",),
        "tools": ("tools", "tool_choice"),
        "logprobs": ("top_logprobs",),
        **dict.fromkeys(
            ("format", "schema_name", "schema_description", "strict", "format_extra"), ("text",)
        ),
        **dict.fromkeys(("think", "effort", "think_budget"), ("reasoning",)),
    }
)
_SAME = frozenset({"tool_choice", "parallel_tool_calls", "top_logprobs"})


def body_of(request: ChatRequest, row: Provider) -> dict[str, Any]:
    """Write the body.

    Raises:
        InvalidRequestError: If a turn holds a block that only another dialect knows.

    """
    source = own_source(request)
    body = _written(request, row) if source is None else _forwarded(request, row, source)
    body["store"] = False
    if request.stream:
        body["stream"] = True
    else:
        body.pop("stream_options", None)
        if body.get("stream"):
            del body["stream"]
    _correct_fields(body, row)
    return body


def own_source(request: ChatRequest) -> Source | None:
    """Return the caller's own JSON if it is in this dialect and holds all unnamed fields."""
    source = request.source
    if source is None or source.dialect != DIALECT:
        return None
    return source if source.read.get("extra", request.extra) is request.extra else None


def effort_in(request: ChatRequest, row: Provider) -> str | None:
    """Return the effort that the body has; None without one."""
    source = own_source(request)
    if source is None:
        return thinking.effort(request, row)
    found = (source.body.get("reasoning") or {}).get("effort")
    return found if isinstance(found, str) else None


def has_field(request: ChatRequest, row: Provider, name: str) -> bool:
    """Return whether the body has a value for this field, such as `temperature`."""
    source = own_source(request)
    if source is not None:
        return source.body.get(name) is not None
    return name in _options(request, row, own=False) or _same_in_chat(request, name)


def _same_in_chat(request: ChatRequest, name: str) -> bool:
    return name in SAME_IN_CHAT and fields_for("openai_chat", request.extra).get(name) is not None


def _forwarded(request: ChatRequest, row: Provider, source: Source) -> dict[str, Any]:
    """Forward the caller's own JSON, with the fields that changed."""
    body = {**source.body, "model": request.model}
    changed = [name for name, value in source.read.items() if getattr(request, name) is not value]
    if "messages" in changed:
        forward_turns(body, request, source, readable=not row.can_think(request.model))
    if "tools" in changed and isinstance(body["input"], list):
        body["input"] = [item for item in body["input"] if item.get("type") != ADDED_TOOLS]
    fields = {field for name in changed for field in _fields_of(name)}
    if fields:
        options = _options(request, row, own=True)
        for field in sorted(fields):
            body.pop(field, None)
            if field in options:
                body[field] = options[field]
    if row.can_think(request.model) and isinstance(body["input"], list):
        body["input"] = [item for item in body["input"] if not _is_unreadable(item)]
    include = body.get("include") or []
    if thinking.ENCRYPTED not in include and row.can_think(request.model):
        body["include"] = [*include, thinking.ENCRYPTED]
    return body


def _is_unreadable(item: Mapping[str, Any]) -> bool:
    """Return whether an item is reasoning that another model made.

    A model of OpenAI's reads its own encrypted reasoning alone. An item without it refers to one
    that is stored, and OpenAI refuses the request where it is not.
    """
    return item.get("type") == "reasoning" and not item.get("encrypted_content")


def _fields_of(name: str) -> tuple[str, ...]:
    return _WRITTEN_AS.get(name, (name,) if name in _SAME else ())


def _written(request: ChatRequest, row: Provider) -> dict[str, Any]:
    """Write the body from the canonical form."""
    own = fields_for(DIALECT, request.extra)
    of_chat = fields_for("openai_chat", request.extra)
    same = {name: of_chat[name] for name in SAME_IN_CHAT if of_chat.get(name) is not None}
    return {
        **own,
        **same,
        "model": request.model,
        "input": written(request.messages),
        **_options(request, row, own=False),
    }


def _options(request: ChatRequest, row: Provider, *, own: bool) -> dict[str, Any]:
    """Write every field besides the model and the input that has a value.

    Args:
        request: The request.
        row: The provider's row.
        own: Whether the request came in this dialect.

    """
    sampling = request.sampling
    limit = request.max_completion_tokens or request.max_tokens
    found_tools = tools.tools(request)
    found: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_output_tokens": limit if own or not limit else max(limit, LEAST_MAX_TOKENS),
        "top_logprobs": request.top_logprobs,
        "tools": found_tools or None,
        "tool_choice": tools.tool_choice(request) if found_tools else None,
        "parallel_tool_calls": request.parallel_tool_calls if found_tools else None,
        "text": _text(request),
        "reasoning": thinking.reasoning(request, row, own=own),
        "include": thinking.include(request, row),
    }
    return {name: value for name, value in found.items() if value is not None}


def _text(request: ChatRequest) -> dict[str, Any] | None:
    """Write the format and the verbosity, which the chat dialect has beside each other."""
    found: dict[str, Any] = dict(nested_for(DIALECT, request.extra, "text"))
    verbosity = fields_for("openai_chat", request.extra).get("verbosity")
    if verbosity is not None:
        found["verbosity"] = verbosity
    if (form := tools.text_format(request)) is not None:
        found["format"] = form
    return found or None


def _correct_fields(body: dict[str, Any], row: Provider) -> None:
    """Leave out what the model or the row refuses, and rename what the row names otherwise."""
    effort = (body.get("reasoning") or {}).get("effort")
    if refuses_sampling(body["model"], effort):
        for name in SAMPLING:
            body.pop(name, None)
    if row.developer_as_system and isinstance(body["input"], list):
        body["input"] = list(map(_as_system, body["input"]))
    for name, new_name in row.renames.items():
        if name in body:
            body[new_name] = body.pop(name)
    for name in row.drops:
        body.pop(name, None)


def _as_system(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "role": "system"} if item.get("role") == "developer" else item
