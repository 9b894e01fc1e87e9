"""A model that refuses sampling fields gets none in OpenAI's chat dialect; they are named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message, Sampling
from chatd.config.model_facts import ModelFacts
from chatd.config.provider import Provider
from chatd.dialects.openai_chat.dialect import OpenAIChat
from chatd.surfaces.openai_chat.surface import OpenAI

GIVEN = {"temperature": 0.5, "top_p": 0.9}
ROW = Provider(
    "mine", "openai_chat", "http://mine/v1", models={"fixed": ModelFacts(sampling=False)}
)
TURN = {"role": "user", "content": "Hi"}


def translated(model: str, **sampling: Any) -> ChatRequest:
    return ChatRequest(model, (Message("user", (Text("Hi"),)),), sampling=Sampling(**sampling))


def own(model: str, **sampling: Any) -> ChatRequest:
    body = {"model": model, "messages": [TURN], **sampling}
    return OpenAI().read({}, json.dumps(body).encode())


@pytest.mark.parametrize("request_of", [translated, own])
@pytest.mark.parametrize(("model", "left"), [("fixed", {}), ("free", GIVEN)])
def test_sampling_fields_go_to_models_that_take_them(
    request_of: Any, model: str, left: dict[str, float]
) -> None:
    request = request_of(model, **GIVEN)
    sent = json.loads(OpenAIChat().build(request, ROW, None).body or b"")

    assert {name: sent[name] for name in GIVEN if name in sent} == left
    assert set(OpenAIChat().omitted(request, ROW)) == GIVEN.keys() - left.keys()


@pytest.mark.parametrize("request_of", [translated, own])
def test_a_request_without_sampling_fields_stays_as_it_is(request_of: Any) -> None:
    request = request_of("fixed", max_tokens=5) if request_of is own else request_of("fixed")

    assert OpenAIChat().omitted(request, ROW) == ()


def test_a_field_that_the_row_drops_too_is_named_once() -> None:
    row = Provider(
        "mine", "openai_chat", "http://mine/v1", drops=("temperature",), models=ROW.models
    )

    assert OpenAIChat().omitted(own("fixed", **GIVEN), row) == ("temperature", "top_p")
