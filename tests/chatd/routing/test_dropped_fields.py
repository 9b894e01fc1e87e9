"""`x-chatd-dropped-params` names the dropped fields safely, in at most 500 characters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.functions import ask, post
from tests.support.upstream import Upstream

PATH = "/v1/chat/completions"
LONGEST = 500
PICTURE = "data:image/png;base64,AAAA"


@pytest.fixture(autouse=True)
def _dropping(provider: Upstream, config: Path) -> None:
    config.write_text("drop_params = true")


def dropped(**fields: Any) -> str:
    result = post(ask("llama3.2", **fields), PATH)
    assert result.status == 200
    return result.headers["x-chatd-dropped-params"]


def test_the_header_has_at_most_500_characters() -> None:
    names = {f"unknown_field_number_{number}": 1 for number in range(200)}

    header = dropped(**names)

    assert len(header) == LONGEST
    assert header.startswith("unknown_field_number_0, unknown_field_number_1, ")


def test_a_short_list_of_fields_is_named_in_full() -> None:
    assert set(dropped(first=1, second=2).split(", ")) == {"first", "second"}


@pytest.mark.parametrize(
    "name", ["x" * 51, "Grüße", "a b", "a\r\nSet-Cookie: b", "", "a,b", "<script>"]
)
def test_an_unsafe_or_long_name_is_a_question_mark(name: str) -> None:
    assert dropped(**{name: 1}) == "?"


def test_a_name_of_50_characters_is_named() -> None:
    assert dropped(**{"x" * 50: 1}) == "x" * 50


def test_a_request_without_dropped_fields_has_no_header(provider: Upstream) -> None:
    assert "x-chatd-dropped-params" not in post(ask("llama3.2"), PATH).headers


@pytest.mark.parametrize(
    ("model", "turn", "param"),
    [
        (
            "deepseek/deepseek-v4-pro",
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]},
            "messages.content.image_url",
        ),
        (
            "perplexity/sonar",
            {"role": "tool", "tool_call_id": "c", "content": "18 degrees"},
            "messages.tool_calls",
        ),
    ],
)
def test_content_that_a_provider_cannot_take_is_400_and_not_dropped(
    provider: Upstream, keys: str, model: str, turn: dict[str, Any], param: str
) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    before = [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [call]}]
    messages = [*(before if turn["role"] == "tool" else ()), turn]
    result = post({"model": model, "messages": messages}, PATH)

    assert result.status == 400
    assert (result.json["error"]["param"], provider.received) == (param, [])


def test_a_field_that_the_first_model_of_a_tier_cannot_honour_is_400_without_a_fallback(
    provider: Upstream, keys: str, config: Path
) -> None:
    config.write_text('[tiers]\nfast = ["ollama/llama3.2", "openrouter/v/m"]')

    result = post(ask("fast", logit_bias={"1": 5}), PATH)

    assert (result.status, result.json["error"]["code"]) == (400, "unsupported_parameter")
    assert result.json["error"]["param"] == "logit_bias"
    assert provider.received == []
