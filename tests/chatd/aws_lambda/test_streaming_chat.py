"""Streams as callers meet them, on both surfaces and in both dialects."""

from __future__ import annotations

import gc
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import chat.app
from chatd.aws_lambda import streaming
from chatd.aws_lambda.streaming import CallerGoneError
from chatd.transport.http_client import Urllib3Stream
from tests.support import answers
from tests.support.functions import LambdaContext, Streamed, ask, http_event, stream
from tests.support.upstream import (
    Received,
    Upstream,
    chunked,
    head,
    raw,
    reply,
    reset,
    silent,
    then_close,
)

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

OPENAI = "/v1/chat/completions"
MODELS = ["llama3.2", "ollama_cloud/gpt-oss", "openrouter/v/m", "opencode/grok", "kimi/k3"]
each_model = pytest.mark.parametrize("model", MODELS)
pytestmark = pytest.mark.usefixtures("provider", "keys")


def text_of(streamed: Streamed) -> str:
    return "".join(
        choice["delta"].get("content") or ""
        for chunk in streamed.json
        for choice in chunk["choices"]
    )


@each_model
def test_the_native_stream_is_contents_and_a_last_event_with_the_totals(model: str) -> None:
    streamed = stream(ask(model))

    *pieces, last = streamed.json
    assert streamed.status == 200
    assert streamed.headers["content-type"] == "text/event-stream"
    assert pieces == [{"content": "Hello"}, {"content": "!"}]
    assert (last["done"], last["finish_reason"]) == (True, "stop")
    assert (last["input_tokens"], last["output_tokens"]) == (11, 7)


@each_model
def test_openais_stream_is_role_deltas_reason_and_done(model: str) -> None:
    streamed = stream(ask(model), OPENAI)

    first, *_, last = streamed.json
    assert first["choices"][0]["delta"]["role"] == "assistant"
    assert text_of(streamed) == "Hello!"
    assert last["choices"][0]["finish_reason"] == "stop"
    assert streamed.data[-1] == "[DONE]"
    assert all("usage" not in chunk for chunk in streamed.json)


@each_model
def test_usage_comes_in_a_chunk_of_its_own_if_asked(model: str) -> None:
    streamed = stream(ask(model, stream_options={"include_usage": True}), OPENAI)

    *others, last = streamed.json
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    assert all(chunk.get("usage") is None for chunk in others)


def test_every_chunk_bears_the_same_id(provider: Upstream) -> None:
    assert len({chunk["id"] for chunk in stream(ask("m"), OPENAI).json}) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("model", ["llama3.2", "kimi/k3"])
def test_a_stream_is_the_same_however_it_was_cut(provider: Upstream, model: str, size: int) -> None:
    path = "/api/chat" if model == "llama3.2" else "/chat/completions"
    words = ("Grüße ", "☃", "𝄞", "\n")
    whole = b"".join(
        answers.ollama_lines(*words) if "api" in path else answers.openai_chunks(*words)
    )
    provider.script = chunked([whole[n : n + size] for n in range(0, len(whole), size)])

    assert text_of(stream(ask(model), OPENAI)) == "".join(words)


@pytest.mark.parametrize(
    "noise",
    [
        b": OPENROUTER PROCESSING\n\n",
        b"\n\n\n",
        b"event: ping\nid: 7\nretry: 10\n\n",
        b'data: {"choices": []}\n\n',
    ],
)
def test_comments_and_keep_alives_of_the_provider_are_swallowed(
    provider: Upstream, noise: bytes
) -> None:
    chunks = answers.openai_chunks("Hello")
    provider.script = chunked([noise, *(piece + noise for piece in chunks[:-1]), chunks[-1]])

    streamed = stream(ask("kimi/k3"), OPENAI)

    assert text_of(streamed) == "Hello"
    assert b"PROCESSING" not in streamed.body


def test_lines_may_end_as_windows_ends_them(provider: Upstream) -> None:
    provider.script = chunked(
        [piece.replace(b"\n", b"\r\n") for piece in answers.openai_chunks("Hello")]
    )

    assert text_of(stream(ask("kimi/k3"), OPENAI)) == "Hello"


def test_a_stream_without_done_that_has_its_finish_reason_is_whole(provider: Upstream) -> None:
    provider.script = chunked(answers.openai_chunks("Hello", done=False))

    assert stream(ask("kimi/k3"), OPENAI).data[-1] == "[DONE]"


def test_a_cost_after_done_is_counted_and_not_forwarded(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    cost = answers.sse({"object": "chat.completion.chunk", "choices": [], "cost": "0.00012"})
    provider.script = chunked([*answers.openai_chunks("Hello"), cost])

    streamed = stream(ask("opencode/grok"), OPENAI)

    (line,) = emitted().log
    assert streamed.data[-1] == "[DONE]"
    assert line["gen_ai.usage.cost_usd"] == 0.00012
    assert line["gen_ai.usage.input_tokens"] == 11


def test_a_provider_that_does_not_stream_is_streamed_in_one_piece(provider: Upstream) -> None:
    provider.script = reply(
        answers.openai_chat("Hello!"), headers={"Content-Type": "application/json"}
    )

    streamed = stream(ask("kimi/k3"), OPENAI)

    assert (text_of(streamed), streamed.data[-1]) == ("Hello!", "[DONE]")


@each_model
@pytest.mark.parametrize(
    ("status", "ours"), [(400, 400), (401, 502), (404, 404), (429, 429), (500, 502), (503, 503)]
)
def test_a_refusal_before_the_first_event_has_its_own_status(
    provider: Upstream, model: str, status: int, ours: int
) -> None:
    provider.script = reply({"error": "no"}, status, {"Retry-After": "3000"})

    streamed = stream(ask(model), OPENAI)

    assert (streamed.status, streamed.headers["content-type"]) == (ours, "application/json")
    assert streamed.headers["retry-after"] == "3000"
    assert json.loads(streamed.body)["error"]["upstream_status"] == status


@each_model
def test_a_provider_that_dies_before_the_first_event_is_502(provider: Upstream, model: str) -> None:
    provider.script = reset

    assert stream(ask(model)).status == 502


@pytest.mark.parametrize("surface", ["/v1/chat", OPENAI])
def test_an_unregistered_provider_is_404_in_a_stream_too(
    monkeypatch: pytest.MonkeyPatch, surface: str
) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "")

    assert stream(ask("kimi/k3"), surface).status == 404


def cut(lines: list[bytes]) -> Any:
    """A stream that is cut off after these lines, in the middle of a chunk."""
    body = b"".join(lines)
    names = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
    return then_close(raw(head(200, names) + b"%x\r\n%s\r\n5\r\nda" % (len(body), body)))


DEATHS: dict[str, tuple[Any, Any]] = {
    "cut off": (cut(answers.ollama_lines("Hello")[:1]), cut(answers.openai_chunks("Hello")[:2])),
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


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("model", ["llama3.2", "kimi/k3"])
@pytest.mark.parametrize("surface", ["/v1/chat", OPENAI])
def test_a_stream_that_dies_says_so_and_never_looks_whole(
    provider: Upstream, model: str, death: str, surface: str
) -> None:
    provider.script = DEATHS[death][model == "kimi/k3"]

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


def test_a_dead_stream_is_told_of_as_an_error(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    provider.script = cut(answers.ollama_lines("Hello")[:1])
    stream(ask("m"))

    (line,) = emitted().log
    assert line["error.type"] == "upstream_error"


def test_a_stream_is_told_of_when_its_last_byte_is_gone(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    stream(ask("m"))

    told = emitted()
    (blob,), (line,) = told.metrics, told.log
    assert (blob["InputTokens"], blob["OutputTokens"]) == (11, 7)
    assert line["gen_ai.response.finish_reasons"] == ["stop"]
    assert line["chatd.first_event_ms"] <= line["chatd.upstream_ms"]


class Steps:
    """A sink that lets a test see each piece as it comes."""

    def __init__(self) -> None:
        self.status = 0
        self.pieces: list[bytes] = []
        self.arrived = threading.Semaphore(0)

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status

    def write(self, data: bytes) -> None:
        self.pieces.append(data)
        self.arrived.release()


def live_of(body: dict[str, Any], path: str = OPENAI) -> Any:
    event = http_event("POST", path, json.dumps({**body, "stream": True}))
    return chat.app.lambda_handler(event, LambdaContext())


def poured(body: dict[str, Any], sink: Any) -> threading.Thread:
    thread = threading.Thread(target=live_of(body).write_to, args=(sink,))
    thread.start()
    return thread


def test_a_piece_is_sent_before_the_provider_has_made_the_next(provider: Upstream) -> None:
    sink = Steps()
    lines = answers.ollama_lines("one", "two", "three")

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}))
        for line in lines:
            connection.sendall(line)
            if b'"done": false' in line:
                assert sink.arrived.acquire(timeout=10)
        connection.shutdown(socket.SHUT_WR)

    provider.script = script
    thread = poured(ask("m"), sink)
    thread.join(30)

    assert not thread.is_alive()
    assert sink.pieces[-1] == b"data: [DONE]\n\n"


def test_silence_commits_the_answer_and_is_broken_by_comments(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming.HeartbeatSink.__init__, "__defaults__", (0.05,))
    sink = Steps()
    lines = answers.ollama_lines("Hello")

    def script(connection: socket.socket, received: Received) -> None:
        for _ in range(3):
            assert sink.arrived.acquire(timeout=10)
        chunked(lines)(connection, received)

    provider.script = script
    poured(ask("m"), sink).join(30)

    assert sink.status == 200
    assert sink.pieces[:3] == [b": keep-alive\n\n"] * 3
    assert sink.pieces[-1] == b"data: [DONE]\n\n"


def test_what_fails_after_the_commit_fails_inside_the_stream(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming.HeartbeatSink.__init__, "__defaults__", (0.05,))
    sink = Steps()

    def script(connection: socket.socket, received: Received) -> None:
        assert sink.arrived.acquire(timeout=10)
        reply({"error": "boom"}, 500)(connection, received)

    provider.script = script
    poured(ask("m"), sink).join(30)

    assert sink.status == 200
    assert json.loads(sink.pieces[-1].removeprefix(b"data: "))["error"]["upstream_status"] == 500


class Gone(Steps):
    """A caller that hangs up after the first piece."""

    def write(self, data: bytes) -> None:
        super().write(data)
        raise CallerGoneError


def test_a_caller_that_hangs_up_ends_the_providers_stream(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    closed = threading.Event()

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}) + answers.ollama_lines("Hello")[0])
        if connection.recv(1) == b"":
            closed.set()

    provider.script = script
    poured(ask("m"), Gone()).join(30)

    (line,) = emitted().log
    assert closed.wait(10)
    assert line["error.type"] == "client_closed"
    assert (line["gen_ai.usage.output_tokens"], line["chatd.usage_estimated"]) == (2, True)


def test_a_stream_that_the_next_model_began_is_let_go_of_at_once_too(
    provider: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nt = ["ollama/a", "openrouter/b"]')
    closed = threading.Event()

    def script(connection: socket.socket, received: Received) -> None:
        if received.path == "/api/chat":
            reply({"error": "no credit"}, 402)(connection, received)
            return
        first = b"".join(answers.openai_chunks("Hello")[:2])
        chunk = b"%x\r\n%s\r\n" % (len(first), first)
        connection.sendall(head(200, {"Transfer-Encoding": "chunked"}) + chunk)
        if connection.recv(1) == b"":
            closed.set()

    provider.script = script
    gc.collect()
    gc.disable()  # or it would let go of what nothing else does
    try:
        poured(ask("t"), Gone()).join(30)
        left = [held for held in gc.get_objects() if isinstance(held, Urllib3Stream)]
    finally:
        gc.enable()

    assert closed.wait(10)
    assert left == []


def test_an_abort_ends_a_silent_providers_stream_at_once(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    asked = threading.Event()

    def script(connection: socket.socket, _received: Received) -> None:
        asked.set()
        silent(provider)(connection, _received)

    provider.script = script
    answer = live_of(ask("m"))
    thread = threading.Thread(target=answer.write_to, args=(Steps(),))
    thread.start()
    assert asked.wait(10)
    answer.abort()
    thread.join(10)

    assert not thread.is_alive()
    assert emitted().log[0]["error.type"] == "client_closed"


@pytest.mark.parametrize("limit", ["silence", "first_event"])
def test_a_silent_provider_is_given_up(provider: Upstream, config: Path, limit: str) -> None:
    config.write_text(f"[providers.ollama.timeouts]\n{limit} = 0.2\ntotal = 60")
    provider.script = silent(provider)
    started = time.monotonic()

    assert stream(ask("m")).status == 504
    assert time.monotonic() - started < 20  # far from any other limit


def test_a_stall_past_the_gap_limit_is_a_death(provider: Upstream, config: Path) -> None:
    config.write_text("[providers.ollama.timeouts]\ngap = 0.2")
    lines = answers.ollama_lines("Hello")

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}) + lines[0])
        provider.going.wait()

    provider.script = script

    *_, last = stream(ask("m")).json
    assert last["error"]["code"] == "upstream_timeout"


def test_bytes_without_an_event_do_not_outlast_the_first_events_limit(
    provider: Upstream, config: Path
) -> None:
    config.write_text("[providers.kimi.timeouts]\nsilence = 5\nfirst_event = 0.4")

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}))
        while not provider.going.wait(0.02):
            connection.sendall(b": PROCESSING\n\n")

    provider.script = script

    assert stream(ask("kimi/k3"), OPENAI).status == 504


def test_sam_local_gets_the_stream_whole(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")

    result = live_of(ask("m"))

    assert result["statusCode"] == 200
    assert result["body"].endswith("data: [DONE]\n\n")


def test_a_direct_invocation_is_never_streamed(provider: Upstream) -> None:
    answer = chat.app.lambda_handler({**ask("m"), "stream": True}, LambdaContext())

    assert answer["content"] == "Hello!"


def test_a_gzipped_stream_is_unpacked_as_it_comes(provider: Upstream) -> None:
    sink = Steps()
    packer = zlib.compressobj(wbits=31)
    lines = answers.ollama_lines("one", "two")

    def script(connection: socket.socket, _received: Received) -> None:
        names = {"Content-Encoding": "gzip", "Connection": "close"}
        connection.sendall(head(200, names))
        for line in lines:
            packed = packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH)
            connection.sendall(packed)
            if b'"done": false' in line:
                assert sink.arrived.acquire(timeout=10)
        connection.sendall(packer.flush())
        connection.shutdown(socket.SHUT_WR)

    provider.script = script
    poured(ask("m"), sink).join(30)

    assert b"two" in b"".join(sink.pieces)
    assert sink.pieces[-1] == b"data: [DONE]\n\n"


class GoneInSilence(Steps):
    """A caller that hangs up while the provider is silent."""

    def write(self, data: bytes) -> None:
        raise CallerGoneError


def test_the_comment_that_finds_the_caller_gone_ends_the_providers_stream(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch, emitted: Callable[[], Emitted]
) -> None:
    monkeypatch.setattr(streaming.HeartbeatSink.__init__, "__defaults__", (0.05,))
    provider.script = silent(provider)
    thread = poured(ask("m"), GoneInSilence())
    thread.join(10)

    assert not thread.is_alive()
    assert emitted().log[0]["error.type"] == "client_closed"


def test_a_fault_of_our_own_in_a_stream_is_500_and_its_words_go_nowhere(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch, emitted: Callable[[], Emitted]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("the prompt")

    monkeypatch.setattr(chat.app.compose().gateway, "begin", broken)

    streamed = stream(ask("m"))

    assert (streamed.status, json.loads(streamed.body)["error"]["code"]) == (500, "internal_error")
    assert "the prompt" not in emitted().text + streamed.body.decode()


@pytest.mark.parametrize("model", ["llama3.2", "kimi/k3"])
def test_a_line_without_end_is_given_up(provider: Upstream, model: str) -> None:
    provider.script = chunked([b"data: " + b"x" * (9 * 1024 * 1024)])

    assert stream(ask(model)).status == 502


def test_thinking_is_streamed_apart(provider: Upstream) -> None:
    lines = [
        {"message": {"content": "", "thinking": "Hm."}, "done": False},
        {"message": {"content": "4"}, "done": False},
        {"message": {"content": ""}, "done": True, "done_reason": "stop"},
    ]
    provider.script = chunked([answers.json_line(line) for line in lines])

    thinking, content, _ = stream(ask("m")).json
    deltas = [chunk["choices"][0]["delta"] for chunk in stream(ask("m"), OPENAI).json]

    assert (thinking, content) == ({"thinking": "Hm."}, {"content": "4"})
    assert deltas[0]["reasoning_content"] == "Hm."


def test_a_streamed_budget_spent_on_thinking_is_explained(provider: Upstream) -> None:
    lines = [
        {"message": {"content": "", "thinking": "Hm, "}, "done": False},
        {"message": {"content": ""}, "done": True, "done_reason": "length"},
    ]
    provider.script = chunked([answers.json_line(line) for line in lines])

    *_, last = stream(ask("m")).json
    assert "spent its whole budget" in last["warning"]
