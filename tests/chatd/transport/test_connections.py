"""Connect to each address of a name, and reuse idle connections."""

from __future__ import annotations

import gc
import os
import socket
import ssl
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from chatd.deadline import Deadline
from chatd.errors import AnswerTooLargeError, UpstreamError
from chatd.transport import http_client as module
from chatd.transport.connections import HttpPool
from chatd.transport.http_client import Urllib3Transport
from chatd.transport.http_stream import MAX_ANSWER_BYTES
from chatd.upstream_http import HttpRequest, HttpResponse
from tests.support import answers
from tests.support.functions import ask, stream
from tests.support.upstream import (
    Received,
    Script,
    Upstream,
    chunked,
    head,
    raw,
    reply,
    reset,
    then_close,
    upstream,
)

NAME = "provider.test"
# Seconds: far more than the limit for bytes after an end, and less than the gap limit.
DRAINED = 12.0
CONNECT = 1.0
REAL = socket.getaddrinfo
# No server of these tests listens on IPv6.
REFUSING = (socket.AF_INET6, ("::1", 0, 0, 0))


def send(url: str, transport: Urllib3Transport | None = None) -> HttpResponse:
    request = HttpRequest(url, {}, b"{}")
    return (transport or Urllib3Transport()).send(request, Deadline.after(30), 5)


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[int, Any]) -> None:
    """Resolve the name to these addresses, in this order."""

    def answer(host: Any, port: Any, *given: Any, **more: Any) -> Any:
        if host not in (NAME, NAME.encode()):
            return REAL(host, port, *given, **more)
        return [
            (family, socket.SOCK_STREAM, 6, "", (address[0], int(port), *address[2:]))
            for family, address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


SERVING = (socket.AF_INET, ("127.0.0.1", 0))


@pytest.mark.parametrize(
    "addresses", [(REFUSING, SERVING), (SERVING, REFUSING), (REFUSING, REFUSING, SERVING)]
)
def test_a_refusing_address_is_followed_by_the_next(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[tuple[int, Any], ...]
) -> None:
    with upstream(reply({"ok": True})) as server:
        resolve(monkeypatch, *addresses)

        assert send(f"http://{NAME}:{server.port}").status == 200
        assert server.last.headers["host"] == f"{NAME}:{server.port}"


def test_a_name_without_a_responsive_address_is_unreachable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    resolve(monkeypatch, REFUSING, SERVING)

    with pytest.raises(UpstreamError, match="nothing answers at its address") as caught:
        send(f"http://{NAME}:{port}")

    assert caught.value.unreachable


@pytest.mark.parametrize("model", ["llama3.2", "kimi/k3"])
@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions"])
def test_a_streamed_chats_connection_is_kept_for_the_next(
    provider: Upstream, keys: str, model: str, path: str
) -> None:
    ports, working = set(), provider.script

    def script(connection: socket.socket, received: Received) -> None:
        ports.add(connection.getpeername())
        working(connection, received)

    provider.script = script
    for _ in range(3):
        assert stream(ask(model), path).status == 200

    assert len(ports) == 1


def test_a_stream_that_continues_after_its_end_is_closed(provider: Upstream) -> None:
    """Further bytes would be read as the next chat's answer, so the connection is closed."""

    def script(connection: socket.socket, received: Received) -> None:
        chunk = b"".join(answers.ollama_lines("Hello"))
        connection.sendall(head(200, {"Transfer-Encoding": "chunked"}))
        connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        while not provider.going.wait(0.05):
            connection.sendall(b"1\r\n\n\r\n")

    provider.script = script
    started = time.monotonic()
    whole = stream(ask("m"))
    took = time.monotonic() - started
    provider.script = chunked(answers.ollama_lines("Bye"))

    assert whole.json[-1]["done"] is True
    assert stream(ask("m")).json[0] == {"content": "Bye"}
    assert took < DRAINED


def test_a_connection_with_an_unread_rest_is_not_reused(
    provider: Upstream,
) -> None:
    working = provider.script

    def malformed(connection: socket.socket, received: Received) -> None:
        if len(provider.received) > 1:
            working(connection, received)
            return
        connection.sendall(head(200, {"Transfer-Encoding": "chunked"}))
        connection.sendall(b"7\r\nno json\r\n1\r\n\n\r\n")
        provider.going.wait()

    provider.script = malformed
    answered = stream(ask("m"))

    assert answered.status == 200
    assert answered.headers["x-chatd-attempts"] == "ollama: upstream_error, ollama: ok"


def test_an_answer_of_exactly_20_mb_is_read() -> None:
    with upstream(reply(b" " * MAX_ANSWER_BYTES)) as server:
        assert len(send(server.url).body) == MAX_ANSWER_BYTES


def test_an_answer_of_unknown_length_over_20_mb_is_refused_before_its_end() -> None:
    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not server.going.is_set():
            connection.sendall(b" " * 65536)

    with upstream(script) as server, pytest.raises(AnswerTooLargeError):
        send(server.url)


def test_a_request_has_the_urls_query_and_not_its_fragment() -> None:
    with upstream(reply({})) as server:
        send(f"{server.url}/v1/path?a=b#c")

        assert server.last.path == "/v1/path?a=b"


def test_forget_closes_the_idle_connections() -> None:
    ports = []

    def script(connection: socket.socket, received: Received) -> None:
        ports.append(connection.getpeername())
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")(connection, received)

    with upstream(script) as server:
        transport = Urllib3Transport()
        send(server.url, transport)
        send(server.url, transport)
        transport.forget()
        send(server.url, transport)

    assert ports[0] == ports[1] != ports[2]


@pytest.mark.parametrize("size", [5, 100_000])
def test_bytes_after_an_answer_are_not_read_as_the_next(size: int) -> None:
    sent = threading.Event()

    def script(connection: socket.socket, received: Received) -> None:
        if len(server.received) > 1:
            reply({"next": True})(connection, received)
            return
        connection.sendall(head(200, {"Content-Length": "2"}) + b"{}" + b"x" * size)
        sent.set()

    transport = Urllib3Transport()
    with upstream(script) as server:
        first = send(server.url, transport)
        assert sent.wait(10)
        second = send(server.url, transport)

    assert (first.body, second.body) == (b"{}", b'{"next": true}')


def test_bytes_after_an_answer_in_its_tls_record_are_not_read_as_the_next(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes beyond one read stay in OpenSSL's buffer, hidden from selectors."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    whole = head(200, {"Content-Length": "2"}) + b"{}"

    def serve() -> None:
        for body in (whole + b"x" * 12_000, whole):
            connection, _ = listener.accept()
            secure = stack.enter_context(context.wrap_socket(connection, server_side=True))
            secure.recv(65536)
            secure.sendall(body)

    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:
        thread = threading.Thread(target=serve)
        thread.start()
        transport = Urllib3Transport()
        url = f"https://localhost:{listener.getsockname()[1]}"
        bodies = [send(url, transport).body for _ in range(2)]
        thread.join(10)

    assert bodies == [b"{}", b"{}"]


def first_then(answer: Script) -> Script:
    """Answer the first request of a connection, and run this script for the second."""
    answered: set[socket.socket] = set()

    def script(connection: socket.socket, received: Received) -> None:
        (answer if connection in answered else reply({"ok": True}))(connection, received)
        answered.add(connection)

    return script


def closes(connection: socket.socket, _received: Received) -> None:
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("stale", [closes, reset, then_close(raw(b"left over\r\n"))])
def test_an_idle_connection_closed_during_the_request_is_replaced(stale: Script) -> None:
    transport = Urllib3Transport()
    with upstream(first_then(stale)) as server:
        statuses = [send(server.url, transport).status for _ in range(2)]

        assert statuses == [200, 200]
        assert len(server.received) == 3


@pytest.mark.parametrize("broken", [closes, reset])
def test_a_new_connection_closed_before_the_answer_is_an_upstream_error(
    broken: Script,
) -> None:
    with upstream(broken) as server:
        with pytest.raises(UpstreamError, match="the connection was lost"):
            send(server.url)

        assert len(server.received) == 1


def test_a_request_is_sent_again_once_at_most() -> None:
    transport = Urllib3Transport()
    with upstream(reply({"ok": True})) as server:
        send(server.url, transport)
        server.script = closes
        with pytest.raises(UpstreamError, match="the connection was lost"):
            send(server.url, transport)

        assert len(server.received) == 3


def test_a_request_is_not_sent_again_after_half_an_answer() -> None:
    transport = Urllib3Transport()
    half = then_close(raw(head(200, {"Content-Length": "9"}) + b"half"))
    with upstream(first_then(half)) as server:
        send(server.url, transport)
        with pytest.raises(UpstreamError, match="the connection was lost"):
            send(server.url, transport)

        assert len(server.received) == 2


def test_a_request_is_not_sent_again_if_the_connection_was_not_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_STALE_SECONDS", 0.05)

    def closes_late(connection: socket.socket, _received: Received) -> None:
        server.going.wait(0.2)
        connection.shutdown(socket.SHUT_RDWR)

    transport = Urllib3Transport()
    with upstream(first_then(closes_late)) as server:
        send(server.url, transport)
        with pytest.raises(UpstreamError, match="the connection was lost"):
            send(server.url, transport)

        assert len(server.received) == 2


@pytest.mark.parametrize("kept", [False, True])
def test_the_connect_limit_does_not_hold_for_a_long_upload(kept: bool) -> None:
    body = b" " * 50_000_000

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            if kept:
                connection.recv(65536)
                connection.sendall(head(200, {"Content-Length": "2"}) + b"{}")
            waited.wait(3 * CONNECT)  # the server reads no byte meanwhile
            left = len(body)
            while left > 0 and (part := connection.recv(1_000_000)):
                left -= len(part)
            connection.sendall(head(200, {"Content-Length": "2"}) + b"{}")

    waited = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        transport = Urllib3Transport()
        if kept:
            send(url, transport)
        response = transport.send(HttpRequest(url, {}, body), Deadline.after(60), CONNECT)
        thread.join(30)

    assert response.body == b"{}"


def test_connections_disable_nagles_algorithm() -> None:
    """Nagle's algorithm would hold a short body back until the head is acknowledged."""
    options = []
    kind = HttpPool.ConnectionCls

    def connect(connection: Any) -> None:
        kind.connect(connection)
        options.append(connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    transport = Urllib3Transport()
    with upstream(reply({})) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(HttpPool, "ConnectionCls", type("Noted", (kind,), {"connect": connect}))
        send(server.url, transport)

    assert len(options) == 1
    assert options[0]


def test_failed_requests_leave_no_descriptor_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    transport = Urllib3Transport()

    def fail() -> int:
        with pytest.raises(UpstreamError):
            send(f"http://127.0.0.1:{port}", transport)
        gc.collect()
        return len(os.listdir("/dev/fd"))  # noqa: PTH208  # a folder of the process itself

    first, *_, last = [fail() for _ in range(20)]

    assert last <= first
