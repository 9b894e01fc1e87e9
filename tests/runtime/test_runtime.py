"""Test the runtime's posts chunk by chunk against a fake Lambda Runtime API."""

from __future__ import annotations

import base64
import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.conftest import Function, Start, body, http_event
from tests.runtime.fake_runtime_api import INVOCATION, PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is for Linux only")

SECRET = "words of the caller"
PRELUDE = b'{"statusCode":200,"headers":{"Content-Type":"text/event-stream"}}' + bytes(8)


def test_a_chunk_arrives_before_the_next_is_written(
    function: Function, port: socket.socket
) -> None:
    post = function.http("relay", port=port.getsockname()[1])
    handler, _ = port.accept()
    chunks = [post.next_chunk()]
    for letter in (b"a", b"b", b"c"):
        handler.sendall(letter)  # the handler waits for this byte
        chunks.append(post.next_chunk())
    handler.close()

    assert chunks == [PRELUDE, b"a", b"b", b"c"]
    assert (post.remaining_chunks(), post.complete, post.trailers) == ([], True, {})


def test_a_stream_is_posted_in_the_runtime_api_s_format(function: Function) -> None:
    post = function.http("stream", pieces=["a"])

    assert body(post) == PRELUDE + b"a"
    assert post.path == "/2018-06-01/runtime/invocation/request-1/response"
    host = post.headers.pop("host")
    assert host == function.api.address
    assert post.headers == {
        "content-type": "application/vnd.awslambda.http-integration-response",
        "lambda-runtime-function-response-mode": "streaming",
        "lambda-runtime-invocation-id": INVOCATION,
        "trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
        "transfer-encoding": "chunked",
    }


def test_each_write_is_one_chunk_and_an_empty_write_is_ignored(function: Function) -> None:
    post = function.http("stream", pieces=["a", "", "b" * 100_000, "c"])

    assert post.remaining_chunks() == [PRELUDE, b"a", b"b" * 100_000, b"c"]


def test_10000_chunks_arrive_in_order(function: Function) -> None:
    pieces = [f"{number};" for number in range(10_000)]

    assert body(function.http("stream", pieces=pieces)) == PRELUDE + "".join(pieces).encode()


def test_an_error_before_the_first_event_sets_the_status(function: Function) -> None:
    post = function.http("stream", status=503, headers={"Retry-After": "7"}, pieces=["{}"])

    assert post.next_chunk() == b'{"statusCode":503,"headers":{"Retry-After":"7"}}' + bytes(8)
    assert post.remaining_chunks() == [b"{}"]


def test_non_ascii_text_is_unchanged(function: Function) -> None:
    post = function.http("stream", headers={"X-Model": "модель"}, pieces=["Zoë 🦊", "\0"])
    prelude, _, remaining_body = body(post).partition(bytes(8))

    assert json.loads(prelude)["headers"] == {"X-Model": "модель"}
    assert remaining_body == "Zoë 🦊\0".encode()


@pytest.mark.parametrize(
    ("result", "prelude", "remaining_body"),
    [
        (
            {"statusCode": 400, "multiValueHeaders": {"Vary": ["a", "b"]}, "body": '{"é": 1}'},
            b'{"statusCode":400,"multiValueHeaders":{"Vary":["a","b"]}}',
            '{"é": 1}'.encode(),
        ),
        (
            {"statusCode": 204, "headers": {"A": "b"}, "body": "", "isBase64Encoded": False},
            b'{"statusCode":204,"headers":{"A":"b"}}',
            b"",
        ),
        ({"statusCode": 200}, b'{"statusCode":200}', b""),
    ],
)
def test_a_whole_response_to_an_http_event_is_streamed(
    function: Function, result: dict[str, Any], prelude: bytes, remaining_body: bytes
) -> None:
    assert body(function.http("proxy", result=result)) == prelude + bytes(8) + remaining_body


def test_a_base64_body_is_streamed_as_bytes(function: Function) -> None:
    assert body(function.http("binary")) == b'{"statusCode":200}' + bytes(8) + bytes(range(256))


def test_a_direct_invocation_gets_plain_json(function: Function) -> None:
    post = function.direct("echo", text="Zoë")

    assert json.loads(body(post))["text"] == "Zoë"
    assert post.headers["content-type"] == "application/json"
    assert "lambda-runtime-function-response-mode" not in post.headers


def test_a_direct_invocation_may_return_a_proxy_result(
    function: Function,
) -> None:
    assert json.loads(body(function.direct("proxy", result={"statusCode": 200}))) == {
        "statusCode": 200
    }


def test_streamed_plain_and_failed_responses_alternate_in_one_process(function: Function) -> None:
    pids = set()
    for number in range(20):
        assert body(function.http("stream", pieces=[str(number)])) == PRELUDE + b"%d" % number
        pids.add(json.loads(body(function.direct("echo", text=number)))["pid"])
        assert function.direct("fail").path.endswith("/error")

    assert len(pids) == 1


@pytest.mark.parametrize(
    ("do", "name"),
    [("fail_before", "KeyError"), ("nothing", "RuntimeError"), ("write_first", "RuntimeError")],
)
def test_an_exception_before_the_first_byte_is_the_invocation_s_error(
    function: Function, do: str, name: str
) -> None:
    post = function.http(do)
    error = json.loads(body(post))

    assert post.path == "/2018-06-01/runtime/invocation/request-1/error"
    assert (error["errorType"], error["requestId"]) == (name, "request-1")
    assert SECRET not in str(error) + str(post.headers) + function.log
    assert function.still_serves()


def test_headers_too_large_for_api_gateway_are_the_invocation_s_error(
    function: Function,
) -> None:
    post = function.http("stream", headers={"A": "a" * 16_384}, pieces=[])

    assert post.path.endswith("/error")
    assert json.loads(body(post))["errorType"] == "ValueError"


@pytest.mark.parametrize(
    ("do", "sent", "name"),
    [
        ("fail_after", PRELUDE + b"the first half", "KeyError"),
        ("commit_twice", PRELUDE, "RuntimeError"),
    ],
)
def test_an_exception_after_the_first_byte_is_reported_in_trailers(
    function: Function, do: str, sent: bytes, name: str
) -> None:
    post = function.http(do)

    assert body(post) == sent
    assert post.trailers["Lambda-Runtime-Function-Error-Type"] == name
    error = json.loads(base64.b64decode(post.trailers["Lambda-Runtime-Function-Error-Body"]))
    assert (error["errorType"], error["requestId"]) == (name, "request-1")
    assert SECRET not in str(error) + function.log
    assert function.still_serves()


def test_the_log_names_the_file_and_line_of_an_exception(function: Function) -> None:
    function.http("fail_after").remaining_chunks()
    function.still_serves()

    assert "KeyError in request-1" in function.log
    assert 'scripted.py", line' in function.log


def test_a_failed_invocation_returns_file_and_line_without_source(function: Function) -> None:
    for post in (function.direct("fail"), function.http("fail_before")):
        frames = json.loads(body(post))["stackTrace"]

        assert all(frame.startswith('  File "') and "\n" not in frame for frame in frames)
        assert any("scripted.py" in frame for frame in frames)


def test_a_failed_start_returns_no_source(start: Start, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("x = = 1  # the source\n")
    function = start(PYTHONPATH=str(tmp_path), _HANDLER="broken.handler")
    post = function.api.next_post()
    error = json.loads(body(post))

    assert post.path == "/2018-06-01/runtime/init/error"
    assert error["errorType"] == "Runtime.UserCodeSyntaxError"
    assert "the source" not in str(error["stackTrace"])


def test_an_exit_during_a_stream_leaves_the_response_incomplete(function: Function) -> None:
    post = function.http("exit_after")

    assert (body(post), post.complete) == (PRELUDE, False)
    assert function.process.wait(PATIENCE) == 3


@pytest.mark.parametrize("again", [False, True])
def test_a_write_after_a_connection_loss_raises(
    function: Function, port: socket.socket, again: bool
) -> None:
    function.api.loses_after = 3
    post = function.http("write_until_disconnected", port=port.getsockname()[1], again=again)
    handler, _ = port.accept()
    handler.settimeout(PATIENCE)
    received = handler.recv(4)
    handler.close()

    assert received == b"lost"
    assert (post.remaining_chunks(), post.complete) == ([PRELUDE, b"more", b"more"], False)
    assert function.still_serves()


def test_a_write_after_the_end_raises(function: Function, port: socket.socket) -> None:
    post = function.http("late_write", port=port.getsockname()[1])
    handler, _ = port.accept()
    handler.settimeout(PATIENCE)
    sent = body(post)
    handler.sendall(b"!")
    received = handler.recv(4)
    handler.close()

    assert (sent, post.complete, received) == (PRELUDE, True, b"lost")
    assert function.still_serves()


def test_a_response_refused_by_lambda_ends_the_process(
    function: Function,
) -> None:
    function.api.status = 500
    function.http("stream", pieces=["a"]).remaining_chunks()

    assert function.process.wait(PATIENCE) == 1
    assert "LambdaRuntimeClientError" in function.log


def test_in_sam_local_an_http_event_gets_plain_json(start: Start) -> None:
    function = start(AWS_SAM_LOCAL="true")
    post = function.http("proxy", result={"statusCode": 200, "body": "é"})

    assert json.loads(body(post)) == {"statusCode": 200, "body": "é"}
    assert post.headers["content-type"] == "application/json"
    assert json.loads(body(function.http("nothing")))["errorType"] == "Runtime.MarshalError"


def test_concurrent_invocations_stream_concurrently(start: Start, port: socket.socket) -> None:
    function = start(processes=2, AWS_LAMBDA_MAX_CONCURRENCY="2")
    posts = [function.http("relay", port=port.getsockname()[1]) for _ in range(2)]
    handlers = [port.accept()[0] for _ in range(2)]

    assert [post.next_chunk() for post in posts] == [PRELUDE] * 2  # both are still open
    for handler in handlers:
        handler.sendall(b"a")
    assert [post.next_chunk() for post in posts] == [b"a"] * 2
    for handler in handlers:
        handler.close()
    assert [post.remaining_chunks() for post in posts] == [[], []]


def test_the_trace_id_of_each_invocation_is_in_the_environment(function: Function) -> None:
    function.http("stream", pieces=[]).remaining_chunks()

    assert json.loads(body(function.invoke({"do": "trace"}))) == "Root=request-2"


def test_an_event_without_a_request_context_is_not_an_http_event(function: Function) -> None:
    event = http_event("stream", pieces=[])
    del event["requestContext"]

    assert json.loads(body(function.invoke(event)))["errorType"] == "Runtime.MarshalError"


def test_the_garbage_collector_is_on_and_loaded_objects_are_frozen(function: Function) -> None:
    collector = json.loads(body(function.direct("collector")))

    assert collector["enabled"] is True
    assert collector["frozen"] > 10_000
