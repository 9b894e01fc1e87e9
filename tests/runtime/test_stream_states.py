"""Test the bytes of a runtime stream, and the states in which the stream refuses a write."""

from __future__ import annotations

import base64
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from chatd.aws_lambda.streaming import CallerGoneError

if TYPE_CHECKING:
    from chatd.aws_lambda.runtime_stream import InvocationStream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is for Linux only")

PATIENCE = 30.0
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch"


class Api:
    """Serve a Runtime API that reads until `ends` comes, sends a response and closes."""

    def __init__(self, response: bytes, ends: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._response, self._ends = response, ends
        self.received = bytearray()
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._thread.join(PATIENCE)
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            while self._ends not in self.received and (data := connection.recv(1 << 20)):
                self.received += data
            connection.sendall(self._response)
        self.closed.set()


@pytest.fixture
def apis() -> Iterator[Callable[[bytes, bytes], Api]]:
    """Makes Runtime APIs."""
    made: list[Api] = []

    def make(response: bytes = ACCEPTED, ends: bytes = b"\r\n0\r\n") -> Api:
        made.append(Api(response, ends))
        return made[-1]

    yield make
    for api in made:
        api.close()


def stream_to(api: Api, invocation_id: str | None = None) -> InvocationStream:
    from chatd.aws_lambda.runtime_stream import InvocationStream  # noqa: PLC0415  # awslambdaric is for Linux only

    return InvocationStream(api.address, "request-1", invocation_id)


@pytest.mark.parametrize("invocation_id", [None, "invocation-7"])
def test_a_response_is_a_prelude_then_the_body_in_chunks(
    apis: Callable[..., Api], invocation_id: str | None
) -> None:
    api = apis()
    stream = stream_to(api, invocation_id)
    assert (stream.begun, stream.connection_lost) == (False, False)
    stream.commit(200, {"X-A": "1"})
    assert (stream.begun, stream.connection_lost) == (True, False)
    stream.write(b"one")
    stream.write(b"")
    stream.write(b"two")
    stream.end()
    stream.close()
    api.close()

    head, _, body = bytes(api.received).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == "POST /2018-06-01/runtime/invocation/request-1/response HTTP/1.1"
    assert headers["Content-Type"] == "application/vnd.awslambda.http-integration-response"
    assert headers["Lambda-Runtime-Function-Response-Mode"] == "streaming"
    assert headers["Transfer-Encoding"] == "chunked"
    assert headers["Trailer"] == (
        "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
    )
    assert headers.get("Lambda-Runtime-Invocation-Id") == invocation_id
    assert "Accept-Encoding" not in headers
    prelude = b'{"statusCode":200,"headers":{"X-A":"1"}}' + b"\0" * 8
    assert body == b"%x\r\n%b\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" % (len(prelude), prelude)


@pytest.mark.parametrize(
    ("result", "prelude", "body"),
    [
        ({"statusCode": 201, "body": "é"}, {"statusCode": 201}, "é".encode()),
        (
            {"statusCode": 200, "headers": {"A": "1"}, "body": "YQ==", "isBase64Encoded": True},
            {"statusCode": 200, "headers": {"A": "1"}},
            b"a",
        ),
        (
            {"statusCode": 204, "multiValueHeaders": {"A": ["1"]}, "headers": {}, "body": None},
            {"statusCode": 204, "multiValueHeaders": {"A": ["1"]}},
            b"",
        ),
    ],
)
def test_a_whole_result_is_a_prelude_and_its_body(
    apis: Callable[..., Api], result: dict[str, object], prelude: dict[str, object], body: bytes
) -> None:
    api = apis()
    stream = stream_to(api)
    stream.whole(result)
    stream.end()
    stream.close()
    api.close()

    _, _, sent = bytes(api.received).partition(b"\r\n\r\n")
    written = json.dumps(prelude, separators=(",", ":")).encode() + bytes(8)
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    assert sent == b"%x\r\n%b\r\n" % (len(written), written) + chunk + b"0\r\n\r\n"


def test_a_failure_is_an_end_with_trailers(apis: Callable[..., Api]) -> None:
    encoded = base64.b64encode(b'{"a": 1}')
    trailers = (
        b"0\r\nLambda-Runtime-Function-Error-Type: An.Error\r\n"
        b"Lambda-Runtime-Function-Error-Body: " + encoded + b"\r\n\r\n"
    )
    api = apis(ACCEPTED, encoded + b"\r\n\r\n")
    stream = stream_to(api)
    stream.commit(200, {})
    stream.fail("An.Error", b'{"a": 1}')
    stream.close()
    api.close()

    assert bytes(api.received).endswith(trailers)


def test_a_stream_that_has_ended_takes_no_more(apis: Callable[..., Api]) -> None:
    stream = stream_to(apis())
    stream.commit(200, {})
    stream.end()

    with pytest.raises(CallerGoneError):
        stream.write(b"x")
    with pytest.raises(CallerGoneError):
        stream.end()
    with pytest.raises(CallerGoneError):
        stream.fail("An.Error", b"{}")
    assert stream.connection_lost is False
    stream.close()


def test_a_stream_that_has_not_begun_takes_no_body(apis: Callable[..., Api]) -> None:
    stream = stream_to(apis(b"", b"never"))
    with pytest.raises(RuntimeError, match="not begun"):
        stream.write(b"x")
    assert stream.begun is False

    stream.commit(200, {})
    with pytest.raises(RuntimeError, match="begun already"):
        stream.commit(200, {})
    stream.close()


def test_a_lost_connection_is_reported_and_not_used_again(apis: Callable[..., Api]) -> None:
    api = apis(b"", b"\r\n\r\n")
    stream = stream_to(api)
    stream.commit(200, {})
    assert api.closed.wait(PATIENCE)

    def write_until_lost() -> None:
        for _ in range(100):
            stream.write(b"x" * 100_000)

    with pytest.raises(CallerGoneError):
        write_until_lost()
    assert stream.connection_lost is True
    with pytest.raises(CallerGoneError):
        stream.end()
    stream.close()


def test_a_connection_without_a_response_is_lost(apis: Callable[..., Api]) -> None:
    stream = stream_to(apis(b"", b"0\r\n\r\n"))
    stream.commit(200, {})
    with pytest.raises(CallerGoneError):
        stream.end()
    assert stream.connection_lost is True
    stream.close()


def test_a_response_that_lambda_refuses_is_an_error_of_the_runtime(
    apis: Callable[..., Api],
) -> None:
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClientError  # noqa: PLC0415  # for Linux only

    stream = stream_to(apis(REFUSED))
    stream.commit(200, {})
    with pytest.raises(LambdaRuntimeClientError, match="413"):
        stream.end()
    assert stream.connection_lost is False
    stream.close()


def test_headers_may_take_16_kb(apis: Callable[..., Api]) -> None:
    rest = len(b'{"statusCode":200,"headers":{"A":""}}') + 8
    stream = stream_to(apis())
    with pytest.raises(ValueError, match="16384 bytes"):
        stream.commit(200, {"A": "x" * (16 * 1024 - rest + 1)})
    assert stream.begun is False

    stream.commit(200, {"A": "x" * (16 * 1024 - rest)})
    stream.end()
    stream.close()
