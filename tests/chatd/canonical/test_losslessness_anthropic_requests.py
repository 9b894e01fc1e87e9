"""A request of the Messages surface reaches a provider of that dialect without a loss."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from pydantic import SecretStr

from chatd.canonical.maker import untagged
from chatd.canonical.request import ChatRequest, Message
from chatd.config.provider import Provider
from chatd.dialects import dialect_for
from chatd.safe_json.text_extraction import is_field, texts
from chatd.surfaces import surface
from tests.support.anthropic_bodies import BLOCK, BODY
from tests.support.functions import post, stream
from tests.support.upstream import Upstream

PATH = "/v1/messages"
ROW = Provider(name="mine", dialect="anthropic_messages", base_url="http://mine/v1")
many = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def read(body: Any) -> ChatRequest:
    return surface("anthropic_messages").read({}, json.dumps(body).encode())


def sent(request: ChatRequest) -> dict[str, Any]:
    """Return the body that the provider gets."""
    attempt = request.to("m", stream=request.stream)
    built = dialect_for(ROW, attempt).build(attempt, ROW, SecretStr("k"))
    body: dict[str, Any] = json.loads(built.body or b"")
    return body


def expected(body: dict[str, Any]) -> dict[str, Any]:
    """Return the caller's JSON with the model's own name, and without the tags of makers."""
    given = copy.deepcopy(body)
    for turn in given["messages"]:
        for block in turn["content"] if isinstance(turn["content"], list) else ():
            for kind, name in (("thinking", "signature"), ("redacted_thinking", "data")):
                if block["type"] == kind and block.get(name):
                    block[name] = untagged(block[name])[1]
    return {**given, "model": "m"}


def same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal; 1, 1.0 and true differ."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@many
@given(body=BODY)
def test_a_provider_of_the_same_dialect_gets_the_callers_json(body: dict[str, Any]) -> None:
    request = read(body)

    assert same(sent(request), expected(body))
    assert same(sent(request), expected(body))  # no attempt changes the body of the next one


@many
@given(body=BODY)
def test_redaction_covers_every_text_of_a_request(body: dict[str, Any]) -> None:
    request = read({**body, "model": "m"})
    words = {*request.words(), "text/plain"}

    # A data URL is redacted whole, with the data and its type in it.
    urls = [word for word in words if word.startswith("data:")]
    lost = {text for text in texts(request.source and request.source.body) if text not in words}
    lost = {text for text in lost if not any(text in url for url in urls)}
    # Words such as `user` and `auto`, and the model's name, are no secrets of the caller.
    assert not {text for text in lost if not is_field(text)}


def stripped(value: Any) -> Any:
    """Return the JSON without null, empty and false fields, which a written turn leaves out."""
    if isinstance(value, dict):
        fields = {name: stripped(item) for name, item in value.items()}
        return {
            name: item for name, item in fields.items() if item not in (None, [], {}, "", False)
        }
    return [stripped(item) for item in value] if isinstance(value, list) else value


def is_empty(block: dict[str, Any]) -> bool:
    """Return whether a block is, or holds, a text or thinking without content."""
    if block["type"] == "thinking":
        return not (block["thinking"] or block.get("signature"))
    if isinstance(block.get("content"), list) and block["type"] == "tool_result":
        return any(map(is_empty, block["content"]))
    return block["type"] == "text" and not block["text"].strip()


@many
@given(block=BLOCK)
def test_a_rewritten_turn_keeps_its_unknown_fields(block: dict[str, Any]) -> None:
    assume(not is_empty(block))
    turn = {"role": "assistant", "content": [block, {"type": "text", "text": "end"}], "x_turn": 1}
    request = read({"model": "m", "max_tokens": 5, "messages": [turn]})
    (message,) = request.messages
    request.messages = (Message(message.role, message.blocks, extra=message.extra),)

    (got,) = sent(request)["messages"]

    assert got["x_turn"] == 1
    first = got["content"][0]
    wanted = expected({"messages": [turn]})["messages"][0]["content"][0]
    assert same(stripped(first), stripped(wanted)) or not stripped(wanted).keys() - {"type"}


@pytest.mark.usefixtures("keys")
@settings(parent=many, max_examples=20)
@given(body=BODY)
def test_the_provider_gets_the_callers_json_and_betas_over_http(
    provider: Upstream, config: Path, body: dict[str, Any]
) -> None:
    url = f'base_url = "{provider.url}"'
    config.write_text(f'[providers.mine]\ndialect = "anthropic_messages"\n{url}')
    betas = {"multiValueHeaders": {"anthropic-beta": ["a-2026-01-01,b-2026-02-02"]}}
    send = stream if body.get("stream") else post

    send(body, PATH, headers={"anthropic-beta": "a-2026-01-01,b-2026-02-02"}, **betas)

    assert same(provider.last.json, expected(body))
    assert provider.last.headers["anthropic-beta"] == "a-2026-01-01,b-2026-02-02"
