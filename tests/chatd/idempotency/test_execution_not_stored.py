"""An answer that cannot be stored is delivered and marked."""

from __future__ import annotations

import random
import socket
import string
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatd.aws_lambda.streaming import Collected
from tests.support import answers
from tests.support.functions import HttpResult, Streamed, ask
from tests.support.idempotency import (
    break_store,
    each_surface,
    idempotency_outcome,
    once,
    once_streamed,
    streaming_response,
)
from tests.support.upstream import Received, Upstream, chunked, reply

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


pytestmark = pytest.mark.usefixtures("provider", "keys")


def incompressible_text(characters: int) -> str:
    """Return a text that compresses to three quarters at best."""
    generator = random.Random(1)  # noqa: S311  # it is to be the same each time
    return "".join(generator.choices(string.ascii_letters + string.digits, k=characters))


@each_surface
def test_an_answer_too_large_to_store_is_delivered_and_marked(
    provider: Upstream, store: str, path: str, emitted: Callable[[], Emitted]
) -> None:
    provider.script = reply(answers.ollama_chat(incompressible_text(500_000)))
    first, second = once(ask("m"), path), once(ask("m"), path)

    assert (first.status, idempotency_outcome(first), idempotency_outcome(second)) == (
        200,
        "not-stored",
        "not-stored",
    )
    assert len(first.json.get("content") or first.json["choices"][0]["message"]["content"])
    assert len(provider.received) == 2
    assert [line.get("chatd.idempotency") for line in emitted().log].count("not-stored") == 2


@each_surface
def test_a_stream_too_large_to_store_is_delivered_and_marked_before_its_end(
    provider: Upstream, store: str, path: str
) -> None:
    text = incompressible_text(500_000)
    pieces = [text[start : start + 50_000] for start in range(0, len(text), 50_000)]
    provider.script = chunked(answers.ollama_lines(*pieces))
    first, second = once_streamed(ask("m"), path), once_streamed(ask("m"), path)

    *_, comment, _end, rest = first.body.split(b"\n\n")
    assert (comment, rest) == (b": idempotency not-stored", b"")
    assert all(piece.encode() in first.body for piece in pieces)
    assert b": idempotency not-stored" in second.body
    assert len(provider.received) == 2


def test_without_records_every_answer_is_delivered_and_marked(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    answered: list[HttpResult | Streamed] = [once(ask("m")), once(ask("m"))]
    answered += [once_streamed(ask("m")), once_streamed(ask("m"))]

    assert [(answer.status, idempotency_outcome(answer)) for answer in answered] == [
        (200, "not-stored")
    ] * 4
    assert len(provider.received) == 4
    assert [line.get("chatd.idempotency") for line in emitted().log].count("not-stored") == 4


def test_a_stream_without_records_can_be_aborted(provider: Upstream) -> None:
    response = streaming_response()
    response.abort()
    response.write_to(Collected())

    assert provider.received == []


@pytest.mark.parametrize("send", [once, once_streamed])
def test_an_answer_is_delivered_and_marked_if_the_records_fail_meanwhile(
    provider: Upstream,
    store: str,
    send: Callable[..., Any],
    tmp_path: Path,
    emitted: Callable[[], Emitted],
) -> None:
    usual = provider.script

    def script(connection: socket.socket, received: Received) -> None:
        break_store(store, tmp_path)
        usual(connection, received)

    provider.script = script
    answer = send(ask("m"))

    warnings = [line["message"] for line in emitted().log if line["level"] == "WARNING"]
    assert answer.status == 200
    if isinstance(answer, Streamed):
        assert b": idempotency not-stored\n\n" in answer.body
    else:
        assert idempotency_outcome(answer) == "not-stored"
    assert len(warnings) == 2  # neither kept nor released
    assert all(message.startswith("idempotency: ") for message in warnings)
