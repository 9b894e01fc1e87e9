"""A row with prefill continues a broken stream in different words."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from chatd.config.catalog import CATALOG
from tests.support import answers
from tests.support.functions import ask, stream
from tests.support.upstream import Received, Upstream, chunked, then_close, upstream

pytestmark = pytest.mark.usefixtures("keys")
PREFILL = {"ollama", "openrouter", "kimi", "mistral", "moonshot"}


@pytest.fixture
def second(provider: Upstream) -> Upstream:
    """Serve a model of every row that continues a prefill and repeats no answer."""

    def script(connection: socket.socket, received: Received) -> None:
        turns = received.json["messages"]
        words = ("green ", "today.") if turns[-1]["role"] == "assistant" else ("Sky: ", "green.")
        ollama = received.path.startswith("/api/")
        pieces = answers.ollama_lines(*words) if ollama else answers.openai_chunks(*words)
        chunked(pieces)(connection, received)

    provider.script = script
    return provider


def text_of(
    row: str, config: Path, more: str = "", *, partial: str = "The sky is "
) -> tuple[str, bool]:
    """Return the text, and whether an error ends the stream, if this row follows a broken one."""
    part = answers.openai_chunks(partial, done=False, reason=None)
    with upstream(then_close(chunked(part))) as first:
        config.write_text(f"""
[tiers]
t = ["first/a", "{row}/b"]
[providers.first]
dialect = "openai_chat"
base_url = "{first.url}/v1"
{more}
""")
        *pieces, last = stream(ask("t")).json
    return "".join(piece.get("content", "") for piece in pieces), "error" in last


@pytest.mark.parametrize("row", sorted(CATALOG))
def test_a_row_with_prefill_continues_a_broken_answer(
    row: str, second: Upstream, config: Path
) -> None:
    text, failed = text_of(row, config)

    assert (text, failed) == (
        ("The sky is green today.", False) if row in PREFILL else ("The sky is ", True)
    )


def test_a_prefill_for_kimi_sets_partial(second: Upstream, config: Path) -> None:
    text_of("kimi", config)

    turn = {"role": "assistant", "content": "The sky is ", "partial": True}
    assert second.last.json["messages"][-1] == turn


def test_a_prefill_for_openrouter_has_no_further_fields(second: Upstream, config: Path) -> None:
    text_of("openrouter", config)

    assert second.last.json["messages"][-1] == {"role": "assistant", "content": "The sky is "}


def test_a_custom_provider_may_add_fields_to_a_prefill(second: Upstream, config: Path) -> None:
    more = f"""
[providers.mistral]
dialect = "openai_chat"
base_url = "{second.url}/v1"
prefill = true
prefill_fields = {{ prefix = true }}
"""
    text, _failed = text_of("mistral", config, more)

    assert text == "The sky is green today."
    assert second.last.json["messages"][-1]["prefix"] is True


def test_prefill_can_be_disabled_for_a_row(second: Upstream, config: Path) -> None:
    _text, failed = text_of("openrouter", config, "[providers.openrouter]\nprefill = false")

    assert failed


LONG = "The sky is blue because air scatters "


@pytest.mark.parametrize("row", sorted(PREFILL))
def test_the_echo_of_every_row_with_prefill_is_removed(
    row: str, provider: Upstream, config: Path
) -> None:
    requested: list[str] = []

    def echoes(connection: socket.socket, received: Received) -> None:
        prefill = received.json["messages"][-1]["content"]
        requested.append(prefill)
        ollama = received.path.startswith("/api/")
        words = (prefill, "short ", "waves.")
        pieces = answers.ollama_lines(*words) if ollama else answers.openai_chunks(*words)
        chunked(pieces)(connection, received)

    provider.script = echoes
    text, failed = text_of(row, config, partial=LONG)

    assert (text, failed) == (LONG + "short waves.", False)
    assert requested == [LONG]


class ThreeModels:
    """Run a tier of a model that breaks off, one with a different answer, and a third.

    Attributes:
        requested: The role of the last turn in each request to the second and third.

    """

    def __init__(self, partial: str, second: tuple[str, ...]) -> None:
        self.partial, self.second = partial, second
        self.requested: list[str] = []

    def speak(self, connection: socket.socket, received: Received) -> None:
        if received.json["model"] == "a":
            part = answers.openai_chunks(self.partial, done=False, reason=None)
            then_close(chunked(part))(connection, received)
            return
        turn = received.json["messages"][-1]
        self.requested.append(f"{received.json['model']} {turn['role']}")
        words = self.second if received.json["model"] == "b" else ("green ", "today.")
        chunked(answers.openai_chunks(*words))(connection, received)

    def run(self, config: Path, *, second: bool, third: bool) -> tuple[str, dict[str, Any]]:
        """Return the text and the last event, with prefill for these models."""
        with upstream(self.speak) as server:
            rows = "".join(
                f"""
[providers.{name}]
dialect = "openai_chat"
base_url = "{server.url}/v1"
prefill = {str(prefill).lower()}
"""
                for name, prefill in (("one", False), ("two", second), ("three", third))
            )
            config.write_text(f'[tiers]\nt = ["one/a", "two/b", "three/c"]\n{rows}')
            *pieces, last = stream(ask("t")).json
        return "".join(piece.get("content", "") for piece in pieces), last


def test_a_model_with_prefill_continues_after_a_diverged_answer(config: Path) -> None:
    three = ThreeModels("The sky is ", ("Blue, ", "it is."))

    text, last = three.run(config, second=False, third=True)

    assert text == "The sky is green today."
    assert last["rescued"] == {"from": ["one/a"], "by": "three/c"}
    assert three.requested == ["b user", "c assistant"]


def test_a_model_with_prefill_continues_after_an_unclear_continuation(config: Path) -> None:
    three = ThreeModels("The sky is ", ("The sky, ", "they say, is blue."))

    text, last = three.run(config, second=True, third=True)

    assert text == "The sky is green today."
    assert last["rescued"] == {"from": ["one/a"], "by": "three/c"}
    assert three.requested == ["b assistant", "b user", "c assistant"]


def test_a_model_without_prefill_gets_no_request_after_a_diverged_answer(
    config: Path,
) -> None:
    three = ThreeModels("The sky is ", ("Blue, ", "it is."))

    text, last = three.run(config, second=False, third=False)

    assert (text, last["error"]["code"]) == ("The sky is ", "upstream_stream_error")
    assert three.requested == ["b user"]
