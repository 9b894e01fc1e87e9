"""Test the chat function in the streaming runtime, with a provider on a real socket."""

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


def answer_ollama(connection: socket.socket, received: Received) -> None:
    if received.json["stream"]:
        chunked(answers.ollama_lines("Hello", "!"))(connection, received)
    else:
        reply(answers.ollama_chat())(connection, received)


@pytest.fixture
def provider() -> Iterator[Upstream]:
    with upstream(answer_ollama) as server:
        yield server


@pytest.fixture
def function(start: Start, provider: Upstream) -> Function:
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


def split_prelude(data: bytes) -> tuple[dict[str, Any], bytes]:
    prelude, _, rest = data.partition(bytes(8))
    return json.loads(prelude), rest


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions"])
def test_a_chat_is_streamed_through_the_runtime(function: Function, path: str) -> None:
    prelude, rest = split_prelude(body(function.invoke(http(path, stream=True))))

    assert prelude["statusCode"] == 200
    assert prelude["headers"]["Content-Type"] == "text/event-stream"
    assert b"Hello" in rest


def test_a_whole_response_has_the_streaming_format(function: Function) -> None:
    prelude, rest = split_prelude(body(function.invoke(http("/v1/chat"))))

    assert prelude["statusCode"] == 200
    assert json.loads(rest)["content"] == "Hello!"


def test_an_error_before_the_first_event_sets_the_status_in_the_prelude(
    function: Function, provider: Upstream
) -> None:
    provider.script = reply({"error": "busy"}, 503)

    prelude, rest = split_prelude(body(function.invoke(http("/v1/chat/completions", stream=True))))

    assert prelude["statusCode"] == 503
    assert json.loads(rest)["error"]["code"] == "upstream_overloaded"


def test_a_direct_invocation_gets_plain_json(function: Function) -> None:
    assert json.loads(body(function.invoke(chat())))["content"] == "Hello!"


def test_a_failed_direct_invocation_returns_file_names_and_lines_only(
    function: Function, provider: Upstream
) -> None:
    provider.script = reply({"error": "boom"}, 500)

    failure = json.loads(body(function.invoke(chat())))

    assert failure["errorType"] == "UpstreamError"
    assert failure["errorMessage"] == "ollama: it answered 500: boom"
    assert all(frame.strip().startswith("File ") for frame in failure["stackTrace"])
    assert not any("\n" in frame.strip() for frame in failure["stackTrace"])


def test_an_event_with_too_many_json_values_is_refused(function: Function) -> None:
    failure = json.loads(body(function.invoke(chat(x=[[]] * 300_000))))

    assert failure["errorType"] == "RequestTooLargeError"
    assert failure["errorMessage"] == "the event holds more than 250,000 JSON values"
    assert json.loads(body(function.invoke(chat())))["content"] == "Hello!"


def test_json_text_inside_a_prompt_does_not_count_as_values(function: Function) -> None:
    messages = [{"role": "user", "content": '1,{"a":[2]},' * 100_000}]
    event = {**http("/v1/chat"), "body": json.dumps({"model": "m", "messages": messages})}

    prelude, _ = split_prelude(body(function.invoke(event)))

    assert prelude["statusCode"] == 200


def test_each_chunk_is_sent_before_the_provider_makes_the_next(
    function: Function, provider: Upstream
) -> None:
    received_chunk = threading.Semaphore(0)
    lines = answers.ollama_lines("one", "two", "three")

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}))
        for line in lines:
            connection.sendall(line)
            if b'"done": false' in line:
                assert received_chunk.acquire(timeout=30)
        connection.shutdown(socket.SHUT_WR)

    provider.script = script
    post = function.invoke(http("/v1/chat", stream=True))
    chunks = [post.next_chunk()]
    for _ in range(3):
        chunks.append(post.next_chunk())
        received_chunk.release()
    chunks += post.remaining_chunks()

    assert [chunk for chunk in chunks if chunk and b'"content"' in chunk] == [
        b'data: {"content":"%s"}\n\n' % word for word in (b"one", b"two", b"three")
    ]
