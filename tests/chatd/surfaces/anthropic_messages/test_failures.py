"""A failure has Anthropic's shape, type and status, and what makes Claude Code act on it."""

from __future__ import annotations

import json

import pytest

from chatd import errors
from chatd.surfaces import surface
from tests.chatd.surfaces.anthropic_messages.reading import NAME, body, read

API = surface(NAME)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.InvalidRequestError("no"), 400, "invalid_request_error"),
        (errors.ContextTooLongError("no"), 400, "invalid_request_error"),
        (errors.ContentRefusedError("no"), 400, "invalid_request_error"),
        (errors.UnauthorizedError("no"), 401, "authentication_error"),
        (errors.ModelNotFoundError("no"), 404, "not_found_error"),
        (errors.UpstreamNotFoundError("no"), 404, "not_found_error"),
        (errors.RouteNotFoundError("no"), 404, "not_found_error"),
        (errors.KeyReusedError("no"), 409, "invalid_request_error"),
        (errors.RequestTooLargeError("no"), 413, "request_too_large"),
        (errors.RateLimitedError("no"), 429, "rate_limit_error"),
        (errors.QuotaExhaustedError("no"), 429, "rate_limit_error"),
        (errors.InternalError("no"), 500, "api_error"),
        (errors.UpstreamAuthError("no"), 502, "api_error"),
        (errors.UpstreamError("no"), 502, "api_error"),
        (errors.CredentialsUnavailableError("no"), 503, "api_error"),
        (errors.UpstreamTimeoutError("no"), 504, "timeout_error"),
        (errors.UpstreamOverloadedError("no"), 529, "overloaded_error"),
        (errors.NoHealthyProviderError("no"), 529, "overloaded_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_a_failure_has_anthropic_s_status_and_type(
    error: errors.ChatdError, status: int, kind: str
) -> None:
    written = API.error(error, "r-1")

    assert written.status == status
    assert (written.body["type"], written.body["request_id"]) == ("error", "r-1")
    assert (written.body["error"]["type"], written.body["error"]["code"]) == (kind, error.code)


def test_the_gateway_s_fields_stand_beside_anthropic_s() -> None:
    error = errors.UpstreamError("no", provider="p", upstream_status=500)

    assert API.error(error, "r-1").body["error"] == {
        "type": "api_error",
        "message": "no",
        "param": None,
        "code": "upstream_error",
        "provider": "p",
        "upstream_status": 500,
        "request_id": "r-1",
    }


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("a: maximum context is 8192", "prompt is too long: a: maximum context is 8192"),
        ("a: Prompt is too long: 9 tokens > 8 maximum",) * 2,
        ("a: input length and `max_tokens` exceed context limit: 1 + 9 > 8",) * 2,
    ],
)
def test_a_long_conversation_has_the_words_that_claude_code_knows(
    message: str, written: str
) -> None:
    error = errors.ContextTooLongError(message)

    assert API.error(error, "r").body["error"]["message"] == written


@pytest.mark.parametrize("message", ["the body is larger than 5 MB", "a full context window"])
def test_a_body_over_a_limit_names_the_context_window_once(message: str) -> None:
    written = API.error(errors.RequestTooLargeError(message), "r").body["error"]["message"]

    assert written.startswith(message)
    assert written.count("context window") == 1


def test_a_rate_limit_says_when_to_retry() -> None:
    headers = API.error(errors.RateLimitedError("no", retry_after=7), "r").headers

    assert headers == {"Retry-After": "7"}


@pytest.mark.parametrize(("after", "kept"), [(None, {}), (7, {}), (90, {"Retry-After": "90"})])
def test_a_spent_quota_says_not_to_retry_soon(after: float | None, kept: dict[str, str]) -> None:
    headers = API.error(errors.QuotaExhaustedError("no", retry_after=after), "r").headers

    assert headers == {"x-should-retry": "false", **kept}


def test_an_overload_may_be_retried_and_another_failure_of_a_provider_not() -> None:
    overload, failed = errors.UpstreamOverloadedError("no"), errors.UpstreamError("no")

    assert API.error(overload, "r").headers == {}
    assert API.error(failed, "r").headers == {"x-should-retry": "false"}


def test_a_schema_is_named_by_anthropic_s_field() -> None:
    error = errors.InvalidRequestError("no", param="format")

    assert API.error(error, "r").body["error"]["param"] == "output_config.format.schema"


def test_a_failure_in_a_stream_is_an_error_event() -> None:
    writer = API.stream(read(body("Hi", stream=True)), "r-1")

    piece = writer.fail(errors.UpstreamOverloadedError("no"))

    name, _, data = piece.decode().partition("\n")
    assert name == "event: error"
    given = json.loads(data.removeprefix("data: "))
    assert (given["type"], given["request_id"]) == ("error", "r-1")
    assert given["error"]["type"] == "overloaded_error"
    assert not API.is_end(piece)
