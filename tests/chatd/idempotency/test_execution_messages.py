"""A message of the Messages surface is stored once it is complete, whole or streamed."""

from __future__ import annotations

import json

import pytest

from tests.support import answers
from tests.support.functions import ask
from tests.support.idempotency import idempotency_outcome, once, once_streamed
from tests.support.upstream import Upstream, chunked

pytestmark = pytest.mark.usefixtures("provider", "keys")
PATH = "/v1/messages"
ASK = ask("m", max_tokens=9)


def test_a_whole_message_is_replayed(provider: Upstream, store: str) -> None:
    first, second = once(ASK, PATH), once(ASK, PATH)

    assert (first.json["type"], second.json) == ("message", first.json)
    assert (idempotency_outcome(first), idempotency_outcome(second)) == (None, "replayed")
    assert len(provider.received) == 1


def test_a_stream_with_message_stop_is_replayed(provider: Upstream, store: str) -> None:
    first, second = once_streamed(ASK, PATH), once_streamed(ASK, PATH)

    assert first.json[-1] == {"type": "message_stop"}
    assert (second.body, idempotency_outcome(second)) == (first.body, "replayed")
    assert len(provider.received) == 1


def test_a_broken_stream_is_not_stored_even_if_its_text_looks_like_an_end(
    provider: Upstream, store: str
) -> None:
    usual = provider.script
    text = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    provider.script = chunked(answers.ollama_lines(text)[:1])

    assert once_streamed(ASK, PATH).json[-1]["type"] == "error"

    provider.script = usual
    assert idempotency_outcome(once_streamed(ASK, PATH)) is None
    assert idempotency_outcome(once_streamed(ASK, PATH)) == "replayed"


def test_the_same_key_with_another_body_is_a_conflict_in_anthropic_s_shape(
    provider: Upstream, store: str
) -> None:
    once(ASK, PATH)

    conflict = once({**ASK, "max_tokens": 8}, PATH)

    assert (conflict.status, conflict.json["type"]) == (409, "error")
    assert conflict.json["error"]["code"] == "idempotency_key_reused"
    assert json.dumps(conflict.json).count("invalid_request_error") == 1
