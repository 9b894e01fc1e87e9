"""Each status, code and reason that vendors document becomes an error class of chatd."""

from __future__ import annotations

import datetime as dt

import pytest

from chatd.dialects.failures import LONGEST_RETRY_AFTER, failure, malformed, retry_after
from chatd.errors import (
    ChatdError,
    ContentRefusedError,
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
from chatd.upstream_http import HttpResponse

Kind = type[ChatdError]


def failed(status: int, reason: str = "", *codes: str, **headers: str) -> ChatdError:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return failure(HttpResponse(status, names, b""), reason, *codes)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((400, UpstreamRefusedError), (401, UpstreamAuthError), (402, QuotaExhaustedError)),
        *((403, UpstreamAuthError), (404, UpstreamNotFoundError), (408, UpstreamTimeoutError)),
        *((413, RequestTooLargeError), (422, UpstreamRefusedError), (429, RateLimitedError)),
        *((503, UpstreamOverloadedError), (504, UpstreamTimeoutError), (500, UpstreamError)),
        (529, UpstreamOverloadedError),
        *((502, UpstreamError), (501, UpstreamError), (405, UpstreamError), (418, UpstreamError)),
        *((200, UpstreamError), (302, UpstreamError), (399, UpstreamError), (600, UpstreamError)),
    ],
)
def test_a_status_decides_the_error_class(status: int, kind: Kind) -> None:
    error = failed(status)

    assert (type(error), error.upstream_status) == (kind, status)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((name, QuotaExhaustedError) for name in ("insufficient_quota", "CreditsError")),
        *((name, QuotaExhaustedError) for name in ("MonthlyLimitError", "UserLimitError")),
        *((name, QuotaExhaustedError) for name in ("FreeUsageLimitError", "GoUsageLimitError")),
        ("exceeded_current_quota_error", QuotaExhaustedError),
        *(("ModelError", UpstreamNotFoundError), ("context_length_exceeded", ContextTooLongError)),
        ("exceed_context_size_error", ContextTooLongError),
        *(("overloaded_error", UpstreamOverloadedError), ("billing_error", QuotaExhaustedError)),
        ("request_too_large", RequestTooLargeError),
        ("enforced_spend_limit_reached", QuotaExhaustedError),
        ("contract_spend_limit_reached", QuotaExhaustedError),
        *((name, ContentRefusedError) for name in ("content_filter", "content_policy_violation")),
    ],
)
def test_a_code_takes_precedence_over_the_status(code: str, kind: Kind) -> None:
    for status in (400, 401, 429, 500, 200):
        assert type(failed(status, "no", code)) is kind
        assert type(failed(status, "no", "unknown", code)) is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [("429", RateLimitedError), ("503", UpstreamOverloadedError), ("400", UpstreamRefusedError)],
)
def test_a_status_within_an_answer_of_200_decides_the_error_class(code: str, kind: Kind) -> None:
    assert type(failed(200, "no", code)) is kind
    assert type(failed(200, "no", "unknown", code)) is kind
    assert failed(200, "no", code).upstream_status == 200
    assert type(failed(500, "no", code)) is UpstreamError


@pytest.mark.parametrize("code", ["200", "302", "4290", "42", "x429", "600"])
def test_another_number_is_no_status(code: str) -> None:
    assert type(failed(200, "no", code)) is UpstreamError


TOO_LONG = [
    "This endpoint's maximum context length is 8192 tokens",
    "input length exceeds the context length",
    "prompt exceeded max context length by 3 tokens",
    "exceeded maximum context",
    "request exceeds its available context",
    "request (9000 tokens) exceeds the available context size",
    "Requested tokens (900) exceed context window of 512",
    "ContextWindowExceededError: context window exceeded",
    "context length is exceeded",
    "context size was exceeded",
    "contextlength has been exceeded",
    "Your request exceeded model token limit: 8192",
    "prompt is too long: 200001 tokens",
    "Input is too long for requested model",
    "exceeds the maximum number of tokens",
    "exceeds the maximum number of input tokens allowed",
]


@pytest.mark.parametrize("reason", TOO_LONG)
def test_a_conversation_that_is_too_long_is_recognised_by_the_reason(reason: str) -> None:
    for status in (400, 422, 413, 500, 200):
        assert type(failed(status, reason)) is ContextTooLongError
        assert type(failed(status, reason.upper())) is ContextTooLongError
    for status, kind in ((401, UpstreamAuthError), (429, RateLimitedError)):
        assert type(failed(status, reason)) is kind


REFUSED = [
    "requires moderation",
    "Your input was flagged",
    "the prompt was flagged",
    "content was flagged",
    "violates our content policy",
    "blocked by content filter",
    "The request was rejected because it was considered high risk",
]


@pytest.mark.parametrize("reason", REFUSED)
def test_a_refused_content_is_recognised_by_the_reason(reason: str) -> None:
    for status in (400, 422, 403):
        assert type(failed(status, reason)) is ContentRefusedError
        assert type(failed(status, reason.upper())) is ContentRefusedError
    for status, kind in ((401, UpstreamAuthError), (500, UpstreamError)):
        assert type(failed(status, reason)) is kind


def test_a_usage_limit_is_a_spent_quota_only_with_429() -> None:
    assert type(failed(429, "you reached your hourly usage limit")) is QuotaExhaustedError
    assert type(failed(429, "slow down")) is RateLimitedError
    assert type(failed(400, "you reached your hourly usage limit")) is UpstreamRefusedError


def test_the_reason_is_read_up_to_its_four_thousandth_character() -> None:
    for before, kind in ((4_000 - len("is too long"), ContextTooLongError), (4_000, UpstreamError)):
        reason = "x" * (before - len("prompt ")) + "prompt is too long"
        assert type(failed(500, reason)) is kind


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (400, "bad\n  thing ", "it answered 400: bad thing"),
        (500, "", "it answered 500"),
        (200, "bad", "it reported an error: bad"),
        (200, "", "it reported an error"),
        (401, "bad key", "it refused the gateway's key, or what the key asked for (401)"),
        (399, "x", "it redirects (399), and a key is never taken along; correct its base URL"),
        (300, "x", "it redirects (300), and a key is never taken along; correct its base URL"),
        (299, "x", "it answered 299: x"),
    ],
)
def test_the_message_has_the_status_and_the_reason(status: int, reason: str, message: str) -> None:
    assert failed(status, reason).message == message


@pytest.mark.parametrize(
    ("status", "codes", "code"),
    [
        (400, ("own_code", "other"), "own_code"),
        (400, ("1st", "second.code-x"), "second.code-x"),
        (400, ("a" * 64,), "a" * 64),
        (400, ("a" * 65,), "invalid_request"),
        (400, (), "invalid_request"),
        (401, ("own_code",), "upstream_auth_error"),
        (403, ("own_code",), "upstream_access_denied"),
        (500, ("own_code",), "upstream_error"),
    ],
)
def test_a_providers_code_is_shown_only_for_a_refused_request(
    status: int, codes: tuple[str, ...], code: str
) -> None:
    assert failed(status, "no", *codes).code == code


NOW = dt.datetime(2026, 11, 25, 12, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(("0", 0.0), ("7", 7.0), (" 1.5 ", 1.5), ("86400", 86_400.0), ("86401", 86_400.0)),
        ("9" * 400, 86_400.0),
        *(("-1", None), ("", None), ("soon", None), ("1,5", None), ("1.", None), ("٣", None)),
        *(("Wed, 25 Nov 2026 12:00:10 GMT", 10.0), ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0)),
        *(("Thu, 26 Nov 2026 12:00:01 GMT", 86_400.0), ("Wed, 25 Nov 2026 13:00:10 +0100", 10.0)),
        ("Wed, 25 Nov 2026 12:00:10 -0000", 10.0),
        ("Wed, 99 Nov 99999 12:00:10 GMT", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date_and_a_day_at_most(
    value: str, seconds: float | None
) -> None:
    assert retry_after(value, lambda: NOW) == seconds


def test_a_date_is_compared_with_the_clock() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    found = retry_after(later.strftime("%a, %d %b %Y %H:%M:%S GMT"))

    assert found is not None
    assert 3_500 < found <= 3_600


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after_ms": " 1500 ", "retry_after": "7"}, 1.5),
        ({"retry_after_ms": "soon", "retry_after": "7"}, 7.0),
        ({"retry_after_ms": "86400001"}, LONGEST_RETRY_AFTER),
        ({}, None),
    ],
)
def test_valid_milliseconds_take_precedence_over_seconds(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert failed(429, "no", **headers).retry_after == seconds


def test_a_malformed_answer_keeps_its_status() -> None:
    error = malformed(HttpResponse(200, {}, b""), "it is no answer")

    assert (error.message, error.upstream_status, error.malformed) == ("it is no answer", 200, True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("invalid_request_error", UpstreamRefusedError),
        *((f"{name}_error", UpstreamAuthError) for name in ("authentication", "permission")),
        *(("not_found_error", UpstreamNotFoundError), ("rate_limit_error", RateLimitedError)),
        *(("timeout_error", UpstreamTimeoutError), ("api_error", UpstreamError)),
    ],
)
def test_anthropic_s_types_stand_for_a_status_only_under_status_200(
    kind: str, expected: Kind
) -> None:
    assert type(failed(200, "no", kind)) is expected
    assert type(failed(500, "no", kind)) is UpstreamError
    assert type(failed(200, "no", "503", kind)) is UpstreamOverloadedError


@pytest.mark.parametrize(
    "reason",
    [
        "Your credit balance is too low to access the Anthropic API.",
        "You have reached your specified workspace API usage limits. Access returns on 2026-12-01.",
        "You have reached your specified API usage limits.",
    ],
)
def test_anthropic_s_spent_account_is_no_fault_of_the_request(reason: str) -> None:
    assert type(failed(400, reason, "invalid_request_error")) is QuotaExhaustedError
    assert type(failed(500, reason)) is UpstreamError
