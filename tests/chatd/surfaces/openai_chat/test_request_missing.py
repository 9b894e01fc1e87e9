"""A missing field that OpenAI's schema requires is named; optional fields may be missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.canonical.content import Image, Text, ToolResult
from chatd.errors import InvalidRequestError
from chatd.surfaces import surface

HELLO = {"role": "user", "content": "Hello"}
CALL = {"id": "i", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def read(**body: Any) -> Any:
    return surface("openai_chat").read({}, json.dumps({"model": "m", **body}).encode())


def turn(**fields: Any) -> dict[str, Any]:
    return {"messages": [HELLO, {"role": "user", **fields}]}


def part(**fields: Any) -> dict[str, Any]:
    return turn(content=[{"type": "text", "text": "a"}, fields])


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"messages": [{"content": "a"}]}, "messages.0.role"),
        (turn(), "messages.1.content"),
        (turn(content=None), "messages.1.content"),
        (turn(role="system"), "messages.1.content"),
        (turn(role="developer"), "messages.1.content"),
        (turn(role="tool", tool_call_id="i"), "messages.1.content"),
        (turn(role="tool", content="a"), "messages.1.tool_call_id"),
        (part(text="a"), "messages.1.content.1.type"),
        (part(type="text"), "messages.1.content.1.text"),
        (part(type="image_url"), "messages.1.content.1.image_url"),
        (part(type="image_url", image_url={}), "messages.1.content.1.image_url.url"),
        ({"messages": [HELLO], "tools": [{}]}, "tools.0.type"),
        ({"messages": [HELLO], "tools": [{"type": "function"}]}, "tools.0.function"),
        (
            {"messages": [HELLO], "tools": [{"type": "function", "function": {}}]},
            "tools.0.function.name",
        ),
        ({"messages": [HELLO], "response_format": {}}, "response_format.type"),
        (
            {"messages": [HELLO], "response_format": {"type": "json_schema"}},
            "response_format.json_schema.schema",
        ),
        (
            {
                "messages": [HELLO],
                "response_format": {"type": "json_schema", "json_schema": {"name": "a"}},
            },
            "response_format.json_schema.schema",
        ),
        (
            turn(role="assistant", tool_calls=[{"id": "i", "type": "function"}]),
            "messages.1.tool_calls.0.function",
        ),
        (
            turn(role="assistant", tool_calls=[CALL, {**CALL, "id": None}]),
            "messages.1.tool_calls.1.id",
        ),
    ],
    ids=str,
)
def test_a_missing_field_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(**body)

    assert caught.value.param == param
    assert caught.value.status == 400


@pytest.mark.parametrize("turns", [turn(role="assistant"), turn(role="assistant", content=None)])
def test_an_assistants_turn_needs_no_content(turns: dict[str, Any]) -> None:
    assert read(**turns).messages[1].blocks == ()


def test_a_tools_turn_is_a_result_with_its_content() -> None:
    (block,) = read(**turn(role="tool", content="a", tool_call_id="i")).messages[1].blocks

    assert isinstance(block, ToolResult)
    assert [type(one) for one in block.blocks] == [Text]


def test_parts_keep_their_order() -> None:
    parts = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
        {"type": "text", "text": "b"},
    ]

    blocks = read(**turn(content=parts)).messages[1].blocks
    assert [type(block) for block in blocks] == [Text, Image, Text]
