"""The provider streams for a streaming caller, or if the tier has a fallback."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatd.resilience.circuit_breaker import FAILURES
from tests.support import answers
from tests.support.functions import HttpResult, ask, post, stream
from tests.support.upstream import (
    Received,
    Script,
    Upstream,
    chunked,
    head,
    raw,
    reply,
    silent,
    then_close,
    trickling,
)

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


OPENAI = "/v1/chat/completions"
MODELS = ["llama3.2", "ollama_cloud/gpt-oss", "openrouter/v/m", "opencode/grok", "kimi/k3"]
each_model = pytest.mark.parametrize("model", MODELS)
each_surface = pytest.mark.parametrize("path", ["/v1/chat", OPENAI])
pytestmark = pytest.mark.usefixtures("provider", "keys")


@pytest.fixture
def always_streaming(config: Path) -> Path:
    """Write a chatd.toml in which every provider streams for every caller."""
    rows = ("ollama", "ollama_cloud", "openrouter", "opencode", "kimi")
    config.write_text("".join(f"[providers.{row}]\nupstream_stream = true\n" for row in rows))
    return config


def content_of(result: HttpResult, path: str) -> Any:
    if path == OPENAI:
        return result.json["choices"][0]["message"]["content"]
    return result.json["content"]


@each_model
@each_surface
def test_a_caller_that_does_not_stream_gets_a_whole_answer_of_the_provider(
    model: str, path: str, provider: Upstream
) -> None:
    result = post(ask(model), path)

    assert (result.status, content_of(result, path)) == (200, "Hello!")
    assert not provider.last.json.get("stream")


@each_model
def test_a_streaming_caller_gets_a_stream_of_the_provider(model: str, provider: Upstream) -> None:
    assert [event.get("content") for event in stream(ask(model)).json] == ["Hello", "!", None]
    assert provider.last.json["stream"] is True


@each_model
@each_surface
@pytest.mark.usefixtures("always_streaming")
def test_upstream_stream_makes_the_provider_stream_for_every_caller(
    model: str, path: str, provider: Upstream
) -> None:
    result = post(ask(model), path)

    assert (result.status, content_of(result, path)) == (200, "Hello!")
    assert provider.last.json["stream"] is True


@each_model
def test_upstream_stream_false_requests_whole_answers(
    model: str, provider: Upstream, config: Path
) -> None:
    name = model.partition("/")[0] if "/" in model else "ollama"
    config.write_text(f"[providers.{name}]\nupstream_stream = false")

    whole, streamed = post(ask(model)), stream(ask(model))

    assert whole.json["content"] == "Hello!"
    assert [event.get("content") for event in streamed.json] == ["Hello!", None]
    assert not any(received.json.get("stream") for received in provider.received)


TIER = '[tiers]\nfast = ["ollama/a", "openrouter/v/b"]\n'


def failing(*failures: Script, after: Script) -> Script:
    """Run each of these scripts once, then `after` for each further request."""
    left = list(failures)

    def script(connection: socket.socket, received: Received) -> None:
        (left.pop(0) if left else after)(connection, received)

    return script


def test_the_provider_streams_if_the_tier_has_a_fallback(provider: Upstream, config: Path) -> None:
    config.write_text(TIER)
    provider.script = failing(reply({"error": "broke"}, 402), after=provider.script)

    result = post(ask("fast"))

    assert result.json["content"] == "Hello!"
    first, last = (received.json for received in provider.received)
    assert (first["model"], first["stream"]) == ("a", True)
    assert (last["model"], last.get("stream")) == ("v/b", None)


UNUSABLE: dict[str, Script] = {
    "an empty stream": chunked([]),
    "an end without an answer": chunked([b"data: [DONE]\n\n"]),
    "no events": reply(b"Hello!", headers={"Content-Type": "text/event-stream"}),
    "a connection that is lost": then_close(raw(head(200, {"Content-Length": "100"}))),
}


@pytest.mark.parametrize("unusable", UNUSABLE)
@pytest.mark.parametrize("live", [False, True])
def test_an_unusable_stream_is_replaced_by_a_whole_answer(
    unusable: str, live: bool, provider: Upstream, config: Path
) -> None:
    config.write_text(TIER.replace('"ollama/a", ', '"openrouter/v/a", '))
    provider.script = failing(UNUSABLE[unusable], after=provider.script)

    if live:
        text = "".join(event.get("content", "") for event in stream(ask("fast")).json)
    else:
        text = post(ask("fast")).json["content"]

    assert text == "Hello!"
    requested = [
        (received.json["model"], bool(received.json.get("stream")))
        for received in provider.received
    ]
    assert requested == [("v/a", True), ("v/a", False)]


def test_unusable_streams_do_not_open_the_circuit_of_a_provider_that_answers(
    provider: Upstream, config: Path
) -> None:
    config.write_text(TIER)
    working = provider.script
    for number in range(FAILURES + 3):
        provider.script = failing(chunked([]), after=working)
        result = post(ask("fast", f"text {number}"))

        assert result.headers["x-chatd-attempts"] == "ollama: upstream_error, ollama: ok"


def test_the_error_after_an_empty_stream_is_that_of_the_whole_answer(
    provider: Upstream, config: Path
) -> None:
    config.write_text(TIER)
    error = {"error": {"message": "Requested tokens (900) exceed context window of 512"}}
    provider.script = failing(chunked([]), after=reply(error, 400))

    result = post(ask("fast"))

    # Both models are too small; the first reports it in the whole answer.
    assert (result.status, result.json["error"]["code"]) == (400, "context_length_exceeded")
    assert [received.json["model"] for received in provider.received] == ["a", "a", "v/b"]


def test_a_stream_is_retried_as_a_stream_if_the_row_requires_streams(
    provider: Upstream, config: Path
) -> None:
    config.write_text("[providers.openrouter]\nupstream_stream = true\n")
    provider.script = failing(chunked([]), after=provider.script)

    assert post(ask("openrouter/v/m")).json["content"] == "Hello!"
    assert [received.json.get("stream") for received in provider.received] == [True, True]


@pytest.mark.parametrize("failure", [reply({"error": "no"}, 500), reply({"error": "no"})])
def test_a_stream_that_fails_with_an_error_is_retried_as_a_stream(
    failure: Script, provider: Upstream, config: Path
) -> None:
    config.write_text(TIER)
    provider.script = failing(failure, after=provider.script)

    assert post(ask("fast")).json["content"] == "Hello!"
    assert [received.json.get("stream") for received in provider.received] == [True, True]


@each_surface
@pytest.mark.parametrize("model", ["openrouter/v/m", "llama3.2", "ollama_cloud/m"])
def test_an_unrequested_stream_is_read(model: str, path: str, provider: Upstream) -> None:
    def script(connection: socket.socket, received: Received) -> None:
        chunked(answers.stream_for_path(received.path))(connection, received)

    provider.script = script
    result = post(ask(model), path)

    assert (result.status, content_of(result, path)) == (200, "Hello!")
    assert not provider.last.json.get("stream")


def test_the_silence_limit_holds_for_a_caller_that_does_not_stream(
    provider: Upstream, config: Path
) -> None:
    config.write_text("[providers.ollama]\nupstream_stream = true\ntimeouts = { silence = 0.2 }")
    provider.script = silent(provider)
    started = time.monotonic()

    result = post(ask("m"))

    assert (result.status, result.json["error"]["code"]) == (504, "upstream_timeout")
    assert time.monotonic() - started < 10


@pytest.mark.usefixtures("always_streaming")
def test_the_log_of_a_whole_answer_has_the_time_of_the_first_event(
    emitted: Callable[[], Emitted],
) -> None:
    post(ask("m"))

    (line,) = emitted().log
    assert line["chatd.first_event_ms"] <= line["chatd.upstream_ms"]


def open_after(provider: Upstream, *pieces: bytes) -> Script:
    """Send these pieces, and leave the stream open."""

    def script(connection: socket.socket, received: Received) -> None:
        whole = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        raw(head + whole)(connection, received)
        provider.going.wait(60)

    return script


FINISHED = answers.openai_chunks("Hello", "!", done=False)


@pytest.mark.usefixtures("always_streaming")
@each_surface
def test_a_stream_is_complete_at_its_finish_reason_without_an_end_mark(
    path: str, provider: Upstream
) -> None:
    provider.script = open_after(provider, *FINISHED[:-1])
    started = time.monotonic()

    result = post(ask("openrouter/v/m"), path)

    assert result.status == 200
    assert time.monotonic() - started < 10  # less than the gap limit of 30 s


def test_usage_received_before_a_silence_counts(provider: Upstream) -> None:
    provider.script = open_after(provider, *FINISHED)

    *_, last = stream(ask("openrouter/v/m")).json

    assert (last["input_tokens"], last["output_tokens"]) == (11, 7)
    assert "usage_estimated" not in last


def test_missing_usage_is_estimated_and_marked(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    provider.script = chunked([*FINISHED[:-1], b"data: [DONE]\n\n"])

    whole = post(ask("openrouter/v/m", "x" * 40), OPENAI).json["usage"]
    *_, last = stream(ask("openrouter/v/m", "x" * 40)).json

    counts = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12, "estimated": True}
    assert whole == counts
    assert (last["input_tokens"], last["output_tokens"], last["usage_estimated"]) == (10, 2, True)
    assert all(line["chatd.usage_estimated"] for line in emitted().log)


@pytest.mark.usefixtures("always_streaming")
def test_a_connection_that_stays_open_after_done_does_not_delay_the_answer(
    provider: Upstream,
) -> None:
    provider.script = open_after(provider, *answers.openai_chunks("Hello", "!"))
    started = time.monotonic()

    assert post(ask("openrouter/v/m")).status == 200
    assert time.monotonic() - started < 10


@pytest.mark.usefixtures("always_streaming")
def test_comments_after_done_do_not_delay_the_answer(provider: Upstream) -> None:
    done = b"".join(answers.openai_chunks("Hello", "!"))
    content = [head(200, {"Connection": "close"}) + done, *[b": PROCESSING\n\n"] * 1000]
    provider.script = trickling(provider, content, every=0.05)
    started = time.monotonic()

    assert post(ask("openrouter/v/m")).status == 200
    assert time.monotonic() - started < 10


EMPTY: dict[str, list[dict[str, Any]]] = {
    "no choices": [{"choices": []}],
    "null choices": [{"choices": None}],
    "a role alone": [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}],
    "thinking alone": [{"choices": [{"index": 0, "delta": {"reasoning": "Hm"}}]}],
}


@pytest.mark.parametrize("empty", EMPTY)
def test_a_stream_without_content_is_an_error(empty: str, provider: Upstream) -> None:
    provider.script = chunked([*map(answers.sse, EMPTY[empty]), b"data: [DONE]\n\n"])

    assert post(ask("openrouter/v/m")).status == 502
    assert stream(ask("openrouter/v/m")).body.startswith((b'{"error"', b'data: {"thinking"'))


@each_model
@pytest.mark.parametrize("streamed", [False, True])
def test_html_from_a_proxy_under_200_is_an_error(
    model: str, streamed: bool, provider: Upstream
) -> None:
    provider.script = reply(b"<html>Sign in</html>", headers={"Content-Type": "text/html"})

    status = stream(ask(model)).status if streamed else post(ask(model)).status

    assert status == 502


def test_an_error_body_with_status_200_is_read_as_an_error(
    provider: Upstream,
) -> None:
    provider.script = reply({"error": {"message": "no credit", "code": 402}})

    result = post(ask("openrouter/v/m"))

    assert (result.status, result.json["error"]["code"]) == (429, "insufficient_quota")
    assert "no credit" in result.json["error"]["message"]


def test_a_usage_chunk_with_a_finished_choice_does_not_reopen_the_choice(
    provider: Upstream,
) -> None:
    empty = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    frame = {"choices": [empty], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    provider.script = chunked([*FINISHED[:-1], answers.sse(frame), b"data: [DONE]\n\n"])

    result = post(ask("openrouter/v/m"))

    assert (result.status, result.json["output_tokens"]) == (200, 4)
