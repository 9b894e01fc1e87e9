"""Requests that parsers may interpret differently are refused, and the connection is closed."""

from __future__ import annotations

import json
import socket

import pytest

from tests.local.conftest import PATIENCE, SCRIPTED, Gateway, Start

HOST = b"Host: localhost\r\n"
# A hidden second request, which must not be served.
HIDDEN = b"POST /act HTTP/1.1\r\n" + HOST + b"Content-Length: 13\r\n\r\n" + b'{"do":"exit"}'


def exchange(gateway: Gateway, sent: bytes) -> bytes:
    """All bytes that the gateway sends until the connection is closed."""
    received = b""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE) as sock:
        sock.sendall(sent)
        while more := sock.recv(65536):
            received += more
    return received


def head(lines: bytes, version: bytes = b"1.1") -> bytes:
    return b"POST /act HTTP/" + version + b"\r\n" + HOST + lines + b"\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        head(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
        head(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + b"0\r\n\r\n",
        head(b"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n", b"1.0") + b"0\r\n\r\n",
        head(b"Origin: http://localhost\r\nOrigin: https://evil.example\r\n"),
        head(b"Origin: http://localhost\r\nOrigin: http://localhost\r\n"),
        head(b"X-Api-Key: one\r\nx-api-key: two\r\n"),
        head(b"Authorization: Bearer one\r\nAuthorization: Bearer two\r\n"),
        head(b"Idempotency-Key: one\r\nIdempotency-Key: two\r\n"),
        head(b"Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n"),
    ],
)
def test_an_ambiguous_request_is_400_and_the_hidden_request_is_not_served(
    gateway: Gateway, request_: bytes
) -> None:
    received = exchange(gateway, request_ + HIDDEN)
    status, _, body = received.partition(b"\r\n\r\n")

    assert status.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["code"] == "ambiguous_request"
    assert b"connection: close" in status.lower()
    assert received.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "lines",
    [
        b"Host: evil.example\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 5x\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
    ],
)
def test_invalid_http_is_400_and_the_hidden_request_is_not_served(
    gateway: Gateway, lines: bytes
) -> None:
    received = exchange(gateway, head(lines) + HIDDEN)

    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.count(b"HTTP/1.1 ") == 1


def test_a_body_in_tiny_chunks_is_refused(
    gateway: Gateway,
) -> None:
    received = exchange(gateway, head(b"Transfer-Encoding: chunked\r\n") + b"1\r\nx\r\n" * 1001)

    assert received.startswith(b"HTTP/1.1 400 ")


def test_a_body_in_2000_chunks_of_16_bytes_is_accepted(gateway: Gateway) -> None:
    chunks = b"10\r\n" + b" " * 16 + b"\r\n"
    lines = b"Transfer-Encoding: chunked\r\nConnection: close\r\n"
    received = exchange(gateway, head(lines) + chunks * 2000 + b"0\r\n\r\n")

    assert received.startswith(b"HTTP/1.1 200 ")


def test_with_caller_keys_ambiguous_requests_are_refused_too(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_CALLER_KEYS="key-1")
    lines = b"x-api-key: key-1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    received = exchange(gateway, head(lines) + b"0\r\n\r\n" + HIDDEN)

    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.count(b"HTTP/1.1 ") == 1
