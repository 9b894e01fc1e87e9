"""A field that Ollama lacks is dropped and named; content that Ollama lacks is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from chatd.canonical.extra import Extra
from chatd.canonical.losses import foreign_fields, further_fields
from chatd.canonical.request import ChatRequest
from chatd.config.catalog import CATALOG
from chatd.dialects import dialect_for
from chatd.errors import InvalidRequestError
from chatd.surfaces import surface
from tests.support.functions import post
from tests.support.openai_bodies import BODY
from tests.support.upstream import Upstream

OLLAMA = CATALOG["ollama"]
MARK = {"cache_control": {"type": "ephemeral"}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f"}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
SCHEMA = {"name": "s", "schema": {"type": "object"}}


def user(*content: Any, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content) or "Hi", **fields}]}


def assistant(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "content": None, **fields}]}


def form(schema: Any, **fields: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": schema, **fields}}


LOSSES: list[tuple[dict[str, Any], str]] = [
    (MARK, "cache_control"),
    (user(**MARK), "messages.cache_control"),
    (user(name="anna"), "messages.name"),
    (user({"type": "text", "text": "Hi", **MARK}), "messages.content.cache_control"),
    (user({**PICTURE, **MARK}), "messages.content.cache_control"),
    (
        user({**PICTURE, "image_url": {**PICTURE["image_url"], "detail": "low"}}),  # type: ignore[dict-item]  # a dict too
        "messages.content.image_url.detail",
    ),
    (
        assistant(tool_calls=[{**CALL, "extra_content": {"google": {"thought_signature": "s"}}}]),
        "messages.tool_calls.extra_content",
    ),
    (
        assistant(tool_calls=[{**CALL, "function": {**CALL["function"], "x": 1}}]),  # type: ignore[dict-item]  # a dict too
        "messages.tool_calls.function.x",
    ),
    (assistant(reasoning_details=[{"data": "x"}]), "messages.reasoning_details"),
    (
        {
            "messages": [
                {
                    "role": "tool",
                    "tool_call_id": "c",
                    "content": [{"type": "text", "text": "x", **MARK}],
                }
            ]
        },
        "messages.content.cache_control",
    ),
    ({"tools": [{**TOOL, **MARK}]}, "tools.cache_control"),
    ({"tools": [{**TOOL, "function": {"name": "f", "x": 1}}]}, "tools.function.x"),
    ({"tools": [{**TOOL, "function": {"name": "f", "strict": True}}]}, "tools.strict"),
    (form({**SCHEMA, "description": "d"}), "response_format.description"),
    (form({**SCHEMA, "x": 1}), "response_format.json_schema.x"),
    (form(SCHEMA, x=1), "response_format.x"),
]


@pytest.mark.parametrize(("fields", "name"), LOSSES, ids=lambda value: str(value)[:40])
def test_a_field_that_ollama_lacks_is_dropped_and_named(
    provider: Upstream, fields: dict[str, Any], name: str
) -> None:
    result = post({"model": "m", **user(), **fields}, "/v1/chat/completions")

    assert (result.status, result.headers["x-chatd-dropped-params"]) == (200, name)
    assert "ephemeral" not in json.dumps(provider.last.json)


@pytest.mark.parametrize("empty", [None, [], {}, ""])
def test_a_field_without_a_value_is_not_named(provider: Upstream, empty: Any) -> None:
    fields = assistant(content="Hi", refusal=empty, annotations=empty, audio=empty)

    result = post({"model": "m", **fields}, "/v1/chat/completions")

    assert result.status == 200
    assert "x-chatd-dropped-params" not in result.headers


def read(body: dict[str, Any]) -> ChatRequest:
    return surface("openai_chat").read({}, json.dumps({"model": "m", **body}).encode())


def test_a_repeated_field_is_named_once() -> None:
    marked = {"type": "text", "text": "Hi", **MARK}

    request = read(user(marked, marked, **MARK))

    names = ("messages.cache_control", "messages.content.cache_control")
    assert foreign_fields(request, "ollama") == names


def test_no_field_is_foreign_to_its_own_dialect() -> None:
    assert foreign_fields(read(user(**MARK)), "openai_chat") == ()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        (user({"type": "input_audio", "input_audio": {}}), "messages.0.content.0"),
        (
            user({"type": "file", "file": {"file_data": "data:application/pdf;base64,AA"}}),
            "messages.0.content.0",
        ),
        (
            assistant(tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "x"}}]),
            "messages.0.tool_calls",
        ),
        (
            assistant(
                tool_calls=[{**CALL, "type": "custom", "custom": {"name": "x", "input": ""}}]
            ),
            "messages.0.tool_calls",
        ),
    ],
)
def test_content_that_changes_the_answer_is_refused(fields: dict[str, Any], param: str) -> None:
    request = read(fields)

    with pytest.raises(InvalidRequestError) as caught:
        dialect_for(OLLAMA, request).build(request, OLLAMA, None)

    assert caught.value.param == param


# Objects whose fields the canonical form names; their other fields are unknown ones.
_CONTAINERS = {"content", "image_url", "file", "tool_calls", "function", "json_schema"}
_UNKNOWN = {"cache_control", "extra_content", "annotations", "partial"}


def unknown_fields(value: Any) -> set[str]:
    """Return the names of the unknown fields with a value, at every level that the form names."""
    if isinstance(value, list):
        return set().union(*map(unknown_fields, value))
    if not isinstance(value, dict):
        return set()
    found = {
        name
        for name, item in value.items()
        if (name in _UNKNOWN or name.startswith("x_")) and item not in (None, "", [], {})
    }
    return found.union(*(unknown_fields(value[name]) for name in _CONTAINERS & value.keys()))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=BODY)
def test_every_unknown_field_below_the_request_is_named_or_refused(body: dict[str, Any]) -> None:
    request = read(body)
    dialect = dialect_for(OLLAMA, request)
    try:
        built = dialect.build(request, OLLAMA, None)
    except InvalidRequestError:  # a 400 that names the field
        return

    named = {*dialect.refused(request, OLLAMA), *dialect.omitted(request, OLLAMA)}
    sent = json.loads(built.body or b"")
    functions = [tool for tool in body.get("tools") or () if tool["type"] == "function"]
    for given_part in (body["messages"], functions, body.get("response_format")):
        for name in unknown_fields(given_part):
            assert any(path.endswith(f".{name}") for path in named), (name, named)
            assert name not in sent


@pytest.mark.parametrize(
    ("path", "default", "other"),
    [
        ("truncation", "disabled", "auto"),
        ("text.verbosity", "medium", "low"),
        ("modalities", ["text"], ["text", "audio"]),
    ],
)
def test_a_field_of_another_dialect_is_named_only_if_it_differs_from_its_default(
    path: str, default: Any, other: Any
) -> None:
    def named(value: Any) -> tuple[str, ...]:
        outer, _, inner = path.partition(".")
        extra = (
            Extra("openai_responses", {}, {outer: {inner: value}})
            if inner
            else Extra("openai_responses", {outer: value})
        )
        return further_fields(ChatRequest("m", (), extra=extra), "ollama")

    assert named(default) == ()
    assert named(other) == (path,)
