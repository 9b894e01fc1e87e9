"""Values of clients that OpenAI's schema lacks are read in their evident meaning."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.functions import ask, post
from tests.support.upstream import Upstream

TOOLS = [{"type": "function", "function": {"name": "f"}}]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(("model", "field"), [("kimi/k3", ""), ("m", "options")])
def test_minus_one_token_is_no_limit(
    provider: Upstream, keys: str, model: str, field: str, name: str
) -> None:
    result = post({**ask(model), name: -1}, "/v1/chat/completions")

    assert result.status == 200
    assert name not in provider.last.json
    assert "num_predict" not in provider.last.json.get(field, {})


@pytest.mark.parametrize("model", ["kimi/k3", "m"])
def test_minus_one_token_is_no_limit_on_the_native_surface(
    provider: Upstream, keys: str, model: str
) -> None:
    assert post(ask(model, max_tokens=-1)).status == 200
    assert "max_tokens" not in provider.last.json
    assert "options" not in provider.last.json


@pytest.mark.parametrize("value", [0, -2, 1.5, "5", True])
@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions"])
def test_other_invalid_limits_are_refused(
    provider: Upstream, keys: str, path: str, value: Any
) -> None:
    error = post(ask("kimi/k3", max_tokens=value), path).json["error"]

    assert error["param"] == "max_tokens"
    assert ("greater than 0" in error["message"]) == (value in (0, -2) and value is not True)


@pytest.mark.parametrize("model", ["kimi/k3", "m", "openrouter/v/m"])
def test_the_effort_default_equals_no_effort(provider: Upstream, keys: str, model: str) -> None:
    assert post(ask(model), "/v1/chat/completions").status == 200
    plain = provider.last.json

    result = post(ask(model, reasoning_effort="default"), "/v1/chat/completions")

    assert result.status == 200
    assert provider.last.json == plain


def test_the_tool_choice_any_is_sent_as_required(provider: Upstream, keys: str) -> None:
    body = ask("openrouter/v/m", tools=TOOLS, tool_choice="any")

    assert post(body, "/v1/chat/completions").status == 200
    assert provider.last.json["tool_choice"] == "required"


def test_the_tool_choice_any_is_emulated_like_required(provider: Upstream, keys: str) -> None:
    for choice in ("any", "required"):
        result = post(ask("m", tools=TOOLS, tool_choice=choice), "/v1/chat/completions")

        assert result.status == 200
    first, second = provider.received
    assert first.json == second.json
    assert "format" in first.json
