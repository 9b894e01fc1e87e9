"""No prompt, answer or key reaches a log, a metric or an error, whatever goes wrong.

A canary is planted in every input there is, and everything that comes out is searched for it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from chatd.errors import ChatdError
from tests.support import answers
from tests.support.functions import ask, get, invoke, post, stream
from tests.support.upstream import Received, Script, Upstream, chunked, raw, reply, then_close

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

PROMPT = "CANARY-PROMPT-4f1c9a"
ANSWER = "CANARY-ANSWER-77b2d0"
MODELS = ["m", "ollama_cloud/m", "m:cloud", "openrouter/v/m", "opencode/m", "kimi/m"]


def canaries(keys: str) -> tuple[str, ...]:
    return (PROMPT, ANSWER, keys)


def echo_in_error(status: int) -> Script:
    """A provider that quotes, in its refusal, everything that it was sent."""

    def script(connection: socket.socket, received: Received) -> None:
        words = f"no: {received.headers.get('authorization')} {received.body.decode()}"
        error = {"message": words, "code": PROMPT, "type": PROMPT}
        body = {"error": words if "/api/" in received.path else error}
        reply(body, status, {"Retry-After": PROMPT, "X-Echo": PROMPT})(connection, received)

    return script


def answer_with_canary(connection: socket.socket, received: Received) -> None:
    body = json.dumps(answers.for_path(received.path)).replace("Hello!", ANSWER)
    reply(body.encode())(connection, received)


REFUSALS = (200, 400, 401, 404, 422, 429, 500, 503)
BREAKS: dict[str, Script] = {
    "answers": answer_with_canary,
    "half an answer": then_close(
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + ANSWER.encode())
    ),
    "garbage": reply(f"<html>{ANSWER}</html>".encode()),
    "wrong shape": reply({"message": ANSWER, "choices": [ANSWER], "error": 7}),
    "no http": then_close(raw(ANSWER.encode() + b"\r\n\r\n")),
    "redirect": reply(b"", 302, {"Location": f"http://{PROMPT}.invalid/"}),
    **{
        f"echo {status}": echo_in_error(status)
        for status in (200, 400, 401, 404, 422, 429, 500, 503)
    },
}


def stream_with_canary(connection: socket.socket, received: Received) -> None:
    pieces = [
        piece.replace(b"Hello", ANSWER.encode()) for piece in answers.stream_for_path(received.path)
    ]
    chunked(pieces)(connection, received)


STREAMS: dict[str, Script] = {
    **BREAKS,
    "streams": stream_with_canary,
    "dies": chunked([f"data: {ANSWER}\n\n".encode()]),
    "an error event": chunked([f'data: {{"error": {{"message": "{PROMPT}"}}}}\n\n'.encode()]),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fault", STREAMS)
def test_a_stream_however_it_ends_leaves_no_trace_of_its_words(
    provider: Upstream, keys: str, emitted: Callable[[], Emitted], model: str, fault: str
) -> None:
    provider.script = STREAMS[fault]
    function = {"name": "f", "description": PROMPT, "parameters": {"title": PROMPT}}
    request = {
        **ask(model, PROMPT),
        "tools": [{"type": "function", "function": function}],
        "stop": [PROMPT],
        "user": PROMPT,
    }

    returned = stream(request, "/v1/chat/completions")

    written = emitted().text
    assert not [canary for canary in canaries(keys) if canary in written]
    assert PROMPT not in returned.body.decode()
    assert keys not in returned.body.decode()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fault", BREAKS)
def test_a_chat_however_it_ends_leaves_no_trace_of_its_words(
    provider: Upstream, keys: str, emitted: Callable[[], Emitted], model: str, fault: str
) -> None:
    provider.script = BREAKS[fault]
    request = {
        "model": model,
        "messages": [
            {"role": "system", "content": f"system {PROMPT}"},
            {"role": "user", "content": PROMPT},
        ],
        "format": {"title": PROMPT},
    }

    returned = post(request)

    written = emitted().text
    assert not [canary for canary in canaries(keys) if canary in written]
    assert PROMPT not in str(returned)
    assert keys not in str(returned)


MISTAKES: list[Any] = [
    PROMPT,
    {"model": PROMPT},
    {"model": "m", "messages": PROMPT},
    {"model": "m", "messages": [PROMPT]},
    {"model": "m", "messages": [{"role": PROMPT, "content": PROMPT}]},
    {"model": "m", "messages": [{"role": "user", "content": [PROMPT]}]},
    ask("m", temperature=PROMPT),
    ask("m", max_tokens=PROMPT),
    ask("m", format=PROMPT),
    ask("m", think=PROMPT),
    ask("m", stream=PROMPT),
    ask("", PROMPT),
    ask("kimi/", PROMPT),
    ask("m" * 300, PROMPT),
]


@pytest.mark.parametrize("body", MISTAKES)
def test_a_refused_request_leaves_no_trace_of_its_words(
    provider: Upstream, emitted: Callable[[], Emitted], body: Any
) -> None:
    returned = post(body)

    assert returned.status == 400
    assert PROMPT not in str(returned) + emitted().text


@pytest.mark.parametrize("body", MISTAKES)
def test_a_refused_direct_invocation_leaves_no_trace_of_its_words(
    provider: Upstream, body: Any
) -> None:
    with pytest.raises(ChatdError) as caught:
        invoke(body)

    assert PROMPT not in "".join(str(part) for part in (caught.value, caught.value.__context__))


@pytest.mark.parametrize("model", MODELS)
def test_a_provider_that_quotes_a_direct_invocation_is_not_quoted_in_its_exception(
    provider: Upstream, keys: str, model: str
) -> None:
    provider.script = echo_in_error(400)

    with pytest.raises(ChatdError) as caught:
        invoke(ask(model, PROMPT))

    assert PROMPT not in str(caught.value)
    assert keys not in str(caught.value)


@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_key_that_cannot_be_used_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, emitted: Callable[[], Emitted], place: str
) -> None:
    key = "sk-CANARY-é"
    if place == "environment":
        monkeypatch.setenv("KIMI_API_KEY", key)
    else:
        (tmp_path / ".env").write_text(f"KIMI_API_KEY={key}\n")

    returned = str(post(ask("kimi/k3"))) + str(get("/v1/chat/providers"))

    assert "CANARY" not in returned + emitted().text
