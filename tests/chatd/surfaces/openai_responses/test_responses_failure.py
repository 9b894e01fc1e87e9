"""Failures of OpenAI's Responses surface, as a response and within a stream."""

from __future__ import annotations

import pytest

from chatd.canonical.events import Delta
from chatd.canonical.served import Served
from chatd.errors import (
    ChatdError,
    ContextTooLongError,
    InvalidRequestError,
    ModelNotFoundError,
    QuotaExhaustedError,
    RateLimitedError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamTimeoutError,
)
from chatd.surfaces.openai_responses.surface import OpenAIResponses
from tests.chatd.surfaces.openai_responses.answers import ID, events_of, frames, writer


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (ContextTooLongError("long"), "context_length_exceeded", None),
        (QuotaExhaustedError("spent"), "insufficient_quota", None),
        (RateLimitedError("busy"), "rate_limit_exceeded", None),
        (InvalidRequestError("wrong"), "invalid_prompt", "invalid_request"),
        (UpstreamError("cut"), "server_error", "upstream_error"),
        (UpstreamTimeoutError("slow"), "server_error", "upstream_timeout"),
    ],
)
def test_a_failure_in_a_stream_has_a_code_that_codex_knows(
    error: ChatdError, code: str, reason: str | None
) -> None:
    stream = writer()
    pieces = list(
        stream.write(iter(frames(Delta(content="Hi"))[:1]), Served("p", "m", "request-1"))
    )

    *before, last = events_of([*pieces, stream.fail(error)])

    assert last["type"] == "response.failed"
    response = last["response"]
    assert (response["id"], response["status"]) == (ID, "failed")
    assert response["created_at"] == before[0]["response"]["created_at"]
    assert (response["error"]["code"], response["error"]["message"]) == (code, error.message)
    assert response["error"].get("reason") == reason
    assert response["error"]["request_id"] == "request-1"
    assert not OpenAIResponses().is_end(stream.fail(error))


def test_a_failure_before_the_first_event_is_a_whole_stream() -> None:
    (event,) = events_of([writer().fail(UpstreamError("cut"))])

    assert event["response"]["id"] == ID
    assert (event["response"]["model"], event["response"]["output"]) == ("m", [])


def test_the_items_that_were_complete_are_in_the_failed_response() -> None:
    stream = writer()
    read = frames(Delta(thinking="A"), Delta(content="Hi"))[:2]
    pieces = list(stream.write(iter(read), Served("p", "m", "request-1")))

    last = events_of([*pieces, stream.fail(UpstreamError("cut"))])[-1]

    assert [item["type"] for item in last["response"]["output"]] == ["reasoning"]


def test_a_missing_model_is_a_404_and_a_retry_by_the_client_is_discouraged() -> None:
    surface = OpenAIResponses()
    missing = surface.error(UpstreamNotFoundError("no such model", provider="p"), "r")
    failed = surface.error(UpstreamError("broken"), "r")

    assert (missing.status, missing.body["error"]["code"]) == (404, ModelNotFoundError.default_code)
    assert failed.headers["x-should-retry"] == "false"


def test_the_schema_is_named_by_this_api_s_field() -> None:
    error = OpenAIResponses().error(InvalidRequestError("not a schema", param="format"), "r")

    assert error.body["error"]["param"] == "text.format.schema"
