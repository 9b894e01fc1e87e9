"""A failure before the first event has its own status; a later failure is an error event."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

import chat.app
from chatd.aws_lambda import streaming
from tests.support import answers
from tests.support.chat_streams import OPENAI, StepSink, each_model, start_stream
from tests.support.functions import ask, stream
from tests.support.upstream import Received, Upstream, chunked, head, raw, reply, reset, then_close

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


pytestmark = pytest.mark.usefixtures("provider", "keys")


@each_model
@pytest.mark.parametrize(
    ("status", "ours"), [(400, 400), (401, 502), (404, 404), (429, 429), (500, 502), (503, 503)]
)
def test_a_refusal_before_the_first_event_keeps_its_status(
    provider: Upstream, model: str, status: int, ours: int
) -> None:
    provider.script = reply({"error": "no"}, status, {"Retry-After": "3000"})

    streamed = stream(ask(model), OPENAI)

    assert (streamed.status, streamed.headers["content-type"]) == (ours, "application/json")
    assert streamed.headers["retry-after"] == "3000"
    assert json.loads(streamed.body)["error"]["upstream_status"] == status


@each_model
def test_a_connection_reset_before_the_first_event_is_502(provider: Upstream, model: str) -> None:
    provider.script = reset

    assert stream(ask(model)).status == 502


@pytest.mark.parametrize("surface", ["/v1/chat", OPENAI])
def test_a_stream_from_an_unregistered_provider_is_404(
    monkeypatch: pytest.MonkeyPatch, surface: str
) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "")

    assert stream(ask("kimi/k3"), surface).status == 404


def cut_after(lines: list[bytes]) -> Any:
    """Send these lines, then close the stream in the middle of a chunk."""
    body = b"".join(lines)
    names = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
    return then_close(raw(head(200, names) + b"%x\r\n%s\r\n5\r\nda" % (len(body), body)))


BREAKS: dict[str, tuple[Any, Any]] = {
    "cut off": (
        cut_after(answers.ollama_lines("Hello")[:1]),
        cut_after(answers.openai_chunks("Hello")[:2]),
    ),
    "ended without its end mark": (
        chunked(answers.ollama_lines("Hello")[:1]),
        chunked(answers.openai_chunks("Hello", reason=None, done=False)),
    ),
    "a malformed event": (
        chunked([*answers.ollama_lines("Hello")[:1], b"{nonsense\n"]),
        chunked([*answers.openai_chunks("Hello")[:2], b"data: {nonsense\n\n"]),
    ),
    "an error event": (
        chunked([*answers.ollama_lines("Hello")[:1], b'{"error": "out of memory"}\n']),
        chunked([*answers.openai_chunks("Hello")[:2], answers.sse({"error": {"code": 502}})]),
    ),
    "finish reason error": (
        chunked([*answers.ollama_lines("Hello")[:1], b'{"error": "boom"}\n']),
        chunked(answers.openai_chunks("Hello", reason="error")),
    ),
}


@pytest.mark.parametrize("fault", BREAKS)
@pytest.mark.parametrize("model", ["llama3.2", "kimi/k3"])
@pytest.mark.parametrize("surface", ["/v1/chat", OPENAI])
def test_a_broken_stream_ends_with_an_error_event_and_no_end_mark(
    provider: Upstream, model: str, fault: str, surface: str
) -> None:
    provider.script = BREAKS[fault][model == "kimi/k3"]

    streamed = stream(ask(model), surface)

    *_, last = streamed.json
    assert streamed.status == 200
    assert "Hello" in streamed.body.decode()
    assert last["error"]["code"] == "upstream_stream_error"
    assert "[DONE]" not in streamed.data
    assert '"done":true' not in streamed.body.decode()
    assert not any(
        choice.get("finish_reason")
        for chunk in streamed.json
        for choice in chunk.get("choices", [])
    )


def test_a_broken_stream_is_logged_as_an_error(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    provider.script = cut_after(answers.ollama_lines("Hello")[:1])
    stream(ask("m"))

    (line,) = emitted().log
    assert line["error.type"] == "upstream_error"


def test_an_internal_error_before_a_stream_is_500_without_its_message(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch, emitted: Callable[[], Emitted]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("the prompt")

    monkeypatch.setattr(chat.app.compose().gateway, "begin", broken)

    streamed = stream(ask("m"))

    assert (streamed.status, json.loads(streamed.body)["error"]["code"]) == (500, "internal_error")
    assert "the prompt" not in emitted().text + streamed.body.decode()


@pytest.mark.parametrize("model", ["llama3.2", "kimi/k3"])
def test_a_line_of_9_mb_is_502(provider: Upstream, model: str) -> None:
    provider.script = chunked([b"data: " + b"x" * (9 * 1024 * 1024)])

    assert stream(ask(model)).status == 502


def test_a_failure_after_the_first_comment_is_an_error_event(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming.HeartbeatSink.__init__, "__defaults__", (0.05,))
    sink = StepSink()

    def script(connection: socket.socket, received: Received) -> None:
        assert sink.arrived.acquire(timeout=10)
        reply({"error": "boom"}, 500)(connection, received)

    provider.script = script
    start_stream(ask("m"), sink).join(30)

    assert sink.status == 200
    assert json.loads(sink.pieces[-1].removeprefix(b"data: "))["error"]["upstream_status"] == 500
