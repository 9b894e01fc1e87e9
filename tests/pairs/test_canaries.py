"""No prompt, answer or key reaches a log or an error, on any surface through any dialect."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import pytest

from chatd.dialects import DIALECTS
from chatd.surfaces import SURFACES
from tests.pairs.callers import CALLERS, CHAT_SURFACES
from tests.pairs.chats import SCHEMA, Answer, Call, Chat, Result, Turn
from tests.pairs.conftest import KEY
from tests.pairs.providers import PROVIDERS, Provider, model_at
from tests.support import functions
from tests.support.circuits import forget_failures
from tests.support.upstream import Received, Script, Upstream, chunked, raw, reply, then_close

PROMPT = "CANARY-PROMPT-4f1c9a"
ANSWER = "CANARY-ANSWER-77b2d0"
_ARGUMENTS = json.dumps({"path": f"{PROMPT}-path"})
_PLAIN = Chat((Turn("user", f"{PROMPT}-user"),), f"{PROMPT}-system")
_RICH = Chat(
    (
        Turn("user", f"{PROMPT}-user"),
        Turn("assistant", f"{PROMPT}-text", calls=(Call("call_1", "read", _ARGUMENTS),)),
        Turn("user", f"{PROMPT}-last", results=(Result("call_1", f"{PROMPT}-result"),)),
    ),
    f"{PROMPT}-system",
    tools=("read",),
    schema={**SCHEMA, "title": f"{PROMPT}-title"},
)


def _echo(status: int) -> Callable[[Provider], Script]:
    """Quote the whole request, and the header with the key, in an error."""

    def of(_row: Provider) -> Script:
        def script(connection: socket.socket, received: Received) -> None:
            keys = received.headers.get("authorization"), received.headers.get("x-api-key")
            words = f"no: {keys} {received.body.decode()}"
            error = {"message": words, "code": PROMPT, "type": PROMPT}
            reply({"type": "error", "error": error}, status)(connection, received)

        return script

    return of


def _answer(row: Provider) -> Script:
    def script(connection: socket.socket, received: Received) -> None:
        answer = Answer(f"{ANSWER} and more")
        if row.is_streamed(received):
            chunked(row.stream(answer), row.stream_type)(connection, received)
        else:
            reply(row.whole(answer))(connection, received)

    return script


def _half(row: Provider) -> Script:
    """Break off a stream after its text, and a whole answer in it."""

    def script(connection: socket.socket, received: Received) -> None:
        answer = Answer(f"{ANSWER} and more")
        if row.is_streamed(received):
            pieces = row.stream(answer)
            last = next(n for n, piece in enumerate(pieces) if b"and more" in piece)
            then_close(chunked(pieces[: last + 1], row.stream_type))(connection, received)
        else:
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"
            then_close(raw(head + json.dumps(row.whole(answer)).encode()))(connection, received)

    return script


FAULTS: Mapping[str, Callable[[Provider], Script]] = {
    "answers": _answer,
    "breaks off": _half,
    "is malformed": lambda _row: reply(f"<html>{ANSWER}</html>".encode()),
    "has another shape": lambda _row: reply({"message": ANSWER, "output": [ANSWER], "content": 7}),
    **{f"echoes with {status}": _echo(status) for status in (200, 400, 401, 429, 500, 529)},
}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", sorted(FAULTS))
@pytest.mark.parametrize("pair", list(product(CHAT_SURFACES, sorted(DIALECTS))), ids="-".join)
def test_no_ending_of_a_chat_leaks_a_text_or_a_key(
    pair: tuple[str, str],
    fault: str,
    streamed: bool,
    provider: Upstream,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, dialect = pair
    forget_failures()
    caller = CALLERS[name]
    provider.script = FAULTS[fault](PROVIDERS[dialect])
    chat = _RICH if "tools" in caller.features else _PLAIN
    body = {**caller.write(chat), "model": model_at(dialect)}
    capsys.readouterr()

    returned = _returned(body, SURFACES[name].path, streamed=streamed)

    written = "".join(capsys.readouterr())
    assert "chatd" in written
    assert not [canary for canary in (PROMPT, ANSWER, KEY) if canary in written]
    assert KEY not in returned
    if fault != "answers":
        assert PROMPT not in _without_echoed_fields(returned)


def _returned(body: Mapping[str, Any], path: str, *, streamed: bool) -> str:
    if not streamed:
        response = functions.post(body, path)
        return json.dumps(response.json) + str(response.headers)
    stream = functions.stream(body, path)
    return stream.body.decode() + str(stream.headers)


def _without_echoed_fields(returned: str) -> str:
    """Take out the caller's own fields, which a response object of the Responses API repeats."""
    return returned.replace(f"{PROMPT}-title", "").replace(f"{PROMPT}-system", "")
