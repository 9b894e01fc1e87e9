"""A key in flight, and a key of another request, are answered with 409."""

from __future__ import annotations

import json
import socket

import pytest

import chat.app
from chatd.aws_lambda.streaming import Collected
from tests.support import answers
from tests.support.functions import HttpResult, LambdaContext, ask, http_event
from tests.support.idempotency import KEY, OPENAI, each_surface, once
from tests.support.upstream import Received, Upstream, reply

pytestmark = pytest.mark.usefixtures("provider", "keys")


@each_surface
def test_another_body_with_the_key_is_409_with_should_retry_false(
    provider: Upstream, store: str, path: str
) -> None:
    once(ask("m"), path)
    refused = once(ask("m", "Say something else."), path)

    assert (refused.status, refused.json["error"]["code"]) == (409, "idempotency_key_reused")
    assert refused.json["error"]["param"] == "Idempotency-Key"
    assert refused.headers["x-should-retry"] == "false"
    assert len(provider.received) == 1


@each_surface
def test_a_second_request_during_the_first_is_409(
    provider: Upstream, store: str, path: str
) -> None:
    meanwhile: list[HttpResult] = []

    def script(connection: socket.socket, received: Received) -> None:
        meanwhile.extend((once(ask("m"), path), once(ask("m", "Something else."), path)))
        reply(answers.ollama_chat())(connection, received)

    provider.script = script
    first = once(ask("m"), path)

    twin, other = meanwhile
    assert first.status == 200
    assert (twin.status, twin.json["error"]["code"]) == (409, "idempotency_key_in_flight")
    assert (twin.headers["retry-after"], "x-should-retry" in twin.headers) == ("1", False)
    assert (other.status, other.json["error"]["code"]) == (409, "idempotency_key_reused")
    assert len(provider.received) == 1


def test_a_stream_is_in_flight_until_its_end_mark_is_sent(provider: Upstream, store: str) -> None:
    body = {**ask("m"), "stream": True}
    event = http_event("POST", OPENAI, json.dumps(body), headers={"Idempotency-Key": KEY})
    seen: list[tuple[bytes, int]] = []

    class RequestingSink(Collected):
        def write(self, data: bytes) -> None:
            super().write(data)
            answer = chat.app.lambda_handler(event, LambdaContext())
            seen.append((data, answer["statusCode"] if isinstance(answer, dict) else 200))

    chat.app.lambda_handler(event, LambdaContext()).write_to(RequestingSink())

    *pieces, (last, status) = seen
    assert (last, status) == (b"data: [DONE]\n\n", 200)
    assert {status for _, status in pieces} == {409}
    assert len(provider.received) == 1
