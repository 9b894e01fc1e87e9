"""A provider that continues a prefill takes over a stream; an echo of the prefill is removed."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import answers
from tests.support.circuits import forget_failures
from tests.support.functions import ask, post, stream
from tests.support.upstream import Received, Upstream, chunked, head, reply, then_close, upstream

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


# Texts long enough for a clear echo, with repetitions and characters of 2, 3 and 4 bytes.
COUNT = " ".join(str(number) for number in range(1, 31))
LINES = "Row, row, row your boat, gently down the stream.\n" * 3 + "Life is but a dream."
GREEK = "Καλημέρα, κόσμε! 日本語のテキスト。 Zwölf Boxkämpfer 😀👍🏽 jagen.\n\n  Ende."
CODE = "def f():\n    for x in range(3):\n        print(x)\n\n    return None\n" * 2
TEXTS = {"count": COUNT, "lines": LINES, "greek": GREEK, "code": CODE}


@dataclass(slots=True)
class Servers:
    """A provider that breaks off its answer after `cut` characters, and one that continues.

    Attributes:
        text: The answer of both.
        cut: Characters that the first sends.
        echoed: The part of the prefill that the second sends before the continuation.
        size: Characters in a delta of the second; 0 for all in one.
        requested: Requests to the second.

    """

    text: str = COUNT
    cut: int = 0
    echoed: Callable[[str], str] = lambda _prefill: ""
    size: int = 4
    requested: list[dict[str, Any]] = field(default_factory=list)

    def breaks_off(self, connection: socket.socket, _received: Received) -> None:
        events = answers.openai_chunks(self.text[: self.cut], done=False, reason=None)
        connection.sendall(_at_once(events))
        connection.shutdown(socket.SHUT_WR)

    def continues(self, connection: socket.socket, received: Received) -> None:
        self.requested.append(received.json)
        last = received.json["messages"][-1]
        prefill = last["content"] if last["role"] == "assistant" else ""
        assert self.text.startswith(prefill)
        new = self.echoed(prefill) + self.text[len(prefill) :]
        if received.json.get("stream"):
            connection.sendall(_at_once(answers.openai_chunks(*_pieces(new, self.size)), b"0"))
        else:
            reply(answers.openai_chat(new))(connection, received)


def _at_once(events: list[bytes], end: bytes = b"") -> bytes:
    """Return a stream as one write; each of many small writes waits for an acknowledgement."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events)
    names = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
    return head(200, names) + body + (end and end + b"\r\n\r\n")


def _pieces(text: str, size: int) -> list[str]:
    return [text[n : n + size] for n in range(0, len(text), size)] if size else [text]


def echo(prefill: str) -> str:
    return prefill


def trimmed(prefill: str) -> str:
    """Return the echo of a server that strips the prefill's white space."""
    return prefill.strip() + prefill[len(prefill.rstrip()) :]


@pytest.fixture
def servers(provider: Upstream, keys: str, config: Path) -> Iterator[Servers]:
    """Yield a tier of OpenRouter, which breaks off, and of a provider with prefill."""
    tier = Servers()
    provider.script = tier.breaks_off
    with upstream(tier.continues) as second:
        config.write_text(f"""
[tiers]
t = ["openrouter/a", "made_up/b"]
[providers.made_up]
dialect = "openai_chat"
base_url = "{second.url}/v1"
prefill = true
""")
        yield tier


def streamed() -> str:
    """Return the text that a streaming caller gets; assert a complete answer."""
    *pieces, last = stream(ask("t")).json
    assert last["done"] is True
    assert last["rescued"] == {"from": ["openrouter/a"], "by": "made_up/b"}
    return "".join(piece.get("content", "") for piece in pieces)


@pytest.mark.parametrize("echoed", [lambda _: "", echo, trimmed], ids=["no", "echo", "trimmed"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_stream_cut_at_any_character_continues_without_repetition_or_gap(
    name: str, echoed: Callable[[str], str], servers: Servers
) -> None:
    servers.text, servers.echoed = TEXTS[name], echoed

    for cut in range(1, len(servers.text), 1 if len(servers.text) < 90 else 2):
        servers.cut, servers.size = cut, cut % 7
        forget_failures()
        assert streamed() == servers.text, cut


@pytest.mark.parametrize("echoed", [lambda _: "", echo], ids=["no", "echo"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_caller_that_does_not_stream_gets_the_text_once(
    name: str, echoed: Callable[[str], str], servers: Servers
) -> None:
    servers.text, servers.echoed = TEXTS[name], echoed

    for cut in range(1, len(servers.text), 5):
        servers.cut, servers.size = cut, cut % 3
        forget_failures()
        assert post(ask("t")).json["content"] == servers.text, cut


def test_an_echo_is_removed_without_a_second_request(servers: Servers) -> None:
    servers.cut, servers.echoed = 50, echo

    assert streamed() == COUNT
    assert [body["messages"][-1]["role"] for body in servers.requested] == ["assistant"]


def test_a_continuation_without_an_echo_needs_no_second_request(servers: Servers) -> None:
    servers.cut = 50

    assert streamed() == COUNT
    assert len(servers.requested) == 1


@pytest.mark.parametrize("size", range(8))
def test_an_echo_may_come_in_one_delta_or_in_many(size: int, servers: Servers) -> None:
    servers.cut, servers.echoed, servers.size = 50, echo, size

    assert streamed() == COUNT
    assert len(servers.requested) == 1


def test_an_unclear_echo_of_a_short_prefill_starts_the_answer_again(servers: Servers) -> None:
    servers.cut, servers.echoed = 10, echo

    assert streamed() == COUNT
    assert [body["messages"][-1]["role"] for body in servers.requested] == ["assistant", "user"]


def test_a_repeated_text_that_looks_like_an_echo_starts_the_answer_again(servers: Servers) -> None:
    line = "The quick brown fox jumps over the lazy dog. "
    servers.text, servers.cut = line * 2 + "Done.", len(line)

    *pieces, last = stream(ask("t", f"Write {line!r} twice, then 'Done.'")).json

    assert "".join(piece.get("content", "") for piece in pieces) == servers.text
    assert last["done"] is True
    assert len(servers.requested) == 2


def test_a_model_that_restarts_in_different_words_is_not_joined(
    servers: Servers,
) -> None:
    servers.cut, servers.echoed = 50, lambda prefill: prefill and "1 2 3 and so on."

    *pieces, last = stream(ask("t")).json

    assert "".join(piece.get("content", "") for piece in pieces) == COUNT
    assert len(servers.requested) == 2
    assert last["done"] is True


def test_a_stream_that_breaks_in_its_echo_falls_back_to_the_next_model(
    servers: Servers, config: Path
) -> None:
    servers.cut, servers.size = 50, 5

    def script(connection: socket.socket, received: Received) -> None:
        if received.json["model"] == "b":
            part = answers.openai_chunks(COUNT[:20], done=False, reason=None)
            then_close(chunked(part))(connection, received)
        else:
            servers.continues(connection, received)

    with upstream(script) as second:
        config.write_text(f"""
[tiers]
t = ["openrouter/a", "made_up/b", "made_up/c"]
[providers.made_up]
dialect = "openai_chat"
base_url = "{second.url}/v1"
prefill = true
""")
        *pieces, last = stream(ask("t")).json

    assert "".join(piece.get("content", "") for piece in pieces) == COUNT
    assert last["rescued"]["by"] == "made_up/c"


def test_the_tokens_of_an_echo_do_not_count_as_output(
    servers: Servers, provider: Upstream, emitted: Callable[[], Emitted], config: Path
) -> None:
    servers.cut = 50

    def uncounted(connection: socket.socket, received: Received) -> None:
        prefill = received.json["messages"][-1]["content"]
        *events, _usage, done = answers.openai_chunks(prefill, COUNT[len(prefill) :])
        chunked([*events, done])(connection, received)

    with upstream(uncounted) as second:
        config.write_text(config.read_text().replace(_base_url(config), second.url))
        assert streamed() == COUNT

    counts = {
        blob["Provider"]: blob["OutputTokens"] for blob in emitted().metrics if "Requests" in blob
    }
    # Of 80 characters the first model generated 50, and the second the other 30.
    assert counts == {"openrouter": 13, "made_up": 8}


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_chunks_may_end_inside_a_character(
    size: int, provider: Upstream, servers: Servers, config: Path
) -> None:
    servers.text, servers.cut = GREEK, 40

    def script(connection: socket.socket, received: Received) -> None:
        events = [
            {"choices": [{"index": 0, "delta": {"content": text}}]}
            for text in (received.json["messages"][-1]["content"], GREEK[40:])
        ]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        body = b"".join(
            b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n" for event in events
        )
        chunked([body[n : n + size] for n in range(0, len(body), size)])(connection, received)

    with upstream(script) as second:
        config.write_text(config.read_text().replace(_base_url(config), second.url))
        assert streamed() == GREEK


def _base_url(config: Path) -> str:
    return next(
        line.split('"')[1].removesuffix("/v1")
        for line in config.read_text().splitlines()
        if line.startswith("base_url")
    )
