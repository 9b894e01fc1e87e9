"""The time of each model of a tier, and which failures count against its circuit."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import chat.app
from chatd.resilience import circuit_breaker
from chatd.routing import model_target
from tests.chatd.conftest import forget
from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.unreachable_hosts import black_hole
from tests.support.upstream import Received, Script, Upstream, chunked, head, silent, upstream

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

OPENAI = "/v1/chat/completions"
TEXTS = (f"text {number}" for number in count())
# Failures that open a circuit in these tests: each takes seconds.
MANY = 2
pytestmark = pytest.mark.usefixtures("keys")

Send = Callable[[dict[str, Any]], Any]


@pytest.fixture(autouse=True)
def few_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open circuits after two failures."""
    monkeypatch.setattr(circuit_breaker, "FAILURES", MANY)


def new_request(model: str, **more: Any) -> dict[str, Any]:
    """Return a request with a text of its own."""
    return ask(model, next(TEXTS), **more)


def streamed(seconds: Iterator[float], provider: Upstream) -> Script:
    """Send a word after each of these pauses in seconds, then the end."""

    def script(connection: socket.socket, received: Received) -> None:
        first, *_ = lines = answers.stream_for_path(received.path)
        connection.sendall(head(200, {"Connection": "close"}))
        for pause in seconds:
            connection.sendall(first)
            if provider.going.wait(pause):
                return
        with closing(connection):
            connection.sendall(b"".join(lines[1:]))

    return script


def endless_stream(provider: Upstream) -> Script:
    """Send words without an end."""

    def script(connection: socket.socket, received: Received) -> None:
        streamed(iter(lambda: 0.02, None), provider)(connection, received)

    return script


def timed_stream(provider: Upstream, seconds: float = 1.0) -> Script:
    """Send a stream of words that takes this many seconds."""

    def script(connection: socket.socket, received: Received) -> None:
        streamed(iter([seconds / 20] * 20), provider)(connection, received)

    return script


def comments_only(provider: Upstream) -> Script:
    """Send comments and no event."""

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}))
        while not provider.going.wait(0.02):
            connection.sendall(b"\n")

    return script


@pytest.fixture
def spare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """Serve OpenRouter, the second model of the tier `fast`."""

    def respond(connection: socket.socket, received: Received) -> None:
        chunked(answers.stream_for_path(received.path))(connection, received)

    with upstream(respond) as server:
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.url)
        yield server


def tier(config: Path, total: float | None, rest: str = "") -> None:
    """Write the tier `fast` of two models, with this total in seconds."""
    limits = "" if total is None else f"timeouts = {{ total = {total} }}"
    config.write_text(
        f"""
        [tiers.fast]
        models = ["ollama/llama3.2", "openrouter/v/m"]
        {limits}
        [providers.ollama.timeouts]
        silence_with_fallback = 60
        {rest}
        """
    )


@pytest.mark.parametrize("send", [post, stream])
def test_long_answers_that_pass_the_total_count_against_no_model(
    send: Send,
    provider: Upstream,
    spare: Upstream,
    config: Path,
    emitted: Callable[[], Emitted],
) -> None:
    """Every token arrives in time; only the tier's total is spent."""
    tier(config, 3)
    whole, provider.script = provider.script, endless_stream(provider)
    for _ in range(MANY):
        send(new_request("fast"))
    assert spare.received == []
    assert {line["gen_ai.provider.name"] for line in emitted().log} == {"ollama"}

    provider.script = whole
    assert post(new_request("fast")).json["provider"] == "ollama"
    provider.script = chunked([])
    assert post(new_request("fast")).json["provider"] == "openrouter"


def test_an_answer_held_for_a_format_check_counts_as_begun(
    provider: Upstream, spare: Upstream, config: Path
) -> None:
    config.write_text('[tiers.cloud]\nmodels = ["ollama_cloud/gpt-oss"]\ntimeouts = { total = 2 }')
    whole, provider.script = provider.script, endless_stream(provider)
    for _ in range(MANY):
        assert post(new_request("cloud", format="json")).status == 504

    provider.script = whole
    assert post(new_request("cloud")).status == 200


def test_an_answer_without_time_for_a_second_request_counts_against_no_model(
    provider: Upstream, spare: Upstream, config: Path
) -> None:
    """The first answer has another format and uses up the model's share of the time."""
    config.write_text(
        """
        [tiers.cloud]
        models = ["ollama_cloud/gpt-oss", "openrouter/v/m"]
        timeouts = { total = 4 }
        """
    )
    whole, provider.script = provider.script, timed_stream(provider, 2.2)
    for _ in range(MANY):
        post(new_request("cloud", format="json"))
    requested = len(provider.received)

    provider.script = whole
    assert requested == MANY
    assert post(new_request("cloud")).json["provider"] == "ollama_cloud"


def test_silences_of_a_models_whole_share_open_its_circuit(
    provider: Upstream, spare: Upstream, config: Path
) -> None:
    tier(config, 4)
    provider.script = silent(provider)
    for _ in range(MANY):
        post(new_request("fast"))
    requested = len(provider.received)

    result = post(new_request("fast"))

    assert result.headers["x-chatd-attempts"] == "ollama: no_healthy_provider, openrouter: ok"
    assert len(provider.received) == requested == MANY


FAULTS = [silent, comments_only]


@pytest.mark.parametrize("send", [post, stream])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_silent_model_leaves_the_next_model_its_share_of_the_time(
    send: Send,
    fault: Callable[[Upstream], Script],
    provider: Upstream,
    spare: Upstream,
    config: Path,
) -> None:
    tier(config, 4)
    provider.script = fault(provider)

    answer = send(new_request("fast"))

    assert answer.headers["x-chatd-attempts"] == "ollama: upstream_timeout, openrouter: ok"
    assert len(provider.received) == 1


def test_a_model_that_does_not_stream_has_a_share_of_the_time(
    provider: Upstream, spare: Upstream, config: Path
) -> None:
    tier(config, 4, "[providers.ollama]\nupstream_stream = false")
    provider.script = silent(provider)

    assert post(new_request("fast")).json["provider"] == "openrouter"


def test_an_unreachable_model_has_a_share_of_the_time(
    spare: Upstream, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tier(config, 4)  # half of this total is less than the connect limit
    with black_hole() as url:
        monkeypatch.setenv("OLLAMA_URL", url)
        forget()
        assert post(new_request("fast")).json["provider"] == "openrouter"


def test_the_last_of_three_models_has_a_third_of_the_time(
    provider: Upstream, spare: Upstream, config: Path
) -> None:
    config.write_text(
        """
        [tiers.fast]
        models = ["ollama/a", "kimi/b", "openrouter/v/m"]
        timeouts = { total = 6, silence_with_fallback = 60 }
        """
    )
    provider.script = silent(provider)

    assert post(new_request("fast")).json["provider"] == "openrouter"


@pytest.mark.parametrize("send", [post, stream])
def test_a_chat_whose_time_is_spent_is_no_attempt(
    send: Send,
    provider: Upstream,
    spare: Upstream,
    config: Path,
    emitted: Callable[[], Emitted],
) -> None:
    tier(config, 1e-9)
    for _ in range(MANY):
        assert send(new_request("fast")).status == 504

    assert provider.received == spare.received == []
    (line, *_) = emitted().log
    assert line["error.type"] == "upstream_timeout"
    assert {"gen_ai.provider.name", "chatd.attempts"}.isdisjoint(line)

    tier(config, None)
    chat.app.compose.cache_clear()  # read chatd.toml again; Powertools' counts stay
    assert post(new_request("fast")).json["provider"] == "ollama"


def test_a_stream_may_take_longer_than_a_whole_answer(
    provider: Upstream, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_target, "WHOLE_SECONDS", 0.3)
    provider.script = timed_stream(provider)

    assert post(new_request("m")).status == 504
    for path in ("/v1/chat", OPENAI):
        assert "error" not in stream(new_request("m"), path).json[-1]


def test_a_total_in_chatd_toml_limits_streams(provider: Upstream, config: Path) -> None:
    config.write_text("[providers.ollama]\ntimeouts = { total = 0.3 }")
    provider.script = timed_stream(provider)

    assert stream(new_request("m")).json[-1]["error"]["code"] == "upstream_timeout"
