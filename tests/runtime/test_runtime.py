"""What the runtime posts, chunk by chunk, against a stand-in for Lambda's Runtime API."""

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


def test_a_piece_arrives_before_the_next_is_made(function: Function, port: socket.socket) -> None:
    post = function.http("in_turn", port=port.getsockname()[1])
    handler, _ = port.accept()
    arrived = [post.next()]
    for letter in (b"a", b"b", b"c"):
        handler.sendall(letter)  # the handler has nothing to write before this
        arrived.append(post.next())
    handler.close()

    assert arrived == [PRELUDE, b"a", b"b", b"c"]
    assert (post.rest(), post.whole, post.trailers) == ([], True, {})


def test_a_stream_is_posted_as_the_runtime_api_asks(function: Function) -> None:
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


def test_each_piece_is_a_chunk_and_an_empty_one_ends_nothing(function: Function) -> None:
    post = function.http("stream", pieces=["a", "", "b" * 100_000, "c"])

    assert post.rest() == [PRELUDE, b"a", b"b" * 100_000, b"c"]


def test_ten_thousand_pieces_arrive_in_order(function: Function) -> None:
    pieces = [f"{number};" for number in range(10_000)]

    assert body(function.http("stream", pieces=pieces)) == PRELUDE + "".join(pieces).encode()


def test_an_error_before_the_first_event_carries_its_status(function: Function) -> None:
    post = function.http("stream", status=503, headers={"Retry-After": "7"}, pieces=["{}"])

    assert post.next() == b'{"statusCode":503,"headers":{"Retry-After":"7"}}' + bytes(8)
    assert post.rest() == [b"{}"]


def test_text_beyond_ascii_arrives(function: Function) -> None:
    post = function.http("stream", headers={"X-Model": "модель"}, pieces=["Zoë 🦊", "\0"])
    prelude, _, rest = body(post).partition(bytes(8))

    assert json.loads(prelude)["headers"] == {"X-Model": "модель"}
    assert rest == "Zoë 🦊\0".encode()


@pytest.mark.parametrize(
    ("result", "prelude", "rest"),
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
def test_a_whole_answer_to_an_http_event_is_streamed_too(
    function: Function, result: dict[str, Any], prelude: bytes, rest: bytes
) -> None:
    assert body(function.http("proxy", result=result)) == prelude + bytes(8) + rest


def test_a_base64_body_is_streamed_as_its_bytes(function: Function) -> None:
    assert body(function.http("binary")) == b'{"statusCode":200}' + bytes(8) + bytes(range(256))


def test_a_direct_invocation_gets_plain_json(function: Function) -> None:
    post = function.direct("echo", say="Zoë")

    assert json.loads(body(post))["said"] == "Zoë"
    assert post.headers["content-type"] == "application/json"
    assert "lambda-runtime-function-response-mode" not in post.headers


def test_a_direct_invocation_whose_answer_looks_like_a_proxy_result_gets_it(
    function: Function,
) -> None:
    assert json.loads(body(function.direct("proxy", result={"statusCode": 200}))) == {
        "statusCode": 200
    }


def test_forms_alternate_in_one_process(function: Function) -> None:
    pids = set()
    for number in range(20):
        assert body(function.http("stream", pieces=[str(number)])) == PRELUDE + b"%d" % number
        pids.add(json.loads(body(function.direct("echo", say=number)))["pid"])
        assert function.direct("fail").path.endswith("/error")

    assert len(pids) == 1


@pytest.mark.parametrize(
    ("do", "name"),
    [("fail_before", "KeyError"), ("nothing", "RuntimeError"), ("write_first", "RuntimeError")],
)
def test_a_fault_before_the_first_byte_is_the_invocations_error(
    function: Function, do: str, name: str
) -> None:
    post = function.http(do)
    error = json.loads(body(post))

    assert post.path == "/2018-06-01/runtime/invocation/request-1/error"
    assert (error["errorType"], error["requestId"]) == (name, "request-1")
    assert SECRET not in str(error) + str(post.headers) + function.said
    assert function.still_serves()


def test_headers_that_api_gateway_would_not_read_are_the_invocations_error(
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
def test_a_fault_after_the_first_byte_is_told_in_trailers(
    function: Function, do: str, sent: bytes, name: str
) -> None:
    post = function.http(do)

    assert body(post) == sent
    assert post.trailers["Lambda-Runtime-Function-Error-Type"] == name
    error = json.loads(base64.b64decode(post.trailers["Lambda-Runtime-Function-Error-Body"]))
    assert (error["errorType"], error["requestId"]) == (name, "request-1")
    assert SECRET not in str(error) + function.said
    assert function.still_serves()


def test_the_log_has_the_place_of_a_fault(function: Function) -> None:
    function.http("fail_after").rest()
    function.still_serves()

    assert "KeyError in request-1" in function.said
    assert 'scripted.py", line' in function.said


def test_who_invokes_sees_file_and_line_of_a_failure_and_no_source(function: Function) -> None:
    for post in (function.direct("fail"), function.http("fail_before")):
        frames = json.loads(body(post))["stackTrace"]

        assert all(frame.startswith('  File "') and "\n" not in frame for frame in frames)
        assert any("scripted.py" in frame for frame in frames)


def test_who_invokes_sees_no_source_of_a_function_that_cannot_start(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("x = = 1  # the source\n")
    function = start(PYTHONPATH=str(tmp_path), _HANDLER="broken.handler")
    post = function.api.posted()
    error = json.loads(body(post))

    assert post.path == "/2018-06-01/runtime/init/error"
    assert error["errorType"] == "Runtime.UserCodeSyntaxError"
    assert "the source" not in str(error["stackTrace"])


def test_an_exit_in_the_middle_does_not_look_like_an_end(function: Function) -> None:
    post = function.http("exit_after")

    assert (body(post), post.whole) == (PRELUDE, False)
    assert function.process.wait(PATIENCE) == 3


@pytest.mark.parametrize("again", [False, True])
def test_who_makes_the_answer_hears_that_the_connection_is_lost(
    function: Function, port: socket.socket, again: bool
) -> None:
    function.api.loses = 3
    post = function.http("until_gone", port=port.getsockname()[1], again=again)
    handler, _ = port.accept()
    handler.settimeout(PATIENCE)
    said = handler.recv(4)
    handler.close()

    assert said == b"gone"
    assert (post.rest(), post.whole) == ([PRELUDE, b"more", b"more"], False)
    assert function.still_serves()


def test_what_is_written_after_the_end_reaches_nobody(
    function: Function, port: socket.socket
) -> None:
    post = function.http("late_write", port=port.getsockname()[1])
    handler, _ = port.accept()
    handler.settimeout(PATIENCE)
    sent = body(post)
    handler.sendall(b"!")
    said = handler.recv(4)
    handler.close()

    assert (sent, post.whole, said) == (PRELUDE, True, b"gone")
    assert function.still_serves()


def test_a_response_that_lambda_does_not_take_ends_the_process_as_awslambdaric_does(
    function: Function,
) -> None:
    function.api.status = 500
    function.http("stream", pieces=["a"]).rest()

    assert function.process.wait(PATIENCE) == 1
    assert "LambdaRuntimeClientError" in function.said


def test_in_sam_local_an_http_event_gets_plain_json(start: Start) -> None:
    function = start(AWS_SAM_LOCAL="true")
    post = function.http("proxy", result={"statusCode": 200, "body": "é"})

    assert json.loads(body(post)) == {"statusCode": 200, "body": "é"}
    assert post.headers["content-type"] == "application/json"
    assert json.loads(body(function.http("nothing")))["errorType"] == "Runtime.MarshalError"


def test_an_environment_that_serves_several_at_once_streams_them_at_once(
    start: Start, port: socket.socket
) -> None:
    function = start(processes=2, AWS_LAMBDA_MAX_CONCURRENCY="2")
    posts = [function.http("in_turn", port=port.getsockname()[1]) for _ in range(2)]
    handlers = [port.accept()[0] for _ in range(2)]

    assert [post.next() for post in posts] == [PRELUDE] * 2  # neither has ended
    for handler in handlers:
        handler.sendall(b"a")
    assert [post.next() for post in posts] == [b"a"] * 2
    for handler in handlers:
        handler.close()
    assert [post.rest() for post in posts] == [[], []]


def test_the_trace_of_each_invocation_is_in_the_environment(function: Function) -> None:
    function.http("stream", pieces=[]).rest()

    assert json.loads(body(function.invoke({"do": "trace"}))) == "Root=request-2"


def test_what_is_not_an_http_event_is_not_one(function: Function) -> None:
    event = http_event("stream", pieces=[])
    del event["requestContext"]

    assert json.loads(body(function.invoke(event)))["errorType"] == "Runtime.MarshalError"


def test_the_collector_is_on_and_spares_what_was_loaded(function: Function) -> None:
    told = json.loads(body(function.direct("collector")))

    assert told["on"] is True
    assert told["spared"] > 10_000
