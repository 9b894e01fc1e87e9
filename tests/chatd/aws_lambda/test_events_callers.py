"""Read the caller, the body and the age of a request from API Gateway's event."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chatd.aws_lambda.events import body_of, call_of, header, is_http, named_caller, request_of
from chatd.errors import InvalidRequestError, RequestTooLargeError
from chatd.safe_json.value_count import Unread
from tests.support.functions import LambdaContext, http_event, settings

ARN = "arn:aws:sts::123456789012:assumed-role/role/session"


@pytest.mark.parametrize(
    ("context", "caller", "name"),
    [
        ({"authorizer": {"principalId": "ann"}}, "caller ann", "ann"),
        ({"authorizer": {"principalId": "ann"}, "identity": {"userArn": ARN}}, "caller ann", "ann"),
        ({"identity": {"userArn": ARN}}, f"iam {ARN}", "assumed-role/role/session"),
        ({"identity": {"caller": "AIDA:x"}}, "iam AIDA:x", "x"),
        ({"identity": {"userArn": ARN, "caller": "c"}}, f"iam {ARN}", "assumed-role/role/session"),
        ({"identity": {"userArn": "", "caller": "c"}}, "iam c", "c"),
        ({"authorizer": {"principalId": ""}}, None, None),
        ({"authorizer": {"principalId": 7}, "identity": {"userArn": 7, "caller": []}}, None, None),
        ({"authorizer": "ann", "identity": ["ann"]}, None, None),
        ({"authorizer": None, "identity": None}, None, None),
        ({}, None, None),
    ],
)
def test_a_caller_is_named_by_the_authorizer_or_by_iam(
    context: dict[str, Any], caller: str | None, name: str | None
) -> None:
    event = http_event("POST", "/v1/chat", requestContext=context)
    call = call_of(event, LambdaContext(), settings())

    assert named_caller(event) == caller
    assert (call.caller, call.caller_name) == (caller or "", name)


@pytest.mark.parametrize(
    ("sent", "kept"), [("an-id", "an-id"), ("", None), (7, None), (None, None)]
)
def test_a_call_has_api_gateways_id_of_the_request(sent: Any, kept: str | None) -> None:
    event = http_event("POST", "/v1/chat", requestContext={"requestId": sent})

    assert call_of(event, LambdaContext(), settings()).api_request_id == kept
    assert call_of(None, LambdaContext(), settings()).api_request_id is None


@pytest.mark.parametrize(("age", "counts"), [(59, True), (61, False), (-1, False)])
def test_an_age_below_a_minute_is_taken_off_the_routes_limit(age: float, counts: bool) -> None:
    taken = round((time.time() - age) * 1000)
    event = http_event("POST", "/v1/chat", requestContext={"requestTimeEpoch": taken})
    context = LambdaContext(remaining_ms=3_600_000)
    left = call_of(event, context, settings(CHATD_HTTP_SECONDS="500")).deadline.left()

    expected = 500 - 0.5 - (age if counts else 0)
    assert expected - 5 < left < expected + 0.5  # a busy machine may take seconds


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"requestContext": {}, "httpMethod": "GET"}, True),
        ({"requestContext": {}}, False),
        ({"httpMethod": "GET"}, False),
        ({"requestContext": "x", "httpMethod": "GET"}, False),
        *(([], False), (None, False), ("requestContext httpMethod", False)),
    ],
)
def test_an_event_with_a_context_and_a_method_came_over_http(event: Any, expected: bool) -> None:
    assert is_http(event) is expected


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ({"body": "é\ud800"}, b"\xc3\xa9\xed\xa0\x80"),
        ({"body": None}, b""),
        ({}, b""),
        ({"body": "YQ==", "isBase64Encoded": True}, b"a"),
        ({"body": "YQ==", "isBase64Encoded": False}, b"YQ=="),
        ({"body": None, "isBase64Encoded": True}, b""),
    ],
)
def test_a_body_is_a_text_or_its_base64(event: Any, body: bytes) -> None:
    assert body_of(event) == body


@pytest.mark.parametrize("body", ["Y", "Y!==", "YQ==\n", "é"])
def test_an_invalid_base64_body_is_refused(body: str) -> None:
    with pytest.raises(InvalidRequestError):
        body_of({"body": body, "isBase64Encoded": True})


@pytest.mark.parametrize(
    ("event", "request_body"),
    [
        ({"model": "m"}, b'{"model": "m"}'),
        ({"detail-type": "x", "detail": {"model": "é"}}, '{"model": "é"}'.encode()),
        ({"detail-type": "x"}, b'{"detail-type": "x"}'),
        ({"detail": {"model": "m"}}, b'{"detail": {"model": "m"}}'),
        (["\ud800"], b'["\xed\xa0\x80"]'),
    ],
)
def test_a_direct_invocations_request_is_the_event_or_its_detail(
    event: Any, request_body: bytes
) -> None:
    assert request_of(event) == request_body


def test_an_event_that_cannot_be_json_is_refused() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    for event in ({"a": {1}}, nested):
        with pytest.raises(InvalidRequestError):
            request_of(event)
    while nested:
        nested = nested.pop()
    with pytest.raises(RequestTooLargeError):
        request_of(Unread())


def test_a_header_is_found_in_any_case() -> None:
    event = {"headers": {"X-A": "1", "x-b": "2"}}

    assert [header(event, name) for name in ("x-a", "x-b", "x-c")] == ["1", "2", None]
    assert header({"headers": None}, "x-a") is None
    assert header({}, "x-a") is None


def test_a_context_that_reports_hang_ups_cancels_the_call() -> None:
    cancels: list[Any] = []

    class Context:
        aws_request_id = "an-id"

        def get_remaining_time_in_millis(self) -> int:
            return 60_000

        def on_cancel(self, cancel: Any) -> None:
            cancels.append(cancel)

    call = call_of(None, Context(), settings())
    assert not call.is_over()

    (cancel,) = cancels
    cancel()
    assert call.cancelled.is_set()
    assert call.is_over()
