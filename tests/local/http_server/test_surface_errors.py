"""The HTTP server's own refusals have the shape of the surface at the path."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.local.conftest import PATIENCE, ROOT, Answer, Gateway, _ended, _starter

MESSAGES = "/v1/messages"
CHAT = "/v1/chat/completions"
KEY = {"x-api-key": "key-1"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, demo_url: str) -> Iterator[Gateway]:
    """The stack's own functions, with a caller key."""
    started: list[Gateway] = []
    yield _starter(tmp_path_factory.mktemp("stack"), started)(
        *("--template", str(ROOT / "template.yaml"), "--code", str(ROOT / "functions")),
        OLLAMA_URL=demo_url,
        CHATD_CALLER_KEYS="key-1",
        CHATD_CONFIG="/dev/null",
    )
    _ended(started)


def anthropic_type(answer: Answer) -> str:
    """Return the error's type; assert that the body has Anthropic's shape."""
    assert answer.json["type"] == "error"
    assert answer.json["request_id"] == answer.headers["request-id"]
    return str(answer.json["error"]["type"])


@pytest.mark.parametrize("path", [MESSAGES, f"{MESSAGES}?beta=true", f"{MESSAGES}/count_tokens"])
def test_a_missing_key_is_401_in_anthropics_shape(stack: Gateway, path: str) -> None:
    answer = stack.ask("POST", path, {})

    assert (answer.status, anthropic_type(answer)) == (401, "authentication_error")


def test_an_unknown_path_below_messages_is_404_in_anthropics_shape(stack: Gateway) -> None:
    answer = stack.ask("POST", f"{MESSAGES}/batches", {}, KEY)

    assert (answer.status, anthropic_type(answer)) == (404, "not_found_error")


def test_a_long_content_length_is_413_in_anthropics_shape_before_the_body(stack: Gateway) -> None:
    head = f"POST {MESSAGES}?beta=true HTTP/1.1\r\nHost: localhost\r\nx-api-key: key-1\r\n"
    with socket.create_connection(("127.0.0.1", stack.port), timeout=PATIENCE) as sock:
        sock.sendall(f"{head}Content-Length: 6000000\r\nExpect: 100-continue\r\n\r\n".encode())
        received = b""
        while b"context window" not in received and (data := sock.recv(65536)):
            received += data

    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in received
    assert b'"type": "request_too_large"' in received
    assert b"6,000,000 bytes" in received


def test_openais_surface_keeps_openais_shape(stack: Gateway) -> None:
    answer = stack.ask("POST", CHAT, b"x" * (5 * 1024 * 1024 + 1), KEY)

    assert (answer.status, answer.code) == (413, "request_too_large")
    assert list(answer.json) == ["error"]


def test_a_list_of_models_without_a_key_is_readable_by_all_sdks(stack: Gateway) -> None:
    answer = stack.ask("GET", "/v1/models?limit=1000", headers={"anthropic-version": "2023-06-01"})

    assert (answer.status, answer.code) == (401, "invalid_api_key")
    assert anthropic_type(answer) == "authentication_error"


def test_models_and_counts_are_served_in_anthropics_shape(stack: Gateway) -> None:
    headers = {**KEY, "anthropic-version": "2023-06-01"}
    page = stack.ask("GET", "/v1/models?limit=1", headers=headers)
    first = page.json["data"][0]
    one = stack.ask("GET", f"/v1/models/{first['id']}", headers=headers)
    wrong = stack.ask("GET", "/v1/models?limit=0", headers=headers)
    body = {"messages": [{"role": "user", "content": "foo"}], "tools": []}
    count = stack.ask("POST", f"{MESSAGES}/count_tokens?beta=true", body, headers)

    assert (page.json["first_id"], first["type"]) == (first["id"], "model")
    assert one.json == first
    assert (wrong.status, anthropic_type(wrong)) == (400, "invalid_request_error")
    assert (count.status, count.json) == (200, {"input_tokens": 1})
    assert count.headers["x-chatd-estimated"] == "input_tokens"


def test_a_foreign_bearer_beside_a_valid_key_is_admitted(stack: Gateway) -> None:
    for authorization in ("Bearer foreign", "Basic dTpw"):
        headers = {**KEY, "Authorization": authorization}

        assert stack.ask("GET", "/v1/models", headers=headers).status == 200
