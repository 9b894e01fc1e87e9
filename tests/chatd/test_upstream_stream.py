"""A plain caller's provider is asked to stream too, so that silence is told from slowness."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatd.answer import Delta, Event, Finish, ToolCallDelta, collected
from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import (
    Received,
    Script,
    Upstream,
    chunked,
    head,
    raw,
    reply,
    silent,
    trickling,
)

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

OPENAI = "/v1/chat/completions"
MODELS = ["llama3.2", "ollama_cloud/gpt-oss", "openrouter/v/m", "opencode/grok", "kimi/k3"]
each_model = pytest.mark.parametrize("model", MODELS)
each_surface = pytest.mark.parametrize("path", ["/v1/chat", OPENAI])
pytestmark = pytest.mark.usefixtures("provider", "keys")


@each_model
@each_surface
def test_the_provider_streams_and_the_caller_gets_it_whole(
    model: str, path: str, provider: Upstream
) -> None:
    result = post(ask(model), path)

    said = result.json["choices"][0]["message"] if path == OPENAI else result.json
    assert (result.status, said["content"]) == (200, "Hello!")
    assert provider.last.json["stream"] is True


@each_model
def test_a_row_can_switch_that_off(model: str, provider: Upstream, config: Path) -> None:
    name = model.partition("/")[0] if "/" in model else "ollama"
    config.write_text(f"[providers.{name}]\nupstream_stream = false")

    whole, streamed = post(ask(model)), stream(ask(model))

    assert whole.json["content"] == "Hello!"
    assert [event.get("content") for event in streamed.json] == ["Hello!", None]
    assert not any(received.json.get("stream") for received in provider.received)


def test_a_plain_callers_silent_provider_is_given_up_after_the_silence_limit(
    provider: Upstream, config: Path
) -> None:
    config.write_text("[providers.ollama.timeouts]\nsilence = 0.2")
    provider.script = silent(provider)
    started = time.monotonic()

    result = post(ask("m"))

    assert (result.status, result.json["error"]["code"]) == (504, "upstream_timeout")
    assert time.monotonic() - started < 10


def test_the_log_of_a_plain_chat_tells_when_the_first_event_came(
    emitted: Callable[[], Emitted],
) -> None:
    post(ask("m"))

    (line,) = emitted().log
    assert line["chatd.first_event_ms"] <= line["chatd.upstream_ms"]


def hanging(provider: Upstream, *pieces: bytes) -> Script:
    """A stream that says all this, and then neither ends nor says more."""

    def script(connection: socket.socket, received: Received) -> None:
        whole = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        raw(head + whole)(connection, received)
        provider.going.wait(60)

    return script


FINISHED = answers.openai_chunks("Hello", "!", done=False)


@each_surface
def test_a_stream_with_its_finish_reason_is_whole_though_nothing_follows(
    path: str, provider: Upstream
) -> None:
    provider.script = hanging(provider, *FINISHED[:-1])
    started = time.monotonic()

    result = post(ask("openrouter/v/m"), path)

    assert result.status == 200
    assert time.monotonic() - started < 10  # and not the 30 s of the gap


def test_usage_that_came_before_the_silence_counts(provider: Upstream) -> None:
    provider.script = hanging(provider, *FINISHED)

    *_, last = stream(ask("openrouter/v/m")).json

    assert (last["input_tokens"], last["output_tokens"]) == (11, 7)
    assert "usage_estimated" not in last


def test_usage_that_nobody_gave_is_estimated_and_says_so(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    provider.script = chunked([*FINISHED[:-1], b"data: [DONE]\n\n"])

    whole = post(ask("openrouter/v/m", "x" * 40), OPENAI).json["usage"]
    *_, last = stream(ask("openrouter/v/m", "x" * 40)).json

    counts = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12, "estimated": True}
    assert whole == counts
    assert (last["input_tokens"], last["output_tokens"], last["usage_estimated"]) == (10, 2, True)
    assert all(line["chatd.usage_estimated"] for line in emitted().log)


def test_a_kept_connection_that_hangs_after_done_does_not_hold_the_answer(
    provider: Upstream,
) -> None:
    provider.script = hanging(provider, *answers.openai_chunks("Hello", "!"))
    started = time.monotonic()

    assert post(ask("openrouter/v/m")).status == 200
    assert time.monotonic() - started < 10


def test_signs_of_life_after_done_do_not_hold_the_answer(provider: Upstream) -> None:
    done = b"".join(answers.openai_chunks("Hello", "!"))
    content = [head(200, {"Connection": "close"}) + done, *[b": PROCESSING\n\n"] * 1000]
    provider.script = trickling(provider, content, every=0.05)
    started = time.monotonic()

    assert post(ask("openrouter/v/m")).status == 200
    assert time.monotonic() - started < 10


NOTHING: dict[str, list[dict[str, Any]]] = {
    "no choices": [{"choices": []}],
    "null choices": [{"choices": None}],
    "a role alone": [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}],
    "thinking alone": [{"choices": [{"index": 0, "delta": {"reasoning": "Hm"}}]}],
}


@pytest.mark.parametrize("nothing", NOTHING)
def test_a_stream_that_holds_no_answer_is_an_error(nothing: str, provider: Upstream) -> None:
    provider.script = chunked([*map(answers.sse, NOTHING[nothing]), b"data: [DONE]\n\n"])

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


def test_a_provider_that_does_not_say_json_and_does_not_stream_is_understood(
    provider: Upstream,
) -> None:
    provider.script = reply({"error": {"message": "no credit", "code": 402}})

    result = post(ask("openrouter/v/m"))

    assert (result.status, result.json["error"]["code"]) == (429, "insufficient_quota")
    assert "no credit" in result.json["error"]["message"]


def test_a_usage_frame_that_mentions_a_finished_choice_does_not_open_it_again(
    provider: Upstream,
) -> None:
    empty = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    frame = {"choices": [empty], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    provider.script = chunked([*FINISHED[:-1], answers.sse(frame), b"data: [DONE]\n\n"])

    result = post(ask("openrouter/v/m"))

    assert (result.status, result.json["output_tokens"]) == (200, 4)


def test_pieces_of_everything_are_put_together() -> None:
    events: list[Event] = [
        Delta(thinking="H", extra={"reasoning_details": [{"text": "H"}]}),
        Delta(thinking="m", extra={"reasoning_details": [{"text": "m"}], "refusal": None}),
        Delta(content="a", logprobs={"content": [1], "refusal": None}),
        Delta(content="b", logprobs={"content": [2]}),
        Delta(tool_calls=(ToolCallDelta(0, "c0", "f", "{"), ToolCallDelta(1, "c1", "g", ""))),
        Delta(tool_calls=(ToolCallDelta(0, None, None, "}"),)),
        Delta(index=1, content="other", extra={"refusal": "no"}),
        Delta(index=1, extra={"refusal": " way", "score": 1}),
        Finish(1, "length"),
        Finish(0, "tool_calls"),
    ]

    first, second = collected(iter(events)).choices

    assert (first.content, first.thinking, first.finish_reason) == ("ab", "Hm", "tool_calls")
    assert [(c.id, c.name, c.arguments) for c in first.tool_calls] == [
        ("c0", "f", "{}"),
        ("c1", "g", "{}"),
    ]
    assert first.logprobs == {"content": [1, 2], "refusal": None}
    assert first.extra == {"reasoning_details": [{"text": "H"}, {"text": "m"}], "refusal": None}
    assert (second.content, second.extra) == ("other", {"refusal": "no way", "score": 1})
