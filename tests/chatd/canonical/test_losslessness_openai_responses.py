"""A request of OpenAI's Responses surface reaches a provider of its dialect without a loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from chatd.canonical.maker import tagged
from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects import dialect_for
from chatd.safe_json.text_extraction import is_field, texts
from chatd.surfaces import surface
from tests.support.functions import post, stream
from tests.support.responses_bodies import BODY, ITEM, MESSAGE
from tests.support.upstream import Upstream

PATH = "/v1/responses"
ROW = Provider(name="mine", dialect="openai_responses", base_url="http://mine/v1")
many = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def read(body: Any) -> ChatRequest:
    return surface("openai_responses").read({}, json.dumps(body).encode())


def sent(request: ChatRequest) -> dict[str, Any]:
    """Return the body that the provider gets."""
    attempt = request.to("m", stream=request.stream)
    built = dialect_for(ROW, attempt).build(attempt, ROW, SecretStr("k"))
    body: dict[str, Any] = json.loads(built.body or b"")
    return body


def expected(body: dict[str, Any]) -> dict[str, Any]:
    """Return the caller's JSON with the changes that every forwarded request has."""
    wanted = {**body, "model": "m", "store": False}
    if not body.get("stream"):
        wanted.pop("stream", None)
        wanted.pop("stream_options", None)
        if "stream" in body and body["stream"] is not True:
            wanted = {**wanted, "stream": body["stream"]}
    return wanted


def same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal; 1, 1.0 and true differ."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@many
@given(body=BODY)
def test_a_provider_of_the_same_dialect_gets_the_callers_json(body: dict[str, Any]) -> None:
    assert same(sent(read(body)), expected(body))


@many
@given(body=BODY)
def test_no_attempt_changes_the_body_of_the_next_attempt(body: dict[str, Any]) -> None:
    request = read(body)
    sent(request)

    assert same(sent(request), expected(body))


@many
@given(body=BODY)
def test_redaction_covers_every_text_of_a_request(body: dict[str, Any]) -> None:
    request = read({**body, "model": "m"})
    words = set(request.words())

    lost = {text for text in texts(request.source and request.source.body) if text not in words}
    # Words such as `user` and `auto`, and the model's name, are no secrets of the caller.
    assert not {text for text in lost if not is_field(text)}


@many
@given(items=st.lists(ITEM, max_size=6), last=MESSAGE)
def test_each_item_belongs_to_the_turn_that_has_its_content(
    items: list[dict[str, Any]], last: dict[str, Any]
) -> None:
    request = read({"model": "m", "input": [*items, last], "instructions": "Be brief."})
    assert request.source is not None
    owners = request.source.owners

    assert len(owners) == len(items) + 1
    found = [owner for owner in owners if owner is not None]
    assert found == sorted(found)
    assert set(found) == set(range(1, len(request.messages)))
    for item, owner in zip([*items, last], owners, strict=True):
        if owner is not None:
            role = request.messages[owner].role
            assert item.get("role", role) == role


def test_the_provider_gets_encrypted_reasoning_without_the_tag_of_its_maker() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    tag = {**item, "encrypted_content": tagged("mine/m", "gAAA")}

    body = sent(read({"model": "m", "input": [tag, {"role": "user", "content": "Hi"}]}))

    assert body["input"][0] == item


@pytest.mark.usefixtures("keys")
@settings(parent=many, max_examples=20)
@given(body=BODY)
def test_the_provider_gets_the_callers_json_over_http(
    provider: Upstream, config: Path, body: dict[str, Any]
) -> None:
    url = f'base_url = "{provider.url}"'
    config.write_text(f'[providers.mine]\ndialect = "openai_responses"\n{url}')
    if body.get("stream"):
        assert stream(body, PATH).status == 200
    else:
        assert post(body, PATH).status == 200

    assert same(provider.last.json, expected(body))
