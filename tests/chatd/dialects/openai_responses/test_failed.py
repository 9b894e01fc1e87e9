"""A failed response becomes the error of its code, whole or within a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.errors import (
    ChatdError,
    ContentRefusedError,
    ContextTooLongError,
    QuotaExhaustedError,
    RateLimitedError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
)
from tests.chatd.dialects.openai_responses.wire import (
    DIALECT,
    OK,
    created,
    delta,
    events_in,
    message,
    parsed,
    whole,
)

CODES: list[tuple[str, type[ChatdError]]] = [
    ("server_error", UpstreamError),
    ("rate_limit_exceeded", RateLimitedError),
    ("insufficient_quota", QuotaExhaustedError),
    ("context_length_exceeded", ContextTooLongError),
    ("invalid_prompt", UpstreamRefusedError),
    ("bio_policy", ContentRefusedError),
    ("image_content_policy_violation", ContentRefusedError),
    ("invalid_image_format", UpstreamRefusedError),
    ("image_too_large", UpstreamRefusedError),
    ("empty_image_file", UpstreamRefusedError),
    ("server_is_overloaded", UpstreamOverloadedError),
    ("model_not_found", UpstreamNotFoundError),
    ("invalid_encrypted_content", UpstreamRefusedError),
    ("new_code", UpstreamError),
]


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_the_code_of_a_failed_response_is_the_error_s_class(
    code: str, kind: type[ChatdError]
) -> None:
    error = {"code": code, "message": "It went wrong."}
    body = whole(status="failed", error=error)

    for read in (
        lambda: parsed(body),
        lambda: events_in(created(), {"type": "response.failed", "response": body}),
        lambda: events_in(created(), {"type": "error", "param": None, **error}),
        lambda: events_in(created(), {"type": "error", "error": error}),
        lambda: events_in({"error": error}),
        lambda: events_in(created(), {"type": "response.completed", "response": body}),
    ):
        with pytest.raises(ChatdError) as caught:
            read()
        assert type(caught.value) is kind
        assert "It went wrong." in caught.value.message


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "error": {"type": "invalid_request_error", "message": "No such field."}},
        {
            "type": "response.failed",
            "response": {"error": {"type": "invalid_request_error", "message": "No such field."}},
        },
    ],
)
def test_a_caller_s_mistake_in_a_stream_is_a_refusal(event: dict[str, Any]) -> None:
    with pytest.raises(UpstreamRefusedError, match="No such field"):
        events_in(created(), event)


def test_a_cancelled_response_is_a_failure() -> None:
    body = whole(message("Hi"), status="cancelled")

    for read in (
        lambda: parsed(body),
        lambda: events_in(created(), {"type": "response.cancelled", "response": body}),
        lambda: events_in(created(), {"type": "response.completed", "response": body}),
    ):
        with pytest.raises(UpstreamError, match="cancelled"):
            read()


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.failed"},
        {"type": "response.failed", "response": None},
        {"type": "response.failed", "response": {}},
        {"type": "response.failed", "response": {"error": "broken"}},
        {"type": "error"},
        {"type": "error", "code": None, "message": None},
        {"type": "error", "error": []},
    ],
)
def test_a_failure_without_a_code_is_a_failure(event: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError):
        events_in(created(), delta(0, "Hi"), event)


@pytest.mark.parametrize("status", [400, 404])
def test_a_reference_to_an_item_that_is_not_stored_is_a_refusal(status: int) -> None:
    words = "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."

    with pytest.raises(UpstreamRefusedError, match="rs_1"):
        parsed({"error": {"message": words, "type": "invalid_request_error"}}, status)


def test_an_error_under_status_200_is_no_answer() -> None:
    with pytest.raises(QuotaExhaustedError):
        parsed({"error": {"code": "insufficient_quota", "message": "x"}})


def test_nothing_of_a_broken_event_is_in_the_error() -> None:
    secret = "the caller's prompt"
    with pytest.raises(UpstreamError) as caught:
        list(DIALECT.events(OK, iter([f"data: {json.dumps([secret])}\n\n".encode()])))

    assert secret not in caught.value.message
