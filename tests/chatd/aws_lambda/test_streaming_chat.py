"""A stream has the format of its surface, from each dialect of a provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

import chat.app
from tests.support import answers
from tests.support.chat_streams import OPENAI, each_model, streaming_response, text_of
from tests.support.functions import LambdaContext, ask, stream
from tests.support.upstream import Upstream, chunked, reply

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


pytestmark = pytest.mark.usefixtures("provider", "keys")


@each_model
def test_a_native_stream_has_content_events_and_a_last_event_with_totals(model: str) -> None:
    streamed = stream(ask(model))

    *pieces, last = streamed.json
    assert streamed.status == 200
    assert streamed.headers["content-type"] == "text/event-stream"
    assert pieces == [{"content": "Hello"}, {"content": "!"}]
    assert (last["done"], last["finish_reason"]) == (True, "stop")
    assert (last["input_tokens"], last["output_tokens"]) == (11, 7)


@each_model
def test_an_openai_stream_has_role_deltas_finish_reason_and_done(model: str) -> None:
    streamed = stream(ask(model), OPENAI)

    first, *_, last = streamed.json
    assert first["choices"][0]["delta"]["role"] == "assistant"
    assert text_of(streamed) == "Hello!"
    assert last["choices"][0]["finish_reason"] == "stop"
    assert streamed.data[-1] == "[DONE]"
    assert all("usage" not in chunk for chunk in streamed.json)


@each_model
def test_usage_has_its_own_chunk_if_include_usage_is_set(model: str) -> None:
    streamed = stream(ask(model, stream_options={"include_usage": True}), OPENAI)

    *others, last = streamed.json
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    assert all(chunk.get("usage") is None for chunk in others)


def test_every_chunk_has_the_same_id(provider: Upstream) -> None:
    assert len({chunk["id"] for chunk in stream(ask("m"), OPENAI).json}) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("model", ["llama3.2", "kimi/k3"])
def test_the_sizes_of_network_reads_do_not_change_a_stream(
    provider: Upstream, model: str, size: int
) -> None:
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
def test_comments_and_keep_alives_of_the_provider_are_dropped(
    provider: Upstream, noise: bytes
) -> None:
    chunks = answers.openai_chunks("Hello")
    provider.script = chunked([noise, *(piece + noise for piece in chunks[:-1]), chunks[-1]])

    streamed = stream(ask("kimi/k3"), OPENAI)

    assert text_of(streamed) == "Hello"
    assert b"PROCESSING" not in streamed.body


def test_lines_may_end_with_crlf(provider: Upstream) -> None:
    provider.script = chunked(
        [piece.replace(b"\n", b"\r\n") for piece in answers.openai_chunks("Hello")]
    )

    assert text_of(stream(ask("kimi/k3"), OPENAI)) == "Hello"


def test_a_stream_with_a_finish_reason_needs_no_done(provider: Upstream) -> None:
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


def test_a_whole_answer_of_the_provider_is_streamed_in_one_piece(provider: Upstream) -> None:
    provider.script = reply(
        answers.openai_chat("Hello!"), headers={"Content-Type": "application/json"}
    )

    streamed = stream(ask("kimi/k3"), OPENAI)

    assert (text_of(streamed), streamed.data[-1]) == ("Hello!", "[DONE]")


def test_thinking_is_streamed_in_its_own_field(provider: Upstream) -> None:
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


def test_a_token_budget_spent_on_thinking_adds_a_warning(provider: Upstream) -> None:
    lines = [
        {"message": {"content": "", "thinking": "Hm, "}, "done": False},
        {"message": {"content": ""}, "done": True, "done_reason": "length"},
    ]
    provider.script = chunked([answers.json_line(line) for line in lines])

    *_, last = stream(ask("m")).json
    assert "spent its whole budget" in last["warning"]


def test_sam_local_gets_the_stream_as_one_body(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")

    result = streaming_response(ask("m"))

    assert result["statusCode"] == 200
    assert result["body"].endswith("data: [DONE]\n\n")


def test_a_direct_invocation_is_never_streamed(provider: Upstream) -> None:
    answer = chat.app.lambda_handler({**ask("m"), "stream": True}, LambdaContext())

    assert answer["content"] == "Hello!"
