"""An open circuit stops requests to a failing provider; callers get the next model or a 503.

Each chat has a text of its own, since failures of one request alone open no circuit.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import chat.app
from chatd.resilience import circuit_breaker, circuit_breaker_store
from tests.chatd.conftest import forget
from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import Received, Upstream, chunked, reply, reset, upstream

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted
    from tests.support.circuits import Clock

OPENAI = "/v1/chat/completions"
pytestmark = pytest.mark.usefixtures("keys")
BROKEN = reply({"error": "x"}, 500)
TEXTS = (f"text {number}" for number in count())


def new_request(model: str) -> dict[str, Any]:
    """Return a request with a text of its own."""
    return ask(model, next(TEXTS))


@pytest.fixture
def spare(monkeypatch: pytest.MonkeyPatch, config: Path) -> Iterator[Upstream]:
    """Serve OpenRouter, the fallback of the tier `fast`."""
    config.write_text(
        '[tiers]\nfast = ["ollama/llama3.2", "openrouter/v/m"]\nlone = ["ollama/llama3.2"]'
    )

    def respond(connection: socket.socket, received: Received) -> None:
        chunked(answers.stream_for_path(received.path))(connection, received)

    with upstream(respond) as server:
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.url)
        yield server


@pytest.mark.parametrize("path", ["/v1/chat", OPENAI])
def test_a_503_of_open_circuits_has_retry_after(
    path: str, provider: Upstream, spare: Upstream
) -> None:
    provider.script = spare.script = BROKEN
    first = [post(new_request("fast"), path) for _ in range(3)]
    requested = len(provider.received) + len(spare.received)

    refused = post(new_request("fast"), path)
    streamed = stream(new_request("fast"), path)

    assert {result.status for result in first} <= {502, 503}
    assert (refused.status, refused.json["error"]["code"]) == (503, "no_healthy_provider")
    assert 1 <= int(refused.headers["retry-after"]) <= circuit_breaker_store.RECOVERY_SECONDS
    assert (streamed.status, streamed.headers["retry-after"]) == (
        503,
        refused.headers["retry-after"],
    )
    assert len(provider.received) + len(spare.received) == requested


def test_an_open_circuit_falls_back_to_the_next_model(
    provider: Upstream, spare: Upstream, emitted: Callable[[], Emitted]
) -> None:
    provider.script = BROKEN
    for _ in range(2):
        post(new_request("fast"))
    requested = len(provider.received)
    emitted()

    result = post(new_request("fast"))

    output = emitted()
    assert (result.status, result.json["provider"]) == (200, "openrouter")
    assert requested == circuit_breaker.FAILURES
    assert len(provider.received) == requested
    assert result.headers["x-chatd-attempts"] == "ollama: no_healthy_provider, openrouter: ok"
    requests = [blob["Provider"] for blob in output.metrics if "Requests" in blob]
    assert requests == ["openrouter"]  # no request to Ollama is sent or counted


def test_the_failure_that_opens_a_circuit_reaches_the_caller(
    provider: Upstream, spare: Upstream
) -> None:
    provider.script = BROKEN

    results = [post(new_request("lone")) for _ in range(2)]

    assert [result.json["error"]["code"] for result in results] == ["upstream_error"] * 2
    assert len(provider.received) == circuit_breaker.FAILURES


def test_broken_streams_open_the_circuit(provider: Upstream, spare: Upstream) -> None:
    provider.script = chunked(answers.ollama_lines("Hello")[:1])
    for _ in range(circuit_breaker.FAILURES):
        stream(new_request("lone"))
    provider.received.clear()

    assert post(new_request("lone")).status == 503
    assert provider.received == []


def as_caller(name: str) -> dict[str, Any]:
    """Return the part of an event that names this caller."""
    return {"requestContext": {"authorizer": {"principalId": name}}}


@pytest.mark.parametrize("path", ["/v1/chat", OPENAI])
def test_repeated_failures_of_one_request_do_not_block_other_callers(
    path: str, provider: Upstream, spare: Upstream
) -> None:
    """One request can fail repeatedly on a model that serves all other requests."""
    whole = provider.script
    provider.script = BROKEN
    for _ in range(circuit_breaker.FAILURES):
        post(ask("lone", "breaks it"), path, **as_caller("one"))
        stream(ask("lone", "breaks it"), path, **as_caller("one"))
    provider.script = whole

    assert post(ask("lone", "another text"), path, **as_caller("another")).status == 200


@pytest.mark.parametrize(
    ("text", "caller"), [("another text", "one"), ("breaks it", "another")], ids=["text", "caller"]
)
def test_failures_of_a_second_text_or_caller_open_the_circuit(
    text: str, caller: str, provider: Upstream, spare: Upstream
) -> None:
    provider.script = BROKEN
    for _ in range(2):
        post(ask("lone", "breaks it"), **as_caller("one"))
    assert post(ask("lone", "breaks it"), **as_caller("one")).status == 502
    post(ask("lone", text), **as_caller(caller))
    requested = len(provider.received)

    assert post(ask("lone", text), **as_caller(caller)).status == 503
    assert len(provider.received) == requested == 3 * 3 + 1


def test_connection_failures_of_one_request_open_the_circuit(
    monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    config.write_text('[tiers]\nlone = ["kimi/k3"]')
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("KIMI_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        forget()
        statuses = [post(ask("lone")).status for _ in range(3)]

    assert statuses == [502, 502, 503]


def test_a_circuit_holds_a_hash_and_no_text_of_a_request(
    provider: Upstream, spare: Upstream
) -> None:
    provider.script = BROKEN
    post(ask("lone", "a secret prompt"), **as_caller("one"))
    kept = repr([vars(streak) for streak in vars(chat.app.compose().circuits)["_streaks"].values()])

    assert re.search("'[0-9a-f]{32}'", kept)
    assert "secret" not in kept


def test_a_complete_answer_between_broken_streams_keeps_the_circuit_closed(
    provider: Upstream, spare: Upstream
) -> None:
    for _ in range(circuit_breaker.FAILURES):
        provider.script = chunked(answers.ollama_lines("Hello")[:1])
        stream(new_request("lone"))
        provider.script = chunked(answers.ollama_lines("Hello"))
        assert post(new_request("lone")).status == 200


def test_a_probe_closes_the_circuit_soon_after_the_provider_is_back(
    provider: Upstream, spare: Upstream, clock: Clock
) -> None:
    whole = provider.script
    provider.script = BROKEN
    for _ in range(2):
        post(new_request("lone"))
    provider.script = whole
    refused = post(new_request("lone"))
    clock.unix += circuit_breaker_store.RECOVERY_SECONDS

    back = [post(new_request("lone")).status for _ in range(2)]

    assert (refused.status, back) == (503, [200, 200])


@pytest.mark.parametrize("fault", [BROKEN, reset])
def test_failures_of_a_model_outside_tiers_do_not_block_its_provider(
    fault: Callable[[socket.socket, Received], None], provider: Upstream
) -> None:
    whole = provider.script
    provider.script = fault
    for _ in range(3):
        assert post(new_request("kimi/callers-own")).status == 502
    provider.script = whole

    assert post(new_request("kimi/another")).status == 200


def test_connection_failures_open_the_circuit_for_every_model_of_a_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("KIMI_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        forget()
        statuses = [post(new_request(f"kimi/{n}")).status for n in range(3)]

    assert statuses == [502, 502, 503]


def test_a_circuit_that_opens_is_logged_as_a_warning(
    provider: Upstream, spare: Upstream, emitted: Callable[[], Emitted]
) -> None:
    provider.script = BROKEN
    for _ in range(2):
        post(new_request("lone"))

    warnings = [line["message"] for line in emitted().log if line["level"] == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].startswith("ollama/llama3.2 failed 5 times in a row")


def test_a_missing_table_fails_no_chat(
    provider: Upstream,
    spare: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    emitted: Callable[[], Emitted],
) -> None:
    monkeypatch.setenv("CHATD_CIRCUITS_TABLE", "gone")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    chat.app.compose.cache_clear()

    assert [post(new_request("lone")).status for _ in range(3)] == [200, 200, 200]
    warnings = [line["message"] for line in emitted().log if line["level"] == "WARNING"]
    assert len(warnings) == 1
    assert "'gone' could not be read" in warnings[0]
