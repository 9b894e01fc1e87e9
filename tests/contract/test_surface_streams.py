"""On every surface each word is sent as it arrives, and a stored answer replays as it was."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from chatd.surfaces import SURFACES, surface
from tests.support import answers
from tests.support.chat_streams import streaming_response
from tests.support.functions import Streamed, post, stream
from tests.support.upstream import Received, Upstream, head

WORDS = ("alpha", "beta", "gamma")
PATIENCE = 30.0
each_surface = pytest.mark.parametrize("name", sorted(SURFACES))


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Store answers by their keys, as `make run` does."""
    monkeypatch.setenv("CHATD_IDEMPOTENCY_FILE", str(tmp_path / "records"))


def plain_chat(name: str) -> dict[str, Any]:
    return {**surface(name).examples[0], "model": "llama3.2"}


class WordSink:
    """Collect the stream, and signal each word of it."""

    def __init__(self) -> None:
        self.body = b""
        self.seen = {word: threading.Event() for word in WORDS}

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        assert status == 200

    def write(self, data: bytes) -> None:
        self.body += data
        for word, seen in self.seen.items():
            if word.encode() in self.body:
                seen.set()


@each_surface
def test_each_word_is_sent_before_the_provider_sends_the_next(
    provider: Upstream, name: str
) -> None:
    sink = WordSink()
    late: list[str] = []

    def script(connection: socket.socket, received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}))
        lines = answers.ollama_lines(*WORDS, path=received.path)
        for word, line in zip((*WORDS, ""), lines, strict=True):
            connection.sendall(line)
            if word and not sink.seen[word].wait(PATIENCE):
                late.append(word)
        connection.shutdown(socket.SHUT_WR)

    provider.script = script
    streaming_response(plain_chat(name), SURFACES[name].path).write_to(sink)

    assert late == []


@each_surface
@pytest.mark.usefixtures("stored")
def test_a_stored_stream_replays_byte_for_byte(provider: Upstream, name: str) -> None:
    first, second = (
        stream(plain_chat(name), SURFACES[name].path, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    )

    assert replayed(first, second)
    assert first.body == second.body
    assert first.headers["content-type"] == second.headers["content-type"]
    assert any(surface(name).is_end(piece) for piece in pieces(second.body))
    assert len(provider.received) == 1


@each_surface
@pytest.mark.usefixtures("stored")
def test_a_stored_whole_answer_replays(provider: Upstream, name: str) -> None:
    first, second = (
        post(plain_chat(name), SURFACES[name].path, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    )

    assert (first.status, first.json) == (second.status, second.json)
    assert first.status == 200
    assert second.headers["x-chatd-idempotency"] == "replayed"
    assert len(provider.received) == 1


@each_surface
@pytest.mark.usefixtures("stored")
def test_the_same_key_on_another_surface_is_another_request(provider: Upstream, name: str) -> None:
    for other in sorted(SURFACES):
        answer = post(plain_chat(other), SURFACES[other].path, headers={"Idempotency-Key": "k"})
        assert "x-chatd-idempotency" not in answer.headers

    again = post(plain_chat(name), SURFACES[name].path, headers={"Idempotency-Key": "k"})
    assert again.headers["x-chatd-idempotency"] == "replayed"
    assert len(provider.received) == len(SURFACES)


def replayed(first: Streamed, second: Streamed) -> bool:
    outcomes = [answer.headers.get("x-chatd-idempotency") for answer in (first, second)]
    return outcomes == [None, "replayed"]


def pieces(body: bytes) -> list[bytes]:
    return [piece + b"\n\n" for piece in body.split(b"\n\n") if piece]
