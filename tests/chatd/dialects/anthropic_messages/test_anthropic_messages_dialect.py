"""Requests, whole responses and model lists of Anthropic's Messages dialect."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from chatd.canonical.collecting import collected
from chatd.canonical.content import Text
from chatd.canonical.events import Delta
from chatd.canonical.request import ChatRequest, Message, Source
from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.dialect import AnthropicMessages
from chatd.errors import (
    ContextTooLongError,
    QuotaExhaustedError,
    RateLimitedError,
    RequestTooLargeError,
    UpstreamAuthError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
)
from chatd.upstream_http import HttpRequest, HttpResponse
from tests.support import answers

ANTHROPIC = CATALOG["anthropic"]
HI = (Message("user", (Text("Hi"),)),)
DIALECT = AnthropicMessages()


def built(row: Provider = ANTHROPIC, **fields: Any) -> HttpRequest:
    return DIALECT.build(ChatRequest("claude-x", HI, **fields), row, SecretStr("sk-1"))


def response(body: Any, status: int = 200) -> HttpResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, {}, content)


def source(**headers: str) -> Source:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    return Source("anthropic_messages", body, {"messages": HI}, headers)


def test_a_request_goes_to_messages_with_the_key_and_the_version() -> None:
    sent = built()

    assert sent.url == "https://api.anthropic.com/v1/messages"
    assert sent.headers["x-api-key"] == "sk-1"
    assert sent.headers["anthropic-version"] == "2023-06-01"
    assert sent.headers["User-Agent"].startswith("chatd/")
    assert {"Authorization", "anthropic-beta"}.isdisjoint(sent.headers)


def test_a_row_may_take_the_key_as_a_bearer_and_have_a_path() -> None:
    row = Provider("p", "openai_chat", "https://h", paths={"anthropic_messages": "/anthropic/v1"})

    sent = built(row)

    assert sent.url == "https://h/anthropic/v1/messages"
    assert sent.headers["Authorization"] == "Bearer sk-1"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("a-2025-01-01,b-2026-02-02", "a-2025-01-01,b-2026-02-02"),
        ("a\r\nx-api-key: k", None),
        ("é", None),
        ("", None),
        ("a" * 2_001, None),
    ],
)
def test_a_callers_betas_go_on_unless_they_are_no_names(given: str, sent: str | None) -> None:
    headers = built(source=source(**{"anthropic-beta": given})).headers

    assert headers.get("anthropic-beta") == sent


def test_the_callers_version_and_other_headers_stay_behind() -> None:
    headers = built(source=source(**{"anthropic-version": "2026-10-21", "x": "y"})).headers

    assert headers["anthropic-version"] == "2023-06-01"
    assert "x" not in headers


def test_betas_of_another_dialect_stay_behind() -> None:
    other = replace(source(**{"anthropic-beta": "a"}), dialect="openai_chat")

    assert "anthropic-beta" not in built(source=other).headers


@pytest.mark.parametrize("stream", [True, False])
def test_stream_is_written_only_for_a_stream(stream: bool) -> None:
    given = source()
    forwarded = replace(given, body={**given.body, "stream": not stream})

    for one in (None, forwarded):
        body = json.loads(built(stream=stream, source=one).body or b"")
        assert body.get("stream") == (True if stream else None)


def test_a_whole_response_is_read_with_its_json() -> None:
    body = {**answers.anthropic("Hi"), "container": {"id": "c"}}

    found = DIALECT.parse(response(body))

    assert (found.first.content, found.first.finish_reason) == ("Hi", "stop")
    assert (found.id, found.model, found.usage.input_tokens) == ("msg_1", "vendor/model", 11)
    assert found.extra is not None
    assert found.extra.fields == {"container": {"id": "c"}}
    assert found.source is not None
    assert found.source.body == body


@pytest.mark.parametrize("content", [None, []])
def test_an_ended_answer_may_have_no_content(content: Any) -> None:
    found = DIALECT.parse(response(answers.anthropic(content=content) | {"content": content}))

    assert found.first.blocks == ()
    assert found.source is not None
    assert found.source.body["content"] == []


def test_content_may_be_a_text() -> None:
    found = DIALECT.parse(response(answers.anthropic() | {"content": "Hi"}))

    assert found.first.content == "Hi"
    assert found.source is not None
    assert found.source.body["content"] == [{"type": "text", "text": "Hi"}]


def test_a_response_may_stream_unasked() -> None:
    stream = b"".join(answers.anthropic_events("Hel", "lo"))

    assert DIALECT.parse(response(stream)).first.content == "Hello"


def test_a_stream_may_come_whole() -> None:
    chunks = iter((b"\n", json.dumps(answers.anthropic("Hi")).encode()))

    frames = list(DIALECT.events(response(b""), chunks))

    assert collected(iter(frames)).first.content == "Hi"


def test_a_text_with_citations_that_comes_whole_is_a_text_in_a_stream() -> None:
    text = {"type": "text", "text": "Hi", "citations": [{"url": "u"}]}
    body = json.dumps(answers.anthropic() | {"content": [text]}).encode()

    frames = list(DIALECT.events(response(b""), iter((body,))))

    deltas = [event for frame in frames for event in frame.events if isinstance(event, Delta)]
    assert [(delta.content, delta.blocks) for delta in deltas] == [("Hi", ()), (None, ())]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"{}", b"[]", b"7", b'{"content":'),
        answers.anthropic() | {"content": 7},
        answers.anthropic() | {"content": [7]},
        answers.anthropic() | {"content": None, "stop_reason": None},
        answers.anthropic() | {"content": [], "stop_reason": None},
        answers.openai_chat(),
    ],
)
def test_a_malformed_response_is_the_providers_failure(body: Any) -> None:
    with pytest.raises(UpstreamError) as failure:
        DIALECT.parse(response(body))

    assert failure.value.malformed


ERRORS = [
    (400, "invalid_request_error", "max_tokens: too large", UpstreamRefusedError),
    (400, "invalid_request_error", "prompt is too long: 2 tokens > 1 maximum", ContextTooLongError),
    (400, "invalid_request_error", "Your credit balance is too low to access", QuotaExhaustedError),
    (
        *(400, "invalid_request_error"),
        "You have reached your specified workspace API usage limits.",
        QuotaExhaustedError,
    ),
    (401, "authentication_error", "invalid x-api-key", UpstreamAuthError),
    (402, "billing_error", "no credit", QuotaExhaustedError),
    (403, "permission_error", "no", UpstreamAuthError),
    (404, "not_found_error", "model: m", UpstreamNotFoundError),
    (413, "request_too_large", "Request exceeds the maximum size", RequestTooLargeError),
    (429, "rate_limit_error", "slow down", RateLimitedError),
    (500, "api_error", "Internal server error", UpstreamError),
    (504, "timeout_error", "timed out", UpstreamTimeoutError),
    (529, "overloaded_error", "Overloaded", UpstreamOverloadedError),
]


@pytest.mark.parametrize(("status", "kind", "words", "expected"), ERRORS)
@pytest.mark.parametrize("under_200", [False, True])
def test_each_documented_error_is_its_class(
    status: int, kind: str, words: str, expected: type, under_200: bool
) -> None:
    body = {"type": "error", "error": {"type": kind, "message": words}, "request_id": "r"}

    with pytest.raises(UpstreamError if expected is UpstreamError else expected) as failure:
        DIALECT.parse(response(body, 200 if under_200 else status))

    assert type(failure.value) is expected


def test_a_spend_limit_among_the_details_is_a_spent_quota() -> None:
    details = {"error_code": "enforced_spend_limit_reached"}
    error = {"type": "rate_limit_error", "message": "limit", "details": details}

    with pytest.raises(QuotaExhaustedError):
        DIALECT.parse(response({"type": "error", "error": error}, 429))


def test_the_models_are_listed_in_one_page() -> None:
    request = DIALECT.models_request(ANTHROPIC, SecretStr("sk-1"))

    assert request.url == "https://api.anthropic.com/v1/models?limit=1000"
    assert (request.method, request.headers["x-api-key"]) == ("GET", "sk-1")
    assert request.headers["anthropic-version"] == "2023-06-01"
    models = {"data": [{"type": "model", "id": "claude-a"}, {"id": "claude-b"}], "has_more": False}
    assert DIALECT.models(response(models)) == ["claude-a", "claude-b"]


def test_a_refused_list_of_models_is_an_error() -> None:
    with pytest.raises(UpstreamAuthError):
        DIALECT.models(response({"type": "error", "error": {"type": "x"}}, 401))
