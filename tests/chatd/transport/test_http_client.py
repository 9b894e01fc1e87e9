"""Send requests within their deadline, and map failures to upstream errors."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.deadline import Deadline
from chatd.errors import AnswerTooLargeError, UpstreamError, UpstreamTimeoutError
from chatd.transport.http_client import Urllib3Transport
from chatd.transport.http_stream import MAX_ANSWER_BYTES
from chatd.upstream_http import HttpRequest, HttpResponse
from tests.support.upstream import (
    Received,
    Upstream,
    gzipped,
    head,
    raw,
    reply,
    reset,
    silent,
    then_close,
    trickling,
    upstream,
)

KEY = "sk-very-secret"


@pytest.fixture
def server() -> Iterator[Upstream]:
    with upstream(reply({"ok": True})) as running:
        yield running


def send(
    url: str,
    *,
    within: float = 30.0,
    connect: float = 5.0,
    transport: Urllib3Transport | None = None,
) -> HttpResponse:
    request = HttpRequest(url, {"Authorization": f"Bearer {KEY}"}, b'{"prompt": "secret words"}')
    return (transport or Urllib3Transport()).send(request, Deadline.after(within), connect)


def test_a_response_is_read_whole(server: Upstream) -> None:
    response = send(server.url + "/path")

    assert (response.status, response.body) == (200, b'{"ok": true}')
    assert response.headers["content-length"] == "12"
    assert server.last.headers["authorization"] == f"Bearer {KEY}"


def test_a_connection_is_kept_for_the_next_request(server: Upstream) -> None:
    ports = set()

    def script(connection: socket.socket, received: Received) -> None:
        ports.add(connection.getpeername())
        reply({})(connection, received)

    server.script = script
    transport = Urllib3Transport()
    for _ in range(3):
        send(server.url, transport=transport)

    assert len(ports) == 1


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(server: Upstream) -> None:
    transport = Urllib3Transport()
    closed = threading.Event()

    def script(connection: socket.socket, received: Received) -> None:
        try:
            then_close(reply({}))(connection, received)
        finally:
            closed.set()

    server.script = script
    send(server.url, transport=transport)
    assert closed.wait(5)
    server.script = reply({"second": True})

    assert send(server.url, transport=transport).body == b'{"second": true}'


def test_gzip_is_decoded(server: Upstream) -> None:
    server.script = gzipped({"ok": 1})

    assert send(server.url).body == b'{"ok": 1}'


def test_a_redirect_is_not_followed(server: Upstream) -> None:
    server.script = reply(b"", status=307, headers={"Location": server.url + "/elsewhere"})

    assert send(server.url).status == 307
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the connection was lost"),
        (b"not http at all\r\n\r\n", "the connection was lost"),
        (head(200, {"Content-Length": "100"}) + b"half", "the connection was lost"),
        (head(200, {"Transfer-Encoding": "chunked"}) + b"5\r\nhal", "the connection was lost"),
        (head(200, {"Transfer-Encoding": "chunked"}) + b"zz\r\nhal", "the connection was lost"),
        (
            head(200, {"Content-Encoding": "gzip", "Content-Length": "4"}) + b"nope",
            "not in the encoding that it names",
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "the connection was lost"),
    ],
    ids=["close", "garbage", "half", "half chunk", "bad chunk", "no gzip", "headers"],
)
def test_a_broken_response_is_an_upstream_error(
    server: Upstream, content: bytes, words: str
) -> None:
    server.script = then_close(raw(content))

    with pytest.raises(UpstreamError, match=words) as caught:
        send(server.url)

    assert caught.value.status == 502
    assert KEY not in str(caught.value)


def test_a_reset_is_an_upstream_error(server: Upstream) -> None:
    server.script = reset

    with pytest.raises(UpstreamError, match="the connection was lost"):
        send(server.url)


def test_a_closed_port_is_an_upstream_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(UpstreamError, match="nothing answers at its address"):
        send(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid"])
def test_a_name_that_does_not_resolve_is_an_upstream_error(host: str) -> None:
    with pytest.raises(UpstreamError, match="does not resolve"):
        send(f"http://{host}")


def test_an_answer_over_20_mb_is_refused(server: Upstream) -> None:
    server.script = reply(b" " * (MAX_ANSWER_BYTES + 1))

    with pytest.raises(AnswerTooLargeError, match="larger than 20 MB"):
        send(server.url)


def test_an_answer_that_decodes_to_over_20_mb_is_refused(server: Upstream) -> None:
    server.script = gzipped(" " * (MAX_ANSWER_BYTES + 1))

    with pytest.raises(AnswerTooLargeError):
        send(server.url)


def test_the_next_request_works_after_a_refused_answer(server: Upstream) -> None:
    transport = Urllib3Transport()
    server.script = reply(b" " * (MAX_ANSWER_BYTES + 1))
    with pytest.raises(AnswerTooLargeError):
        send(server.url, transport=transport)
    server.script = reply({"next": 1})

    assert send(server.url, transport=transport).status == 200


def test_a_silence_ends_at_the_deadline(server: Upstream) -> None:
    server.script = silent(server)

    with pytest.raises(UpstreamTimeoutError) as caught:
        send(server.url, within=0.3)

    assert caught.value.status == 504


@pytest.mark.parametrize(
    "content",
    [
        [b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n"] * 90,
        [head(200, {"Content-Length": "1000"})] + [b" "] * 1000,
        [head(200, {"Transfer-Encoding": "chunked"})] + [b"1\r\n \r\n"] * 1000,
        [head(200, {"Connection": "close"})] + [b" "] * 1000,
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 1000,
    ],
    ids=["headers", "body", "chunks", "until close", "continue"],
)
def test_a_trickle_ends_at_the_deadline(server: Upstream, content: list[bytes]) -> None:
    server.script = trickling(server, content, every=0.05)
    started = time.monotonic()

    with pytest.raises(UpstreamTimeoutError):
        send(server.url, within=0.5)

    # The whole trickle takes 50 s.
    assert 0.4 < time.monotonic() - started < 10


def test_a_trickle_on_a_kept_connection_ends_at_the_deadline(server: Upstream) -> None:
    transport = Urllib3Transport()
    send(server.url, transport=transport)
    server.script = trickling(server, [b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n"] * 90, every=0.05)

    with pytest.raises(UpstreamTimeoutError):
        send(server.url, within=0.5, transport=transport)


def test_a_request_that_the_server_does_not_read_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        request = HttpRequest(f"http://127.0.0.1:{mute.getsockname()[1]}", {}, b" " * 50_000_000)
        with pytest.raises(UpstreamTimeoutError):
            Urllib3Transport().send(request, Deadline.after(0.3), 5)


def test_a_spent_deadline_sends_no_request(server: Upstream) -> None:
    with pytest.raises(UpstreamTimeoutError):
        send(server.url, within=0)

    assert server.received == []


def test_a_connection_attempt_ends_at_the_connect_limit() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # The queue of this listener holds one connection; further ones wait.
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        with pytest.raises(UpstreamTimeoutError, match="no connection could be made"):
            send(f"http://127.0.0.1:{address[1]}", connect=0.3)
        for one in waiting:
            one.close()


def test_a_tls_handshake_that_trickles_ends_at_the_connect_limit() -> None:
    going = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection:
                # The head of a long TLS record, then its body a byte at a time.
                connection.sendall(b"\x16\x03\x03\x40\x00")
                while not going.wait(0.05):
                    try:
                        connection.sendall(b"\0")
                    except OSError:
                        return

        thread = threading.Thread(target=trickle)
        thread.start()
        with pytest.raises(UpstreamTimeoutError, match="no connection could be made"):
            send(f"https://127.0.0.1:{listener.getsockname()[1]}", connect=0.4)
        going.set()
        thread.join()


@pytest.fixture
def tls_port(certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(connection, server_side=True) as secure:
                        # Read the whole request: closing with unread bytes resets the connection.
                        request = b""
                        while b"secret words" not in request and (part := secure.recv(65536)):
                            request += part
                        secure.sendall(head(200, {"Content-Length": "2"}) + b"{}")
                except OSError:
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_certificate_of_an_unknown_authority_is_refused(tls_port: int) -> None:
    with pytest.raises(UpstreamError, match="TLS certificate"):
        send(f"https://localhost:{tls_port}")


def test_a_certificate_of_a_known_authority_is_accepted(
    tls_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert send(f"https://localhost:{tls_port}").body == b"{}"


def test_a_certificate_for_another_name_is_refused(
    tls_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with pytest.raises(UpstreamError, match="TLS certificate"):
        send(f"https://127.0.0.1:{tls_port}")


def test_the_repr_of_a_request_shows_neither_key_nor_prompt() -> None:
    request = HttpRequest("http://x", {"Authorization": KEY}, b"secret words")

    assert KEY not in repr(request)
    assert "secret words" not in repr(request)
