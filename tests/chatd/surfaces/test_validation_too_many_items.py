"""A list with too many items is refused by name, also in a field that may be a text."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.safe_json import item_limits
from tests.support.functions import ask, post
from tests.support.upstream import Upstream

TOOL = {"type": "function", "function": {"name": "f"}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PART = {"type": "text", "text": "a"}
HI = {"role": "user", "content": "Hi"}
OPENAI: list[tuple[str, int, Any]] = [
    ("messages", item_limits.MAX_MESSAGES, lambda n: {"messages": [HI] * n}),
    (
        "messages.0.content",
        item_limits.MAX_PARTS,
        lambda n: {"messages": [{"role": "user", "content": [PART] * n}]},
    ),
    (
        "messages.1.tool_calls",
        item_limits.MAX_TOOL_CALLS,
        lambda n: {"messages": [HI, {"role": "assistant", "tool_calls": [CALL] * n}]},
    ),
    ("tools", item_limits.MAX_TOOLS, lambda n: {"tools": [TOOL] * n}),
    ("stop", item_limits.MAX_STOPS, lambda n: {"stop": ["a"] * n}),
]


@pytest.mark.parametrize(("param", "most", "made"), OPENAI, ids=[case[0] for case in OPENAI])
def test_a_list_with_one_item_too_many_is_refused_by_name(
    provider: Upstream, keys: str, param: str, most: int, made: Any
) -> None:
    result = post({**ask("kimi/k3"), **made(most + 1)}, "/v1/chat/completions")

    assert (result.status, result.json["error"]["param"]) == (400, param)
    assert f"at most {most} items" in result.json["error"]["message"]
    assert provider.received == []


@pytest.mark.parametrize(("param", "most", "made"), OPENAI, ids=[case[0] for case in OPENAI])
def test_a_list_at_its_limit_is_passed_on(
    provider: Upstream, keys: str, param: str, most: int, made: Any
) -> None:
    result = post({**ask("kimi/k3"), **made(most)}, "/v1/chat/completions")

    assert result.status == 200


def test_the_native_surface_limits_the_number_of_messages(provider: Upstream, keys: str) -> None:
    body = {"model": "m", "messages": [HI] * (item_limits.MAX_MESSAGES + 1)}

    assert post(body).json["error"]["param"] == "messages"
    assert post({**body, "messages": [HI] * item_limits.MAX_MESSAGES}).status == 200
