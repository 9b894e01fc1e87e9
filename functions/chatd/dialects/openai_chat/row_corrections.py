"""Correct the body of a request for the differences of a provider's row.

Each difference that two providers share is a field of the row. A message or an object of the body
may be the caller's own JSON, so it is copied before it is changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects import thinking_hints
from chatd.dialects.openai_chat.request import field_names, has_field, is_own
from chatd.dialects.openai_chat.turns import DIALECT

LIMITS = ("max_completion_tokens", "max_tokens")
_SAMPLING = ("temperature", "top_p", "top_k")
_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
# Fields that the gateway writes in every request.
_WRITTEN = frozenset({"model", "messages", "stream", "stream_options"})
_REFUSED_IN_TURNS = frozenset({"nulls", "empty_content", "missing_reasoning", "consecutive_turns"})
# How hard to think, by OpenAI's names.
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra")


def dropped(request: ChatRequest, row: Provider) -> tuple[str, ...]:
    """Name the fields of the request that the row leaves out or changes."""
    sampling = _sampling(request)
    refused = _refused(row, request.model, sampling)
    names = [name for name in refused if name in sampling or has_field(request, name)]
    if row.takes_only:
        names += _not_taken(request, row)
    highest, temperature = row.max_temperature, request.sampling.temperature
    if highest is not None and temperature is not None and temperature > highest:
        names.append("temperature")
    if _loses_effort(request, row, refused):
        names.append(thinking_hints.effort_name(request))
    if row.turn_fields or row.tool_schema_drops:
        # 2 modules that most rows do not need: 1 ms of a first chat.
        from chatd.dialects.openai_chat import (  # noqa: PLC0415  # see above
            tool_corrections,
            turn_corrections,
        )

        names += turn_corrections.dropped(request, row)
        names += tool_corrections.dropped(request, row)
    return tuple(dict.fromkeys(names))


def correct_fields(body: dict[str, Any], row: Provider) -> None:
    """Rename, change and leave out fields of the body itself."""
    _rename(body, row)
    sampling = [name for name in _SAMPLING if body.get(name) is not None]
    for name in _refused(row, body["model"], sampling):
        body.pop(name, None)
    highest, temperature = row.max_temperature, body.get("temperature")
    if highest is not None and isinstance(temperature, int | float) and temperature > highest:
        body["temperature"] = highest
    _correct_format(body, row)
    _correct_thinking(body, row)
    if row.refuses:
        _leave_out(body, row)
    if row.tool_choices or row.tool_schema_drops:
        from chatd.dialects.openai_chat import tool_corrections  # noqa: PLC0415  # as above

        tool_corrections.correct(body, row)
    if row.takes_only:
        for name in [name for name in body if name not in row.takes_only]:
            if name not in _WRITTEN:
                del body[name]


def corrects_turns(row: Provider) -> bool:
    """Return whether the row changes any message."""
    return bool(
        row.developer_as_system
        or row.content_as_text
        or row.returns_reasoning is not None
        or row.turn_fields
        or row.call_id_length
        or not _REFUSED_IN_TURNS.isdisjoint(row.refuses)
    )


def _sampling(request: ChatRequest) -> list[str]:
    """Name the fields of the request that choose tokens."""
    source = request.source
    if source is not None and source.dialect == DIALECT:
        return [name for name in _SAMPLING if source.body.get(name) is not None]
    return [name for name in _SAMPLING if getattr(request.sampling, name) is not None]


def _refused(row: Provider, model: str, sampling: Sequence[str]) -> tuple[str, ...]:
    """Name the fields that the row or its model refuses; `sampling` are the request's."""
    for pattern, names in row.model_drops:
        if re.match(pattern, model, re.IGNORECASE):
            return (*row.drops, *names)
    return (*row.drops, *sampling) if sampling and row.refuses_sampling(model) else row.drops


def _rename(body: dict[str, Any], row: Provider) -> None:
    if row.max_tokens_name is not None:
        limits = [body.pop(name) for name in LIMITS if body.get(name) is not None]
        if limits:
            body[row.max_tokens_name] = limits[0]
    for name, new_name in row.renames.items():
        if name in body:
            body[new_name] = body.pop(name)


def _correct_format(body: dict[str, Any], row: Provider) -> None:
    """Leave out or weaken a format that the system text describes (routing/structured_output)."""
    form = body.get("response_format")
    if form is None:
        return
    if "format_beside_tools" in row.refuses and body.get("tools"):
        del body["response_format"]
        return
    kind = form.get("type") if isinstance(form, dict) else None
    if kind == "json_schema" and not row.enforces_schema(body["model"]):
        body["response_format"] = {"type": "json_object"}
    elif kind == "json_object" and "json_object" in row.refuses:
        schema = {"name": "answer", "schema": {"type": "object"}}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}


def _correct_thinking(body: dict[str, Any], row: Provider) -> None:
    """Write the effort in the fields of the row; a forced tool may switch thinking off."""
    forced = "tool_choice_while_thinking" in row.refuses and _is_forced(body)
    if forced and row.can_think(body["model"]):
        for name in row.thinking_fields:
            body.pop(name, None)
        _write_switch(body, row, on=False)
        return
    effort = body.get("reasoning_effort")
    if not isinstance(effort, str):
        return
    switched = row.thinking_fields != ("reasoning_effort",)
    if switched:
        _write_switch(body, row, on=effort != "none")
    off = effort == "none"
    lost = off and (switched or _cannot_switch_off(row))
    if "reasoning_effort" not in row.thinking_fields or lost:
        del body["reasoning_effort"]
    elif row.efforts:
        body["reasoning_effort"] = _taken(effort, row.efforts)


def _write_switch(body: dict[str, Any], row: Provider, *, on: bool) -> None:
    """Switch thinking on or off, unless the caller's own field does."""
    if "thinking" in row.thinking_fields:
        body.setdefault("thinking", {"type": "enabled" if on else "disabled"})
    if "enable_thinking" in row.thinking_fields:
        body.setdefault("enable_thinking", on)


def _taken(effort: str, efforts: tuple[str, ...]) -> str:
    """Return the lowest taken effort that is not below the given one, or else the highest."""
    if effort in efforts or effort not in _EFFORTS:
        return effort
    wanted = _EFFORTS.index(effort)
    higher = (name for name in efforts if name in _EFFORTS and _EFFORTS.index(name) >= wanted)
    return next(higher, efforts[-1])


def _is_forced(body: dict[str, Any]) -> bool:
    choice = body.get("tool_choice")
    return bool(body.get("tools")) and (choice == "required" or isinstance(choice, dict))


def _leave_out(body: dict[str, Any], row: Provider) -> None:
    if "stream_options" in row.refuses:
        body.pop("stream_options", None)
    if "tools" in row.refuses:
        for name in _TOOLS:
            body.pop(name, None)


def _not_taken(request: ChatRequest, row: Provider) -> Iterator[str]:
    """Name the caller's fields that the row does not take."""
    for name in field_names(request):
        limit = row.max_tokens_name if name in LIMITS else None
        given = limit or row.renames.get(name, name)
        # One call at most is kept by other means (routing/tool_limits.py).
        kept = name == "parallel_tool_calls" and name in row.refuses
        if given not in row.takes_only and name not in _WRITTEN and not kept:
            yield name


def _loses_effort(request: ChatRequest, row: Provider, refused: Sequence[str]) -> bool:
    """Whether the caller's effort, or the wish not to think, is left out."""
    wanted = request.think if is_own(request) else thinking_hints.wanted(request, row)
    if wanted is None:
        return False
    off = wanted is False or wanted == "none"
    if "reasoning_effort" in refused:
        return True
    if "reasoning_effort" not in row.thinking_fields:
        return isinstance(wanted, str) and not off
    return off and _cannot_switch_off(row)


def _cannot_switch_off(row: Provider) -> bool:
    """Whether the row's provider has no effort `none`, and no other field for it."""
    alone = row.thinking_fields == ("reasoning_effort",)
    return alone and bool(row.efforts) and "none" not in row.efforts
