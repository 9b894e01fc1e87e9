"""A request of OpenAI's surface reaches a provider of OpenAI's dialect without a loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message
from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from chatd.dialects import dialect_for
from chatd.resilience.prefill import prefilled
from chatd.safe_json.text_extraction import is_field, texts
from chatd.surfaces import surface
from tests.support.functions import post, stream
from tests.support.openai_bodies import BODY, CALL, JSON, NAMED, PART, WORDS, with_unknown
from tests.support.upstream import Upstream

PATH = "/v1/chat/completions"
ROW = Provider(name="mine", dialect="openai_chat", base_url="http://mine/v1")
many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def read(body: Any) -> ChatRequest:
    return surface("openai_chat").read({}, json.dumps(body).encode())


def sent(request: ChatRequest, row: Provider = ROW) -> dict[str, Any]:
    """Return the body that the provider gets."""
    attempt = request.to("m", stream=request.stream)
    built = dialect_for(row, attempt).build(attempt, row, SecretStr("k"))
    body: dict[str, Any] = json.loads(built.body or b"")
    return body


def expected(body: dict[str, Any]) -> dict[str, Any]:
    """Return the caller's JSON with the changes that every forwarded request has."""
    options = body.get("stream_options") or {}
    without = {name: value for name, value in body.items() if name != "stream_options"}
    if body.get("stream"):
        return {**without, "model": "m", "stream_options": {**options, "include_usage": True}}
    return {**without, "model": "m"}


def same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal; 1, 1.0 and true differ."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@many
@given(body=BODY)
def test_a_provider_of_the_same_dialect_gets_the_callers_json(body: dict[str, Any]) -> None:
    got = sent(read(body))

    assert same(got, expected(body))


@many
@given(body=BODY)
def test_no_attempt_changes_the_body_of_the_next_attempt(body: dict[str, Any]) -> None:
    request = read(body)
    for row in CATALOG.values():
        if row.dialect == "openai_chat":
            sent(request, row)

    assert same(sent(request), expected(body))


@many
@given(body=BODY)
def test_a_prefill_adds_its_turn_and_changes_only_the_limits(body: dict[str, Any]) -> None:
    got = sent(prefilled(read(body), "Once upon a time"))

    *turns, last = got.pop("messages")
    wanted = expected(body)
    assert last == {"role": "assistant", "content": "Once upon a time"}
    assert same(turns, wanted.pop("messages"))
    for name in ("max_tokens", "max_completion_tokens"):
        limit = body.get(name)
        assert got.pop(name, None) == (None if limit is None else max(1, limit - 4))
        wanted.pop(name, None)
    assert same(got, wanted)


# Fields that the rows of OpenRouter, OpenCode and Kimi rename, rewrite or drop.
CORRECTED = {"temperature", "reasoning_effort", "reasoning", "thinking"}
CORRECTED_IN_TURNS = {"reasoning", "reasoning_content"}


def uncorrected(body: dict[str, Any]) -> dict[str, Any]:
    """The body without the fields that a row corrects."""
    turns = [
        {
            name: value
            for name, value in turn.items()
            if name not in CORRECTED_IN_TURNS and not (name == "content" and not value)
        }
        for turn in body["messages"]
    ]
    # An assistant's turn that holds nothing is left out.
    turns = [
        turn
        for turn in turns
        if turn["role"] != "assistant" or any(turn[name] for name in turn if name != "role")
    ]
    rest = {name: value for name, value in body.items() if name not in CORRECTED}
    return {**rest, "messages": turns}


@many
@given(body=BODY)
@pytest.mark.parametrize("name", ["openrouter", "opencode", "kimi"])
def test_a_row_of_the_catalog_changes_only_its_corrections(name: str, body: dict[str, Any]) -> None:
    got = sent(read(body), CATALOG[name])

    assert same(uncorrected(got), uncorrected(expected(body)))


@many
@given(body=BODY)
def test_redaction_covers_every_text_of_a_request(body: dict[str, Any]) -> None:
    request = read({**body, "model": "m"})
    words = set(request.words())

    lost = {text for text in texts(request.source and request.source.body) if text not in words}
    # Words such as `user` and `auto`, and the model's name, are no secrets of the caller.
    assert not {text for text in lost if not is_field(text)}


def stripped(value: Any) -> Any:
    """Return the JSON without null and empty fields, which a written turn need not repeat."""
    if isinstance(value, dict):
        fields = {name: stripped(item) for name, item in value.items()}
        return {name: item for name, item in fields.items() if item not in (None, [], {}, "")}
    return [stripped(item) for item in value] if isinstance(value, list) else value


REWRITTEN = (
    with_unknown({"role": st.just("user"), "content": st.lists(PART, min_size=2, max_size=3)})
    | with_unknown(
        {"role": st.just("assistant"), "content": st.none(), "tool_calls": st.lists(CALL)},
        {"reasoning_content": WORDS, "reasoning_details": JSON, **NAMED},
    )
    | with_unknown({"role": st.just("tool"), "tool_call_id": WORDS, "content": WORDS}, NAMED)
)


@many
@given(turn=REWRITTEN)
def test_a_rewritten_turn_keeps_its_unknown_fields(turn: dict[str, Any]) -> None:
    request = read({"model": "m", "messages": [turn]})
    (message,) = request.messages
    request.messages = (Message(message.role, message.blocks, message.name, message.extra),)

    (got,) = sent(request)["messages"]

    for call in turn.get("tool_calls", ()):
        call.setdefault("type", "function")
    assert same(stripped(got), stripped(turn))


@pytest.mark.parametrize("part", [{"cache_control": {"type": "ephemeral"}}, {}])
def test_a_system_turn_keeps_its_parts_beside_a_format_instruction(part: dict[str, Any]) -> None:
    content = [{"type": "text", "text": "Be brief.", **part}, {"type": "text", "text": "Now."}]
    system: dict[str, Any] = {"role": "system", "content": content, "x": 1}
    turns = [system, {"role": "user", "content": "Hi"}]
    request = read({"model": "m", "messages": turns})
    first, last = request.messages
    blocks = (*first.blocks, Text("JSON!"))
    request.messages = (Message(first.role, blocks, extra=first.extra), last)

    got = sent(request)["messages"]

    words = {"type": "text", "text": "JSON!"}
    assert got == [{**system, "content": [*content, words]}, turns[1]]


@pytest.mark.usefixtures("keys")
@settings(parent=many, max_examples=20)
@given(body=BODY)
def test_the_provider_gets_the_callers_json_over_http(
    provider: Upstream, config: Path, body: dict[str, Any]
) -> None:
    url = f'base_url = "{provider.url}"'
    config.write_text(f'[providers.mine]\ndialect = "openai_chat"\n{url}')
    if body.get("stream"):
        assert stream(body, PATH).status == 200
    else:
        assert post(body, PATH).status == 200

    assert same(provider.last.json, expected(body))
