"""A stream that dies is continued by a model of any dialect, on every surface."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from chatd.dialects import DIALECTS
from chatd.surfaces import SURFACES, surface
from tests.pairs.callers import CALLERS, CHAT_SURFACES
from tests.pairs.chats import Answer, Call, as_offered, said
from tests.pairs.providers import PROVIDERS
from tests.support import functions
from tests.support.circuits import forget_failures
from tests.support.upstream import Received, Script, Upstream, chunked, head

_EVENT = re.compile(r"(?:event: (?P<name>.+)\n)?data: (?P<data>\{.*\})\n\n")
_TEXT = Answer("It is a long way to the top.")
_THOUGHT = Answer("It is a long way to the top.", "The way is long.", "c2lnbmVk")
_CALL = Answer(calls=(Call("call_1", "read", '{"path":"a/long/path.txt"}'),), finish="tool_calls")


def _takeovers() -> Iterator[tuple[str, str, str]]:
    for name in CHAT_SURFACES:
        for one in sorted(DIALECTS):
            for two in sorted(DIALECTS):
                yield name, one, two


def _with_partial_calls() -> list[tuple[str, str, str]]:
    """List the takeovers with pieces of tool calls; Ollama sends a call whole."""
    return [
        takeover
        for takeover in _takeovers()
        if "tools" in CALLERS[takeover[0]].features and takeover[1] != "ollama"
    ]


def _dying(dialect: str, answer: Answer, pieces: int, rescuer: str) -> Script:
    """Send so many pieces of a stream in one dialect and close; serve the rescuer whole.

    The first request of a test is for the dying model.
    """
    requests = iter(range(100))

    def script(connection: socket.socket, received: Received) -> None:
        first = next(requests) == 0
        row = PROVIDERS[dialect if first else rescuer]
        assert received.path.endswith(row.path)
        stream = row.stream(as_offered(answer, row.chat(received.json)))
        if not first:
            chunked(stream, row.stream_type)(connection, received)
            return
        names = {"Content-Type": row.stream_type, "Transfer-Encoding": "chunked"}
        connection.sendall(head(200, names))
        for piece in stream[:pieces]:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.shutdown(socket.SHUT_RDWR)

    return script


def _events(body: bytes) -> list[tuple[str | None, Mapping[str, Any]]]:
    found = _EVENT.finditer(body.decode())
    return [(one["name"], json.loads(one["data"])) for one in found]


@pytest.mark.parametrize("answer", [_TEXT, _THOUGHT], ids=["text", "thinking"])
@pytest.mark.parametrize(("name", "one", "two"), list(_takeovers()))
def test_another_dialect_continues_a_stream_from_every_cut(
    name: str, one: str, two: str, answer: Answer, provider: Upstream
) -> None:
    caller, api = CALLERS[name], surface(name)
    chat = said("Sing", effort="high") if answer.thinking else said("Sing")
    body = {**caller.write(chat), **caller.with_usage, "model": f"{one}_then_{two}"}
    for cut in range(len(PROVIDERS[one].stream(answer))):
        forget_failures()
        provider.script = _dying(one, answer, cut, two)

        streamed = functions.stream(body, SURFACES[name].path)

        assert streamed.status == 200, (cut, streamed.body)
        pieces = re.findall(rb".*?\n\n", streamed.body, flags=re.DOTALL)
        assert [api.is_end(piece) for piece in pieces].count(True) == 1, (cut, streamed.body)
        got = caller.stream(_events(streamed.body))
        assert (got.text, got.finish) == (answer.text, "stop"), (cut, streamed.body)


@pytest.mark.parametrize(("name", "one", "two"), _with_partial_calls())
def test_a_tool_call_is_never_spliced(name: str, one: str, two: str, provider: Upstream) -> None:
    caller, api = CALLERS[name], surface(name)
    body = {**caller.write(said("Read", tools=("read",))), "model": f"{one}_then_{two}"}
    forget_failures()
    pieces = PROVIDERS[one].stream(_CALL)
    cut = next(n for n, piece in enumerate(pieces) if b"long/path" in piece)
    provider.script = _dying(one, _CALL, cut, two)

    streamed = functions.stream(body, SURFACES[name].path)

    pieces = re.findall(rb".*?\n\n", streamed.body, flags=re.DOTALL)
    assert not any(map(api.is_end, pieces)), streamed.body
    assert b"error" in pieces[-1]
    assert b"long/path" not in streamed.body
