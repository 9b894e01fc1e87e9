"""The route's limit counts from a plausible request time of API Gateway."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from chatd.aws_lambda.events import call_of, limit_whole
from tests.support import answers
from tests.support.functions import LambdaContext, ask, http_event, post, settings, stream
from tests.support.upstream import Received, Upstream, chunked, silent

LIMIT = 100.0
PATIENT = LambdaContext(remaining_ms=3_600_000)
MARGIN = 0.5
# Seconds that a busy machine may take between two lines of a test.
ROOM = 5.0


def left(taken: Any) -> float:
    """Return the seconds left of a request with this request time in ms."""
    event = http_event("POST", "/v1/chat", requestContext={"requestTimeEpoch": taken})
    return call_of(event, PATIENT, settings(CHATD_HTTP_SECONDS=str(LIMIT))).deadline.left()


def ago(seconds: float) -> int:
    return round((time.time() - seconds) * 1000)


def test_the_age_of_the_request_shortens_its_deadline() -> None:
    assert LIMIT - 20 - MARGIN - ROOM < left(ago(20)) <= LIMIT - 20 - MARGIN + 0.01


@pytest.mark.parametrize(
    "taken",
    [ago(24 * 3600), ago(90), ago(-3600), 0, None, "1700000000000", 1700000000.5],
    ids=["a day", "90 s", "in an hour", "1970", "none", "text", "a fraction"],
)
def test_an_implausible_request_time_does_not_shorten_the_deadline(taken: Any) -> None:
    assert LIMIT - MARGIN - ROOM < left(taken) <= LIMIT - MARGIN


def test_half_a_second_of_lambdas_time_is_reserved_for_the_response() -> None:
    brief = LambdaContext(remaining_ms=10_000)

    for event in (None, http_event("POST", "/v1/chat")):
        seconds = call_of(event, brief, settings(CHATD_HTTP_SECONDS=str(LIMIT))).deadline.left()
        assert 10 - MARGIN - ROOM < seconds <= 10 - MARGIN


def test_the_limit_of_whole_answers_shortens_the_deadline_and_never_extends_it() -> None:
    for whole, expected in ((50.0, 50.0), (500.0, LIMIT)):
        found = settings(CHATD_HTTP_SECONDS=str(LIMIT), CHATD_HTTP_WHOLE_SECONDS=str(whole))
        event = http_event("POST", "/v1/chat", requestContext={"requestTimeEpoch": ago(20)})
        call = call_of(event, PATIENT, found)
        limit_whole(call, event, found)

        assert expected - 20 - MARGIN - ROOM < call.deadline.left() <= expected - 20 - MARGIN + 0.01


def test_the_limit_of_whole_answers_does_not_hold_for_streams(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_HTTP_WHOLE_SECONDS", "0.6")  # 0.1 s, and the margin of 0.5 s
    provider.script = silent(provider)

    assert post(ask("m")).status == 504

    resumed = threading.Event()

    def later(connection: socket.socket, received: Received) -> None:
        resumed.wait(0.5)
        chunked(answers.stream_for_path(received.path))(connection, received)

    provider.script = later

    assert stream(ask("m")).json[-1]["done"] is True
