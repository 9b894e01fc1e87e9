from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message, Sampling
from chatd.canonical.response import Choice, Response, Usage
from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from chatd.dialects import dialect_for
from chatd.errors import ChatdError, UpstreamError
from chatd.upstream_http import HttpRequest, HttpResponse
from tests.support import answers

PLAIN = Provider(name="vllm", dialect="openai_chat", base_url="http://vllm/v1")
# One without differences, and two with code of their own; test_row_corrections.py has the fields.
ROWS = [PLAIN, CATALOG["openrouter"], CATALOG["kimi"]]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def built(row: Provider, model: str = "m", **more: Any) -> tuple[HttpRequest, dict[str, Any]]:
    request = ChatRequest(
        model=model,
        messages=(Message("system", (Text("Be brief."),)), Message("user", (Text("Hi"),))),
        **more,
    )
    key = SecretStr("sk-1") if row.key_variable else None
    sent = dialect_for(row, request).build(request, row, key)
    return sent, json.loads(sent.body or b"")


@each_row
def test_a_chat_is_sent_unchanged_without_added_fields(row: Provider) -> None:
    sent, body = built(row)

    assert sent.url == f"{row.base_url}/chat/completions"
    assert body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
        ],
    }


@each_row
def test_the_key_is_a_bearer_key(row: Provider) -> None:
    expected = "Bearer sk-1" if row.key_variable else None

    assert expected == built(row)[0].headers.get("Authorization")


@each_row
def test_the_user_agent_is_chatd(row: Provider) -> None:
    assert built(row)[0].headers["User-Agent"].startswith("chatd/")


@each_row
def test_sampling_is_sent_unchanged(row: Provider) -> None:
    _, body = built(row, sampling=Sampling(top_p=0.5, stop=("a",), seed=0), max_tokens=10)

    assert (body["top_p"], body["stop"], body["seed"]) == (0.5, ["a"], 0)
    assert body[row.max_tokens_name or "max_tokens"] == 10


@each_row
def test_json_is_requested_by_openais_response_format(row: Provider) -> None:
    assert built(row, format="json")[1]["response_format"] == {"type": "json_object"}


@each_row
def test_a_schema_is_requested_by_openais_response_format(row: Provider) -> None:
    schema = {"type": "object"}

    assert built(row, format=schema)[1]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema},
    }


@pytest.mark.parametrize(
    ("provider", "think", "fields"),
    [
        ("vllm", True, {"reasoning_effort": "medium"}),
        ("vllm", False, {"reasoning_effort": "none"}),
        ("vllm", "xhigh", {"reasoning_effort": "xhigh"}),
        ("openrouter", True, {"reasoning": {"enabled": True}}),
        ("openrouter", False, {"reasoning": {"enabled": False}}),
        ("openrouter", "xhigh", {"reasoning": {"effort": "xhigh"}}),
        ("kimi", False, {"thinking": {"type": "disabled"}}),
        ("kimi", True, {"thinking": {"type": "enabled"}}),
        ("kimi", "high", {"thinking": {"type": "enabled", "effort": "high"}}),
    ],
)
def test_thinking_is_requested_by_the_providers_field(
    provider: str, think: bool | str, fields: dict[str, Any]
) -> None:
    row = next(row for row in ROWS if row.name == provider)

    _, body = built(row, think=think)

    assert fields == {name: body[name] for name in body if name not in {"model", "messages"}}


def parsed(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = ChatRequest(model="m", messages=())
    return dialect_for(PLAIN, request).parse(HttpResponse(status, headers or {}, content))


def choice(**message: Any) -> dict[str, Any]:
    return {"choices": [{"message": message, "finish_reason": "stop"}]}


def test_an_answer_is_read_with_its_counts() -> None:
    assert parsed(answers.openai_chat("Hello")) == Response(
        (Choice((Text("Hello"),), "stop"),), Usage(11, 7), "vendor/model", id="chatcmpl-1"
    )


def test_an_answer_without_usage_has_zero_counts() -> None:
    assert parsed(answers.openai_chat(usage=None)).usage == Usage(0, 0)


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_thinking_is_read_from_either_field(name: str) -> None:
    assert parsed(choice(content="4", **{name: "2 + 2"})).first.thinking == "2 + 2"


def test_a_budget_spent_on_thinking_is_the_finish_reason_length() -> None:
    answer = parsed(
        {"choices": [{"message": {"content": None, "reasoning": "Hm"}, "finish_reason": "length"}]}
    )

    assert (answer.first.content, answer.first.finish_reason) == ("", "length")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not one of OpenAI's dialect"),
        (b"<html>", "not one of OpenAI's dialect"),
        ({"choices": "none"}, "not one of OpenAI's dialect"),
        ({"choices": []}, "holds no choices"),
        ({}, "holds no choices"),
        ({"choices": None}, "holds no choices"),
        ({"choices": [{"message": {"content": None}}]}, "neither content nor a finish reason"),
        ({"choices": [{"message": None}]}, "neither content nor a finish reason"),
        ({"choices": [{"message": {"content": "x"}, "finish_reason": "error"}]}, "broke off"),
        ({"error": {}}, "it reported an error"),
        ({"error": "boom"}, "it reported an error: boom"),
    ],
)
def test_a_body_without_an_answer_is_an_upstream_error(body: object, reason: str) -> None:
    with pytest.raises(UpstreamError, match=reason) as caught:
        parsed(body)

    assert (caught.value.status, caught.value.upstream_status) == (502, 200)


@pytest.mark.parametrize(
    ("status", "error", "returned", "code"),
    [
        (400, {"message": "no", "code": "bad_thing"}, 400, "bad_thing"),
        (400, {"message": "no", "code": "not a code, but prose"}, 400, "invalid_request"),
        (422, {"message": "no"}, 400, "invalid_request"),
        (401, {"message": "bad key sk-1", "type": "AuthError"}, 502, "upstream_auth_error"),
        (403, {"message": "no"}, 502, "upstream_access_denied"),
        (404, {"message": "no such model"}, 502, "upstream_error"),
        (402, {"message": "pay"}, 429, "insufficient_quota"),
        (408, {"message": "slow"}, 504, "upstream_timeout"),
        (413, {"message": "big"}, 413, "request_too_large"),
        (429, {"message": "slow down"}, 429, "rate_limit_exceeded"),
        (429, {"type": "exceeded_current_quota_error"}, 429, "insufficient_quota"),
        (429, {"code": "insufficient_quota", "type": "x"}, 429, "insufficient_quota"),
        (401, {"type": "CreditsError"}, 429, "insufficient_quota"),
        (401, {"type": "ModelError"}, 502, "upstream_error"),
        (500, {"message": "no"}, 502, "upstream_error"),
        (503, {"message": "busy"}, 503, "upstream_overloaded"),
        (504, {"message": "slow"}, 504, "upstream_timeout"),
        (307, {"message": "moved"}, 502, "upstream_error"),
        (200, {"code": 429, "message": "slow down"}, 429, "rate_limit_exceeded"),
        (200, {"code": "402", "message": "pay"}, 429, "insufficient_quota"),
        (200, {"code": 99, "message": "odd"}, 502, "upstream_error"),
    ],
)
def test_a_refusal_becomes_an_error_of_chatd(
    status: int, error: dict[str, Any], returned: int, code: str
) -> None:
    with pytest.raises(ChatdError) as caught:
        parsed({"error": error}, status)

    assert (returned, code) == (caught.value.status, caught.value.code)
    assert status == caught.value.upstream_status


@pytest.mark.parametrize(("value", "header"), [("7", "7"), ("0.4", "1"), ("soon", None)])
def test_a_valid_retry_after_is_passed_on(value: str, header: str | None) -> None:
    with pytest.raises(ChatdError) as caught:
        parsed({"error": "slow down"}, 429, {"retry-after": value})

    assert header == caught.value.headers().get("Retry-After")


def test_the_error_for_a_spent_quota_forbids_a_retry() -> None:
    with pytest.raises(ChatdError) as caught:
        parsed({"error": "pay"}, 402)

    assert caught.value.headers()["x-should-retry"] == "false"


def test_a_long_reason_is_bounded_before_redaction() -> None:
    with pytest.raises(ChatdError) as caught:
        parsed({"error": "x" * 10_000}, 400)

    assert len(caught.value.message) < 4_100
