"""The chat function itself under its runtime, with a provider on a real socket."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.runtime.conftest import Function, Start, body
from tests.support import answers
from tests.support.upstream import Received, Upstream, chunked, head, reply, upstream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is for Linux only")


def speak(connection: socket.socket, received: Received) -> None:
    if received.json["stream"]:
        chunked(answers.ollama_lines("Hello", "!"))(connection, received)
    else:
        reply(answers.ollama_chat())(connection, received)


@pytest.fixture
def provider() -> Iterator[Upstream]:
    with upstream(speak) as server:
        yield server


@pytest.fixture
def door(start: Start, provider: Upstream) -> Function:
    return start(
        _HANDLER="chat_function.lambda_handler", OLLAMA_URL=provider.url, CHATD_CONFIG="/dev/null"
    )


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **more}


def http(path: str, **more: Any) -> dict[str, Any]:
    return {
        "httpMethod": "POST",
        "path": path,
        "resource": path,
        "headers": {},
        "requestContext": {},
        "body": json.dumps(chat(**more)),
    }


def read(whole: bytes) -> tuple[dict[str, Any], bytes]:
    prelude, _, rest = whole.partition(bytes(8))
    return json.loads(prelude), rest


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions"])
def test_a_chat_is_streamed_through_the_runtime(door: Function, path: str) -> None:
    prelude, rest = read(body(door.invoke(http(path, stream=True))))

    assert prelude["statusCode"] == 200
    assert prelude["headers"]["Content-Type"] == "text/event-stream"
    assert b"Hello" in rest


def test_a_whole_answer_has_the_streams_form_too(door: Function) -> None:
    prelude, rest = read(body(door.invoke(http("/v1/chat"))))

    assert prelude["statusCode"] == 200
    assert json.loads(rest)["content"] == "Hello!"


def test_a_failure_before_the_first_event_has_its_status_in_the_prelude(
    door: Function, provider: Upstream
) -> None:
    provider.script = reply({"error": "busy"}, 503)

    prelude, rest = read(body(door.invoke(http("/v1/chat/completions", stream=True))))

    assert prelude["statusCode"] == 503
    assert json.loads(rest)["error"]["code"] == "upstream_overloaded"


def test_a_direct_invocation_gets_plain_json(door: Function) -> None:
    assert json.loads(body(door.invoke(chat())))["content"] == "Hello!"


def test_a_direct_invocation_that_fails_shows_files_and_lines_alone(
    door: Function, provider: Upstream
) -> None:
    provider.script = reply({"error": "boom"}, 500)

    failure = json.loads(body(door.invoke(chat())))

    assert failure["errorType"] == "UpstreamError"
    assert failure["errorMessage"] == "ollama: it answered 500: boom"
    assert all(frame.strip().startswith("File ") for frame in failure["stackTrace"])
    assert not any("\n" in frame.strip() for frame in failure["stackTrace"])


def test_an_event_of_too_many_values_is_refused_by_name(door: Function) -> None:
    failure = json.loads(body(door.invoke(chat(x=[[]] * 300_000))))

    assert failure["errorType"] == "RequestTooLargeError"
    assert failure["errorMessage"] == "the event holds more than 250,000 JSON values"
    assert json.loads(body(door.invoke(chat())))["content"] == "Hello!"


def test_a_body_may_hold_what_looks_like_many_values(door: Function) -> None:
    messages = [{"role": "user", "content": '1,{"a":[2]},' * 100_000}]
    event = {**http("/v1/chat"), "body": json.dumps({"model": "m", "messages": messages})}

    prelude, _ = read(body(door.invoke(event)))

    assert prelude["statusCode"] == 200


def test_each_piece_leaves_before_the_provider_has_made_the_next(
    door: Function, provider: Upstream
) -> None:
    arrived = threading.Semaphore(0)
    lines = answers.ollama_lines("one", "two", "three")

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}))
        for line in lines:
            connection.sendall(line)
            if b'"done": false' in line:
                assert arrived.acquire(timeout=30)
        connection.shutdown(socket.SHUT_WR)

    provider.script = script
    post = door.invoke(http("/v1/chat", stream=True))
    pieces = [post.next()]
    for _ in range(3):
        pieces.append(post.next())
        arrived.release()
    pieces += post.rest()

    assert [piece for piece in pieces if piece and b'"content"' in piece] == [
        b'data: {"content":"%s"}\n\n' % word for word in (b"one", b"two", b"three")
    ]
