"""A wrong Messages request is a 400 in Anthropic's shape that names the field."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.safe_json import item_limits
from tests.chatd.surfaces.anthropic_messages.reading import PATH, body
from tests.support.functions import post
from tests.support.upstream import Upstream

pytestmark = pytest.mark.usefixtures("keys")
TEXT = {"type": "text", "text": "a"}
TOOL = {"name": "f", "input_schema": {"type": "object"}}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": None}, "max_tokens"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"max_tokens": "100"}, "max_tokens"),
    ({"messages": []}, "messages"),
    ({"messages": {}}, "messages"),
    ({"messages": [{"role": "tool", "content": "a"}]}, "messages.0.role"),
    ({"messages": [{"role": "user"}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
    (body({"type": "text"}), "messages.0.content.0.text"),
    (body({"text": "a"}), "messages.0.content.0.type"),
    (body({"type": 5}), "messages.0.content.0.type"),
    (body([]), "messages.0.content.0"),
    (body({"type": "image"}), "messages.0.content.0.source"),
    (
        body({"type": "image", "source": {"type": "base64", "data": "a"}}),
        "messages.0.content.0.source.media_type",
    ),
    (body({"type": "image", "source": {"type": "url"}}), "messages.0.content.0.source.url"),
    (
        body({"type": "document", "source": {"type": "text"}}),
        "messages.0.content.0.source.data",
    ),
    (
        body({"type": "tool_use", "id": "t", "name": "f", "input": "{}"}),
        "messages.0.content.0.input",
    ),
    (body({"type": "tool_result", "content": "a"}), "messages.0.content.0.tool_use_id"),
    (
        body({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image"}]}),
        "messages.0.content.0.content.0.source",
    ),
    (body({"type": "thinking"}), "messages.0.content.0.thinking"),
    (body({"type": "redacted_thinking"}), "messages.0.content.0.data"),
    ({"tools": [{"name": "f"}]}, "tools.0.input_schema"),
    ({"tools": [TOOL, {"input_schema": {}}]}, "tools.1.name"),
    ({"tools": [{**TOOL, "name": "f" * 129}]}, "tools.0.name"),
    ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"thinking": {"budget_tokens": 5}}, "thinking.type"),
    ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ({"output_format": {"type": "json_schema"}}, "output_format.schema"),
    ({"temperature": "hot"}, "temperature"),
    ({"stream": "yes"}, "stream"),
]


@pytest.mark.parametrize(
    ("wrong", "param"), WRONG, ids=[f"{n}-{c[1]}" for n, c in enumerate(WRONG)]
)
def test_a_wrong_field_is_named(provider: Upstream, wrong: dict[str, Any], param: str) -> None:
    result = post({**body("Hi"), **wrong, "model": "kimi/k3"}, PATH)

    assert (result.status, result.json["type"]) == (400, "error")
    assert result.json["error"]["type"] == "invalid_request_error"
    assert result.json["error"]["param"] == param
    assert result.json["request_id"] == result.headers["request-id"]
    assert provider.received == []


def test_a_number_that_is_not_finite_is_named(provider: Upstream) -> None:
    call = '{"type":"tool_use","id":"t","name":"f","input":{"a":[1e999]}}'
    text = f'{{"model":"kimi/k3","max_tokens":1,"messages":[{{"role":"user","content":[{call}]}}]}}'

    result = post(text, PATH)

    assert (result.status, result.json["error"]["param"]) == (400, "messages.0.content.0.input.a.0")
    assert provider.received == []


LISTS: list[tuple[str, int, Any]] = [
    (
        "messages",
        item_limits.MAX_MESSAGES,
        lambda n: {"messages": [{"role": "user", "content": "Hi"}] * n},
    ),
    ("messages.0.content", item_limits.MAX_PARTS, lambda n: body(*[TEXT] * n)),
    (
        "messages.0.content.0.content",
        item_limits.MAX_PARTS,
        lambda n: body({"type": "tool_result", "tool_use_id": "t", "content": [TEXT] * n}),
    ),
    ("system", item_limits.MAX_PARTS, lambda n: {"system": [TEXT] * n}),
    ("tools", item_limits.MAX_TOOLS, lambda n: {"tools": [TOOL] * n}),
    ("stop_sequences", item_limits.MAX_STOPS, lambda n: {"stop_sequences": ["a"] * n}),
]


@pytest.mark.parametrize(("param", "most", "made"), LISTS, ids=[case[0] for case in LISTS])
def test_a_list_with_one_item_too_many_is_refused_by_name(
    provider: Upstream, param: str, most: int, made: Any
) -> None:
    result = post({**body("Hi"), **made(most + 1), "model": "kimi/k3"}, PATH)

    assert (result.status, result.json["error"]["param"]) == (400, param)
    assert f"at most {most} items" in result.json["error"]["message"]
    assert provider.received == []
    assert post({**body("Hi"), **made(most), "model": "kimi/k3"}, PATH).status == 200
