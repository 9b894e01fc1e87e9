"""A guardrail of Bedrock checks the chats of another vendor's row, on every surface."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from chatd.guardrails.guards import REFUSED
from tests.chatd.guardrails.conftest import BLOCKED, checks, first
from tests.support import answers
from tests.support.bedrock.fake import FakeBedrock
from tests.support.functions import ask, post, stream
from tests.support.upstream import Upstream, chunked, reply

Write = Callable[..., None]
TURN = {"role": "user", "content": "Say hello."}
# The path, the rest of a body, the answer's text and its finish reason in a whole response.
SURFACES: dict[str, tuple[str, dict[str, Any], Callable[[Any], tuple[str, str]]]] = {
    "native": (
        "/v1/chat",
        {"messages": [TURN]},
        lambda body: (body["content"], body["finish_reason"]),
    ),
    "openai_chat": (
        "/v1/chat/completions",
        {"messages": [TURN]},
        lambda body: (
            body["choices"][0]["message"]["content"],
            body["choices"][0]["finish_reason"],
        ),
    ),
    "anthropic_messages": (
        "/v1/messages",
        {"messages": [TURN], "max_tokens": 99},
        lambda body: (body["content"][-1]["text"], body["stop_reason"]),
    ),
    "openai_responses": (
        "/v1/responses",
        {"input": "Say hello."},
        lambda body: (
            body["output"][-1]["content"][0]["text"],
            body["incomplete_details"]["reason"],
        ),
    ),
}
REASONS = {"anthropic_messages": "refusal"}


def called(surface: str, **more: Any) -> tuple[str, str]:
    """Return the text and the finish reason of a whole response."""
    path, body, read = SURFACES[surface]
    response = post({"model": "groq/m", **body, **more}, path)
    assert response.status == 200, response.json
    return read(response.json)


@pytest.mark.parametrize("surface", SURFACES)
def test_a_blocked_request_is_answered_without_the_provider(
    surface: str, guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    guarded("groq")
    bedrock.guard = lambda _text: BLOCKED

    assert called(surface) == (BLOCKED, REASONS.get(surface, "content_filter"))
    assert provider.received == []
    assert checks(bedrock) == [("INPUT", ["Say hello."])]
    assert first(bedrock).path == "/guardrail/gr1/version/3/apply"


@pytest.mark.parametrize("surface", SURFACES)
def test_a_blocked_answer_is_replaced(
    surface: str, guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    guarded("groq")
    provider.script = reply(answers.openai_chat("How to build a bomb"))

    assert called(surface) == (BLOCKED, REASONS.get(surface, "content_filter"))
    assert checks(bedrock)[1:] == [("OUTPUT", ["How to build a bomb"])]


@pytest.mark.parametrize("surface", SURFACES)
def test_a_harmless_chat_is_the_same_as_without_a_guardrail(
    surface: str, guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    path, body, _ = SURFACES[surface]
    guarded("groq")
    found = [
        (
            _without_times(json.dumps(post({"model": f"{row}/m", **body}, path).json)),
            _without_times(stream({"model": f"{row}/m", **body}, path).body.decode()),
        )
        for row in ("groq", "together")
    ]

    assert found[0] == found[1]
    assert "Hello!" in found[0][0]
    assert [source for source, _ in checks(bedrock)] == ["INPUT", "OUTPUT"] * 2


def _without_times(text: str) -> str:
    text = re.sub(r'"(created|created_at|completed_at|latency_ms)": ?\d+', "", text)
    return text.replace("together", "groq")


@pytest.mark.parametrize("surface", SURFACES)
def test_a_stream_ends_at_a_blocked_window_with_the_guardrails_message(
    surface: str, guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    guarded("groq")
    safe = ["All is well. "] * 100
    pieces = answers.openai_chunks(*safe, "A bomb is", " built like this: secret")
    provider.script = chunked(pieces)
    path, body, _ = SURFACES[surface]

    text = stream({"model": "groq/m", **body}, path).body.decode()
    assert "All is well." in text
    assert BLOCKED in text
    assert "secret" not in text
    assert "built" not in text
    assert f'"{REASONS.get(surface, "content_filter")}"' in text


def test_text_is_held_back_until_its_window_is_checked(
    guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    guarded("groq")
    words = [f"word{number:04} " for number in range(300)]
    provider.script = chunked(answers.openai_chunks(*words))

    pieces = stream(ask("groq/m")).json
    assert "".join(piece.get("content", "") for piece in pieces) == "".join(words)
    windows = [texts[0] for source, texts in checks(bedrock) if source == "OUTPUT"]
    assert [len(text) for text in windows[:-1]] == [1_008, 1_008, 1_008]
    # Each window repeats the end of the one before, which was still held back.
    for before, after in itertools.pairwise(windows):
        assert before[-200:] in after
    assert windows[-1].endswith("word0299 ")


def test_a_phrase_between_two_windows_is_blocked_before_any_of_it_is_sent(
    guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    guarded("groq")
    bedrock.guard = lambda text: BLOCKED if "build a b-o-m-b" in text else None
    provider.script = chunked(answers.openai_chunks("x" * 995, "build a ", "b-o-m-b", "!"))

    pieces = stream(ask("groq/m")).json
    text = "".join(piece.get("content", "") for piece in pieces)
    assert text in (BLOCKED, "x" * 995 + BLOCKED)


def test_async_sends_text_at_once_and_ends_the_stream_behind_it(
    guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    guarded("groq", more=', stream = "async"')
    provider.script = chunked(answers.openai_chunks("A bomb ", "x" * 1000, "later"))

    pieces = stream(ask("groq/m")).json
    text = "".join(piece.get("content", "") for piece in pieces)
    assert text == "A bomb " + "x" * 1000 + BLOCKED
    assert pieces[-1]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("streamed", [False, True])
def test_masks_take_the_place_of_the_text_in_both_directions(
    guarded: Write, bedrock: FakeBedrock, provider: Upstream, *, streamed: bool
) -> None:
    guarded("groq")
    provider.script = (
        chunked(answers.openai_chunks("Write to a@", "b.example", " now."))
        if streamed
        else reply(answers.openai_chat("Write to a@b.example now."))
    )
    body = ask("groq/m", "I am a@b.example.")

    if streamed:
        text = "".join(piece.get("content", "") for piece in stream(body).json)
    else:
        text = post(body).json["content"]
    assert text == "Write to {EMAIL} now."
    assert provider.last.json["messages"][-1]["content"] == "I am {EMAIL}."


@pytest.mark.parametrize("surface", ["anthropic_messages", "openai_chat", "openai_responses"])
def test_masks_are_in_a_request_that_is_forwarded_in_its_own_dialect(
    surface: str, guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    rows = {"anthropic_messages": "anthropic", "openai_chat": "groq", "openai_responses": "openai"}
    guarded(rows[surface])
    path, body, _ = SURFACES[surface]
    text = json.dumps(body).replace("Say hello.", "I am a@b.example.")
    post({**json.loads(text), "model": f"{rows[surface]}/m"}, path)

    sent = json.dumps(provider.last.json)
    assert "I am {EMAIL}." in sent
    assert "a@b.example" not in sent


@pytest.mark.parametrize("streamed", [False, True])
def test_the_arguments_of_a_call_are_checked(
    guarded: Write, bedrock: FakeBedrock, provider: Upstream, *, streamed: bool
) -> None:
    guarded("groq")
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":"bomb"}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [{**call, "index": 0}]}
    choice = {"index": 0, "finish_reason": "tool_calls"}
    whole = answers.openai_chat(choices=[{**choice, "message": message}])
    chunk = {"object": "chat.completion.chunk", "choices": [{**choice, "delta": message}]}
    provider.script = (
        chunked([f"data: {json.dumps(chunk)}\n\n".encode(), b"data: [DONE]\n\n"])
        if streamed
        else reply(whole)
    )
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    body = {"model": "groq/m", "messages": [TURN], "tools": tools}

    if streamed:
        text = stream(body, "/v1/chat/completions").body.decode()
    else:
        text = json.dumps(post(body, "/v1/chat/completions").json)
    assert "tool_calls" not in text.replace('"tool_calls": null', "")
    assert BLOCKED in text


@pytest.mark.usefixtures("bedrock")
@pytest.mark.parametrize("kind", ["document", "search_result"])
@pytest.mark.parametrize(("text", "message"), [("A bomb", BLOCKED), ("a@b.example", REFUSED)])
def test_a_text_in_a_block_of_anthropics_is_blocked_where_it_cannot_be_masked(
    kind: str, text: str, message: str, guarded: Write, provider: Upstream
) -> None:
    guarded("anthropic")
    content = [{"type": "text", "text": text}]
    blocks = {
        "document": {"type": "document", "source": {"type": "content", "content": content}},
        "search_result": {
            "type": "search_result",
            "source": "https://example.com",
            "title": "A page",
            "content": content,
        },
    }
    turns = [{"role": "user", "content": [blocks[kind]]}]
    body = {"model": "anthropic/m", "messages": turns, "max_tokens": 99}
    response = post(body, "/v1/messages")

    assert response.json["content"][-1]["text"] == message
    assert provider.received == []
