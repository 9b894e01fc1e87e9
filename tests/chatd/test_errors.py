"""What each failure is for a caller, for a retry, for a fallback and for a circuit breaker.

The table is DESIGN's contract: PROVIDERS.md, 6, and docs/errors.md.
"""

from __future__ import annotations

from typing import Any

import pytest

from chatd import errors
from chatd.errors import ChatdError, UpstreamError

INVALID, API = "invalid_request_error", "api_error"
# Class: status, type, code; is it worth a retry, a fallback, and does it count against a breaker?
KINDS: dict[str, tuple[int, str, str, bool, bool, bool]] = {
    "InvalidRequestError": (400, INVALID, "invalid_request", False, False, False),
    "RequestTooLargeError": (413, INVALID, "request_too_large", False, True, False),
    "UpstreamRefusedError": (400, INVALID, "invalid_request", False, False, False),
    "ContextTooLongError": (400, INVALID, "context_length_exceeded", False, False, False),
    "ContentRefusedError": (400, INVALID, "content_filter", False, False, False),
    "KeyReusedError": (409, INVALID, "idempotency_key_reused", False, False, False),
    "InFlightError": (409, INVALID, "idempotency_key_in_flight", False, False, False),
    "CompletionsUnsupportedError": (
        *(400, INVALID, "completions_unsupported"),
        *(False, False, False),
    ),
    "UnauthorizedError": (401, "authentication_error", "invalid_api_key", False, False, False),
    "RouteNotFoundError": (404, INVALID, "route_not_found", False, False, False),
    "ResponseNotFoundError": (404, INVALID, "response_not_found", False, False, False),
    "MethodNotAllowedError": (405, INVALID, "method_not_allowed", False, False, False),
    "ModelNotFoundError": (404, INVALID, "model_not_found", False, False, False),
    "CredentialsUnavailableError": (503, API, "credentials_unavailable", False, True, False),
    "NoHealthyProviderError": (503, API, "no_healthy_provider", False, True, False),
    "IdempotencyUnavailableError": (503, API, "idempotency_unavailable", False, False, False),
    "GuardrailUnavailableError": (503, API, "guardrail_unavailable", False, False, False),
    "StoredResponsesUnavailableError": (
        *(503, API, "stored_responses_unavailable"),
        *(False, False, False),
    ),
    "UpstreamError": (502, API, "upstream_error", True, True, True),
    "UpstreamAuthError": (502, API, "upstream_auth_error", False, True, False),
    "UpstreamNotFoundError": (502, API, "upstream_error", False, True, False),
    "DivergedError": (502, API, "upstream_error", False, False, False),
    "PrefillUnclearError": (502, API, "prefill_unclear", False, False, False),
    "FormatNotMetError": (502, API, "format_not_met", False, True, False),
    "AnswerTooLargeError": (502, API, "answer_too_large", False, True, False),
    "UpstreamTimeoutError": (504, "timeout_error", "upstream_timeout", True, True, True),
    "UpstreamOverloadedError": (503, API, "upstream_overloaded", True, True, True),
    "RateLimitedError": (429, "rate_limit_error", "rate_limit_exceeded", True, True, False),
    "QuotaExhaustedError": (429, "insufficient_quota", "insufficient_quota", False, True, False),
    "CallCancelledError": (499, API, "client_closed", False, False, False),
    "InternalError": (500, API, "internal_error", False, False, False),
}


def made(name: str, **fields: Any) -> ChatdError:
    kind: Any = getattr(errors, name)
    error = kind() if name == "CallCancelledError" else kind("what happened", **fields)
    assert isinstance(error, ChatdError)
    return error


@pytest.mark.parametrize("name", KINDS)
def test_a_failure_has_its_status_type_and_code_and_says_what_may_help(name: str) -> None:
    error = made(name)
    body = error.body("an-id")["error"]

    assert KINDS[name] == (
        *(error.status, body["type"], body["code"]),
        *(error.retryable, error.allows_fallback, error.trips_breaker),
    )
    assert (body["message"], body["param"], body["request_id"]) == (error.message, None, "an-id")
    assert body.keys() == {"message", "type", "param", "code", "request_id"}
    assert str(error) == error.message


def test_every_failure_is_in_the_table() -> None:
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type)}

    assert {name for name in kinds if name.endswith("Error")} - {"ChatdError"} == KINDS.keys()


def test_the_body_names_the_provider_its_status_and_the_field() -> None:
    error = made("UpstreamError", param="a", provider="kimi", upstream_status=500, code="own")

    assert error.body("an-id")["error"] == {
        "message": "what happened",
        "type": "api_error",
        "param": "a",
        "code": "own",
        "provider": "kimi",
        "upstream_status": 500,
        "request_id": "an-id",
    }


NEVER = {"KeyReusedError", "UpstreamAuthError", "QuotaExhaustedError"}
UPSTREAM = [name for name in KINDS if issubclass(getattr(errors, name), UpstreamError)]


@pytest.mark.parametrize("name", sorted(KINDS.keys() - {"CallCancelledError"}))
@pytest.mark.parametrize("seconds", [None, 0, 0.2, 1, 59.5, 60, 60.5, 61])
def test_the_headers_make_a_client_retry_only_where_a_retry_helps(
    name: str, seconds: float | None
) -> None:
    headers = made(name, retry_after=seconds).headers()

    written = {None: None, 0: "0", 0.2: "1", 59.5: "60", 60.5: "61"}.get(seconds, str(seconds))
    assert headers.get("Retry-After") == written
    is_due = seconds is not None and 0 < seconds <= 60
    is_useless = name in NEVER or (name in UPSTREAM and not is_due)
    assert headers.get("x-should-retry") == ("false" if is_useless else None)


@pytest.mark.parametrize("name", KINDS)
def test_a_failure_keeps_the_headers_of_the_chat(name: str) -> None:
    error = made(name)
    error.chat_headers = {"x-chatd-attempts": "a: b"}

    assert error.headers()["x-chatd-attempts"] == "a: b"
    error.retry_after = 7
    assert error.headers()["x-chatd-attempts"] == "a: b"


def test_a_negative_wait_is_none() -> None:
    assert made("RateLimitedError", retry_after=-5).headers()["Retry-After"] == "0"


@pytest.mark.parametrize("name", UPSTREAM)
def test_a_providers_failure_has_no_special_mark_by_default(name: str) -> None:
    error = made(name)
    assert isinstance(error, UpstreamError)

    marks = (error.unreachable, error.malformed, error.unusable_stream, error.caller_was_slow)
    assert marks == (False, False, False, False)


def test_names_in_a_message_are_quoted() -> None:
    assert errors.one_of(["a", "b"]) == "'a', 'b'"
    assert errors.one_of([]) == ""
