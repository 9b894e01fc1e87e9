"""The next model of a tier continues a stream that breaks after its first event."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import Received, Script, Upstream, chunked, reply, then_close, upstream

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


OPENAI = "/v1/chat/completions"
each_surface = pytest.mark.parametrize("path", ["/v1/chat", OPENAI])
WORDS = ("The ", "sky ", "is ", "blue", ".")
WHOLE = "".join(WORDS)
RESCUED = {"from": ["openrouter/a"], "by": "made_up/b"}


@dataclass(slots=True)
class Second:
    """The second model of the tier, its answers and its requests."""

    server: Upstream
    script_for: Callable[[dict[str, Any]], Script]
    requested: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def second(provider: Upstream, keys: str, config: Path) -> Iterator[Second]:
    """Yield the second model of a tier; the first, of OpenRouter, breaks off after two words."""

    def respond(connection: socket.socket, received: Received) -> None:
        model.requested.append(received.json)
        model.script_for(received.json)(connection, received)

    with upstream(respond) as server:
        model = Second(server, lambda _body: chunked(answers.openai_chunks(*WORDS)))
        provider.script = broken_off(answers.openai_chunks(*WORDS)[:3])
        config.write_text(tier(server))
        yield model


def tier(server: Upstream, *, more: str = "", second: str = "made_up/b") -> str:
    return f"""
[tiers]
t = ["openrouter/a", "{second}"]
[providers.made_up]
dialect = "openai_chat"
base_url = "{server.url}/v1"
{more}
"""


def broken_off(pieces: list[bytes]) -> Script:
    """Send these pieces, then close the stream without an end."""

    def script(connection: socket.socket, received: Received) -> None:
        whole = bytearray()
        keep = chunked(pieces)
        first, other = socket.socketpair()
        with first, other:
            keep(first, received)
            first.shutdown(socket.SHUT_WR)
            while piece := other.recv(65536):
                whole += piece
        connection.sendall(bytes(whole).removesuffix(b"0\r\n\r\n"))
        connection.shutdown(socket.SHUT_RDWR)

    return script


def text_of(path: str, **body: Any) -> tuple[str, dict[str, Any]]:
    """Return the text that a streaming caller gets, and the last event."""
    events = stream(ask("t", **body), path).json
    if path == OPENAI:
        text = "".join(
            choice["delta"].get("content") or ""
            for event in events
            for choice in event.get("choices", ())
        )
    else:
        text = "".join(event.get("content", "") for event in events)
    return text, events[-1]


@each_surface
def test_a_broken_answer_is_requested_again_and_its_repetition_is_held_back(
    path: str, second: Second
) -> None:
    text, last = text_of(path)

    assert text == WHOLE
    assert last["rescued"] == RESCUED
    assert second.requested[0]["messages"] == [{"role": "user", "content": "Say hello."}]


@each_surface
def test_a_caller_that_does_not_stream_gets_the_failover(path: str, second: Second) -> None:
    result = post(ask("t"), path)

    content = result.json["choices"][0]["message"] if path == OPENAI else result.json
    assert (result.status, content["content"], result.json["rescued"]) == (200, WHOLE, RESCUED)
    assert result.headers["x-chatd-attempts"] == "openrouter: upstream_error, made_up: ok"


@pytest.mark.parametrize("cut", range(1, len(WHOLE)))
def test_the_first_text_may_end_inside_a_delta_of_the_second(cut: int, second: Second) -> None:
    second.script_for = lambda _body: chunked(answers.openai_chunks(WHOLE[:cut], WHOLE[cut:]))

    assert text_of("/v1/chat")[0] == WHOLE


@each_surface
def test_a_model_with_prefill_continues_the_broken_answer(
    path: str, second: Second, config: Path
) -> None:
    config.write_text(tier(second.server, more="prefill = true"))
    second.script_for = lambda _body: chunked(answers.openai_chunks("is ", "green."))

    text, last = text_of(path, max_tokens=50)

    assert (text, last["rescued"]) == ("The sky is green.", RESCUED)
    assert second.requested[0]["messages"][-1] == {"role": "assistant", "content": "The sky "}
    assert second.requested[0]["max_tokens"] == 48  # eight characters are about two tokens


def test_ollama_takes_a_prefill_by_default(provider: Upstream, keys: str, config: Path) -> None:
    config.write_text('[tiers]\nt = ["openrouter/a", "ollama/b"]')

    def respond(connection: socket.socket, received: Received) -> None:
        if received.path == "/api/chat":
            chunked(answers.ollama_lines("is blue."))(connection, received)
        else:
            broken_off(answers.openai_chunks(*WORDS)[:3])(connection, received)

    provider.script = respond

    assert text_of("/v1/chat")[0] == WHOLE
    assert provider.last.json["messages"][-1] == {"role": "assistant", "content": "The sky "}


@pytest.mark.parametrize("status", [400, 404, 422, 500])
def test_a_refused_prefill_is_not_reported_to_the_caller(
    status: int, second: Second, config: Path
) -> None:
    config.write_text(tier(second.server, more="prefill = true"))
    second.script_for = lambda body: (
        reply({"error": {"message": "no prefill here"}}, status)
        if body["messages"][-1]["role"] == "assistant"
        else chunked(answers.openai_chunks(*WORDS))
    )

    text, last = text_of("/v1/chat")

    assert "no prefill" not in json.dumps(last)
    if status in {400, 422}:
        assert (text, last["rescued"]) == (WHOLE, RESCUED)
    else:
        assert (text, last["error"]["provider"]) == ("The sky ", "openrouter")


@pytest.mark.parametrize("more", [{"format": "json"}, {"format": {"type": "object"}}])
def test_an_answer_with_a_format_is_requested_again_without_prefill(
    more: dict[str, Any], second: Second, config: Path
) -> None:
    config.write_text(tier(second.server, more="prefill = true"))

    assert text_of("/v1/chat", **more)[0] == WHOLE
    assert second.requested[0]["messages"][-1]["role"] == "user"


@each_surface
def test_a_diverged_repetition_is_an_error_event_without_an_end_mark(
    path: str, second: Second
) -> None:
    second.script_for = lambda _body: chunked(answers.openai_chunks("The ", "sea ", "is blue."))

    text, last = text_of(path)

    assert text == "The sky "
    assert last["error"]["code"] == "upstream_stream_error"
    assert "openrouter/a broke off" in last["error"]["message"]


@each_surface
def test_a_caller_that_does_not_stream_gets_a_diverged_answer(path: str, second: Second) -> None:
    second.script_for = lambda _body: chunked(answers.openai_chunks("The ", "sea ", "is blue."))

    result = post(ask("t"), path)

    content = result.json["choices"][0]["message"] if path == OPENAI else result.json
    assert (content["content"], result.json["rescued"]) == ("The sea is blue.", RESCUED)


def test_a_broken_tool_call_is_requested_again_for_a_caller_that_does_not_stream(
    provider: Upstream, second: Second
) -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}}
    provider.script = broken_off(
        [answers.sse({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})]
    )
    whole = {**call, "function": {"name": "f", "arguments": "{}"}}
    end = {"delta": {"tool_calls": [whole]}, "finish_reason": "tool_calls"}
    second.script_for = lambda _body: chunked([answers.sse({"choices": [end]})])

    result = post(ask("t", tools=[{"type": "function", "function": {"name": "f"}}]), OPENAI)

    (made,) = result.json["choices"][0]["message"]["tool_calls"]
    assert made["function"] == {"name": "f", "arguments": "{}"}


def test_a_repetition_that_ends_early_is_a_divergence(second: Second) -> None:
    second.script_for = lambda _body: chunked(answers.openai_chunks("The "))

    text, last = text_of("/v1/chat")

    assert (text, last["error"]["code"]) == ("The sky ", "upstream_stream_error")


def test_a_broken_stream_without_a_fallback_is_an_error(second: Second) -> None:
    events = stream(ask("openrouter/a"), "/v1/chat").json

    assert events[-1]["error"]["code"] == "upstream_stream_error"
    assert second.requested == []


def test_a_stream_with_a_tool_call_is_never_joined(provider: Upstream, second: Second) -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}}
    piece = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
    provider.script = broken_off([answers.sse(piece)])

    events = stream(ask("t", tools=[{"type": "function", "function": {"name": "f"}}]), OPENAI).json

    assert "error" in events[-1]
    assert second.requested == []


_CALL = {
    "index": 0,
    "id": "c",
    "type": "function",
    "function": {"name": "f", "arguments": "{}"},
}
_CALLED = answers.sse({"choices": [{"index": 0, "delta": {"tool_calls": [_CALL]}}]})
_WITH_TOOL = ask("t", tools=[{"type": "function", "function": {"name": "f"}}])


def test_a_tool_call_that_follows_the_repeated_text_is_joined(second: Second) -> None:
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    text = answers.openai_chunks("The ", "sky ", reason=None, done=False)
    second.script_for = lambda _body: chunked([*text, _CALLED, answers.sse(end)])

    events = stream(_WITH_TOOL, OPENAI).json

    deltas = [event["choices"][0]["delta"] for event in events if event.get("choices")]
    assert "".join(delta.get("content") or "" for delta in deltas) == "The sky "
    assert [delta["tool_calls"] for delta in deltas if "tool_calls" in delta] == [[_CALL]]
    assert events[-1]["rescued"] == RESCUED


def test_a_tool_call_in_place_of_the_repeated_text_is_not_joined(second: Second) -> None:
    text = answers.openai_chunks("The ", reason=None, done=False)
    second.script_for = lambda _body: chunked([*text, _CALLED])

    events = stream(_WITH_TOOL, OPENAI).json

    assert events[-1]["error"]["code"] == "upstream_stream_error"
    assert not any("tool_calls" in str(event) for event in events)


def test_thinking_that_was_sent_is_not_sent_twice(provider: Upstream, second: Second) -> None:
    def thinking_chunk(thought: str) -> bytes:
        return answers.sse({"choices": [{"index": 0, "delta": {"reasoning": thought}}]})

    provider.script = broken_off([thinking_chunk("Hm, the"), thinking_chunk(" sky")])
    second.script_for = lambda _body: chunked(
        [thinking_chunk("Well…"), *answers.openai_chunks(*WORDS)]
    )

    events = stream(ask("t", think=True), "/v1/chat").json

    assert [event["thinking"] for event in events if "thinking" in event] == ["Hm, the", " sky"]
    assert "".join(event.get("content", "") for event in events) == WHOLE
    assert events[-1]["rescued"] == RESCUED


def test_the_second_model_may_break_off_too(second: Second, config: Path) -> None:
    config.write_text(tier(second.server).replace('"made_up/b"]', '"made_up/b", "made_up/c"]'))
    second.script_for = lambda body: (
        broken_off(answers.openai_chunks(*WORDS)[:4])
        if body["model"] == "b"
        else chunked(answers.openai_chunks(*WORDS))
    )

    text, last = text_of("/v1/chat")

    assert text == WHOLE
    assert last["rescued"] == {"from": ["openrouter/a", "made_up/b"], "by": "made_up/c"}


def test_the_log_names_both_models_and_counts_the_tokens_of_both(
    second: Second, emitted: Callable[[], Emitted]
) -> None:
    *_, last = stream(ask("t"), "/v1/chat").json

    output = emitted()
    line = output.log[-1]
    assert line["chatd.rescued"] == ["openrouter/a"]
    assert line["chatd.attempts"] == "openrouter: upstream_error, made_up: ok"
    assert line["chatd.usage_estimated"] is True
    assert last["usage_estimated"] is True
    assert last["output_tokens"] == 7 + 2  # the provider's count, and two for eight characters
    assert line["gen_ai.usage.output_tokens"] == 9
    counts = {
        blob["Provider"]: blob["OutputTokens"] for blob in output.metrics if "Requests" in blob
    }
    assert counts == {"openrouter": 2, "made_up": 7}


def test_an_estimated_usage_is_marked_on_openais_surface(second: Second) -> None:
    _, last = text_of(OPENAI, stream_options={"include_usage": True})

    assert last["usage"]["estimated"] is True
    assert last["rescued"] == RESCUED


@pytest.mark.parametrize("end", [b"", b"data: {oops\n\n", b"<html>"])
def test_a_malformed_event_breaks_the_stream_and_is_not_skipped(
    end: bytes, provider: Upstream, second: Second
) -> None:
    provider.script = then_close(chunked([*answers.openai_chunks(*WORDS)[:3], end or b"\n"]))

    assert text_of("/v1/chat")[0] == WHOLE
