"""Write the body of a request in OpenAI's chat dialect.

A request of the same dialect is forwarded as the caller's own JSON, and only what the gateway
changed in it is written anew. Any other request is written from the canonical form.
https://github.com/openai/openai-openapi/blob/master/openapi.yaml
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chatd.canonical.extra import fields_for, nested_for
from chatd.canonical.losses import foreign_fields, further_fields, has_failed_result
from chatd.canonical.request import AnyTool, ChatRequest, CustomTool, NamedTool, OpaqueTool, Source
from chatd.config.provider import Provider
from chatd.dialects.openai_chat.turns import DIALECT, written

# The JSON fields of a field of the canonical form, where the names differ.
_WRITTEN_AS: Mapping[str, tuple[str, ...]] = {
    "sampling": (
        *("temperature", "top_p", "seed", "stop"),
        *("presence_penalty", "frequency_penalty"),
    ),
    "format": ("response_format",),
    "schema_name": ("response_format",),
    "schema_description": ("response_format",),
    "strict": ("response_format",),
    "format_extra": ("response_format",),
    "think": ("reasoning_effort",),
}
# Fields that OpenAI refuses without tools.
_BESIDE_TOOLS = ("tool_choice", "parallel_tool_calls")


def is_own(request: ChatRequest) -> bool:
    """Return whether the request came in this dialect."""
    return request.source is not None and request.source.dialect == DIALECT


def body_of(request: ChatRequest, row: Provider) -> dict[str, Any]:
    """Write the body, without what the dialect adds for thinking and streams.

    Raises:
        InvalidRequestError: If a turn holds a block that only another dialect knows.

    """
    source = request.source
    if source is None or source.dialect != DIALECT:
        return _written(request, row)
    changed = [name for name, value in source.read.items() if getattr(request, name) is not value]
    if "extra" in changed:
        return _written(request, row)
    body = {**source.body, "model": request.model}
    if changed:
        _rewrite(body, changed, request, source)
    return body


def has_field(request: ChatRequest, name: str) -> bool:
    """Return whether the body has a value for this field, such as `temperature`."""
    source = request.source
    if source is not None and source.dialect == DIALECT:
        return source.body.get(name) is not None
    return name in _options(request) or name in fields_for(DIALECT, request.extra)


def field_names(request: ChatRequest) -> list[str]:
    """Name the fields of the body that the caller gives a value."""
    source = request.source
    if source is not None and source.dialect == DIALECT:
        return [name for name, value in source.body.items() if value is not None]
    return [*_options(request), *fields_for(DIALECT, request.extra)]


def foreign(request: ChatRequest, row: Provider) -> tuple[str, ...]:
    """Name the fields that came in another dialect, which the body lacks."""
    if is_own(request):
        return ()
    found = list(further_fields(request, DIALECT))
    if request.sampling.top_k is not None and not row.takes_top_k:
        found.append("top_k")
    found += foreign_fields(request, DIALECT)
    if has_failed_result(request):
        found.append("messages.content.is_error")
    return tuple(found)


def _written(request: ChatRequest, row: Provider) -> dict[str, Any]:
    """Write the body from the canonical form."""
    body: dict[str, Any] = {
        **fields_for(DIALECT, request.extra),
        "model": request.model,
        "messages": [turn for message in request.messages for turn in written(message)],
        **_options(request),
    }
    if row.takes_top_k and request.sampling.top_k is not None:
        body["top_k"] = request.sampling.top_k
    if not body.get("tools"):
        for name in _BESIDE_TOOLS:
            body.pop(name, None)
    if options := nested_for(DIALECT, request.extra, "stream_options"):
        body["stream_options"] = dict(options)
    return body


def _rewrite(
    body: dict[str, Any], changed: Iterable[str], request: ChatRequest, source: Source
) -> None:
    """Write the changed fields over the caller's JSON; an unchanged turn stays as it was sent."""
    options = _options(request)
    for name in changed:
        if name == "messages":
            read = source.read["messages"]
            sent = dict(zip(map(id, read), source.body["messages"], strict=True))
            body["messages"] = [
                turn
                for message in request.messages
                for turn in ([sent[id(message)]] if id(message) in sent else written(message))
            ]
        else:
            for field in _WRITTEN_AS.get(name, (name,)):
                body.pop(field, None)
                if field in options:
                    body[field] = options[field]


def _options(request: ChatRequest) -> dict[str, Any]:
    """Write every field besides the model and the messages that has a value."""
    sampling = request.sampling
    options: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": None if sampling.stop is None else list(sampling.stop),
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "max_tokens": request.max_tokens,
        "max_completion_tokens": request.max_completion_tokens,
        "n": request.n,
        "logprobs": request.logprobs,
        "top_logprobs": request.top_logprobs,
        "tools": [written for tool in request.tools if (written := _tool(tool))] or None,
        "tool_choice": _tool_choice(request),
        "parallel_tool_calls": request.parallel_tool_calls,
        "response_format": _response_format(request),
    }
    return {name: value for name, value in options.items() if value is not None}


def _tool(tool: AnyTool) -> dict[str, Any] | None:
    """Write a tool; None for one that only another dialect knows."""
    fields = fields_for(DIALECT, tool.extra)
    if isinstance(tool, OpaqueTool):
        return {**fields, "type": tool.kind} if tool.extra.dialect == DIALECT else None
    if isinstance(tool, CustomTool):
        return {**fields, "type": "custom", "custom": _custom(tool)}
    function = {**nested_for(DIALECT, tool.extra, "function"), "name": tool.name}
    for name in ("description", "parameters", "strict"):
        if (value := getattr(tool, name)) is not None:
            function[name] = value
    return {**fields, "type": "function", "function": function}


def _custom(tool: CustomTool) -> dict[str, Any]:
    custom = {**nested_for(DIALECT, tool.extra, "custom"), "name": tool.name}
    if tool.description is not None:
        custom["description"] = tool.description
    if tool.format is not None:
        rest = {name: value for name, value in tool.format.items() if name != "type"}
        is_grammar = tool.format.get("type") == "grammar"
        custom["format"] = {"type": "grammar", "grammar": rest} if is_grammar else tool.format
    return custom


def _tool_choice(request: ChatRequest) -> str | dict[str, Any] | None:
    choice = request.tool_choice
    if choice is None or isinstance(choice, str):
        return choice
    fields = dict(fields_for(DIALECT, choice.extra))
    if isinstance(choice, NamedTool):
        custom = any(isinstance(t, CustomTool) and t.name == choice.name for t in request.tools)
        kind = "custom" if custom else "function"
        named = {**nested_for(DIALECT, choice.extra, kind), "name": choice.name}
        return {**fields, "type": kind, kind: named}
    if choice.extra.dialect != DIALECT:
        return None
    return {**fields, "type": choice.kind} if choice.kind else fields


def _response_format(request: ChatRequest) -> dict[str, Any] | None:
    fields = fields_for(DIALECT, request.format_extra)
    if request.format is None:
        return None
    if isinstance(request.format, str):
        return {**fields, "type": "json_object"}
    schema: dict[str, Any] = {
        **nested_for(DIALECT, request.format_extra, "json_schema"),
        "name": request.schema_name or "answer",
        "schema": request.format,
    }
    if request.schema_description is not None:
        schema["description"] = request.schema_description
    if request.strict is not None:
        schema["strict"] = request.strict
    return {**fields, "type": "json_schema", "json_schema": schema}
