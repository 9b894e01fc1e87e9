"""A tier falls back between hosts of one model alone."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from chatd.resilience.circuit_breaker import FAILURES
from tests.support.embeddings import by_number, embed, listed, numbered, texts, vectors_of
from tests.support.upstream import Received, Script, Upstream, reply, reset

BROKEN = reply({"error": {"message": "broken"}}, 500)


@pytest.fixture
def hosts(provider: Upstream, config: Path, keys: str) -> Upstream:
    """Serve several hosts on one socket, by path, with tiers of them."""
    rows = "".join(
        f'[providers.{name}]\ndialect = "openai_chat"\nbase_url = "{provider.url}/{name}"\n'
        f"embeddings = {{ batch = 2, tokens = {str(name == 'c').lower()} }}\n"
        for name in "abc"
    )
    config.write_text(
        f"{rows}[tiers]\n"
        'equal = ["a/bge-m3", "b/bge-m3"]\n'
        'different = ["a/bge-m3", "b/e5"]\n'
        'mixed = ["a/bge-m3", "b/e5", "c/bge-m3"]\n'
        'unavailable = ["none:cloud", "b/e5"]\n'
        'tokens = ["a/bge-m3", "c/bge-m3"]\n'
        '[tiers.vouched]\nmodels = ["a/bge-m3", "b/BAAI/bge-m3"]\nsame_model = true\n'
    )
    return provider


def by_host(**scripts: Script) -> Script:
    """Return a script for each host; a host without one answers."""

    def script(connection: socket.socket, received: Received) -> None:
        scripts.get(received.path.split("/")[1], by_number)(connection, received)

    return script


def asked(hosts: Upstream) -> str:
    """Return the host of each request."""
    return "".join(received.path.split("/")[1] for received in hosts.received)


@pytest.mark.parametrize("tier", ["equal", "vouched"])
def test_the_next_host_of_the_same_model_takes_over(hosts: Upstream, tier: str) -> None:
    hosts.script = by_host(a=BROKEN)

    result = embed(tier, texts(2))

    assert vectors_of(result.json) == numbered(2)
    assert asked(hosts) == "aaab"
    assert result.headers["x-chatd-attempts"].endswith("a: upstream_error, b: ok")


def test_a_different_model_never_takes_over(hosts: Upstream) -> None:
    hosts.script = by_host(a=BROKEN)

    assert embed("different", texts(1)).status == 502
    assert set(asked(hosts)) == {"a"}


def test_a_different_model_in_between_is_left_out(hosts: Upstream) -> None:
    hosts.script = by_host(a=reset)

    assert embed("mixed", texts(1)).status == 200
    assert set(asked(hosts)) == {"a", "c"}


def test_a_first_model_without_a_key_is_not_replaced_by_another_model(
    hosts: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OLLAMA_API_KEY")

    assert embed("unavailable", texts(1)).status == 404
    assert hosts.received == []


def test_the_next_host_gets_the_whole_request(hosts: Upstream) -> None:
    def fails_later(connection: socket.socket, received: Received) -> None:
        chosen = by_number if received.json["input"] == ["text 0", "text 1"] else BROKEN
        chosen(connection, received)

    hosts.script = by_host(a=fails_later)
    result = embed("equal", texts(4))

    assert vectors_of(result.json) == numbered(4)
    assert asked(hosts) == "aaaabb"


@pytest.mark.parametrize(
    "refusal",
    [
        reply({"error": {"message": "bad"}}, 400),
        reply({"error": {"message": "maximum context length is 1"}}, 400),
    ],
    ids=["refused", "too long"],
)
def test_a_refused_request_is_not_sent_to_the_next_host(hosts: Upstream, refusal: Script) -> None:
    hosts.script = by_host(a=refusal)

    assert embed("equal", texts(1)).status == 400
    assert asked(hosts) == "a"


def test_a_host_that_cannot_take_the_request_is_left_out(hosts: Upstream) -> None:
    hosts.script = reply(listed([1.0]))

    assert embed("tokens", [1, 2]).status == 200
    assert asked(hosts) == "c"
    refused = embed("equal", [1, 2])
    assert (refused.status, refused.json["error"]["provider"]) == (400, "a")


def test_a_host_with_an_open_circuit_is_skipped(hosts: Upstream) -> None:
    hosts.script = by_host(a=reset)
    for text in texts(FAILURES):  # the failures of one request alone open no circuit
        assert embed("equal", text).status == 200
    before = len(hosts.received)

    assert embed("equal", texts(1)).status == 200
    assert asked(hosts)[before:] == "b"


def test_the_failure_of_the_last_host_is_reported(hosts: Upstream) -> None:
    hosts.script = by_host(a=BROKEN, b=reply({"error": {"message": "no"}}, 503))

    result = embed("equal", texts(1))

    assert (result.status, result.json["error"]["provider"]) == (503, "b")
