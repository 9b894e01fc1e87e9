from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.canonical.content import Block, Text, Thinking
from chatd.canonical.request import ChatRequest, Message, Sampling
from chatd.canonical.response import Choice, Response, Usage
from chatd.canonical.served import Served
from chatd.errors import InvalidRequestError
from chatd.surfaces.native.surface import Native
from tests.support.functions import ask

SERVED = Served(provider="kimi", model="k3", request_id="r-1")


def read(body: object) -> ChatRequest:
    return Native().read({}, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_every_field_of_the_request_is_read() -> None:
    schema = {"type": "object"}
    request = read(ask("k3", "Hi", temperature=0, max_tokens=9, format=schema, think="low"))

    assert request == ChatRequest(
        model="k3",
        think_required=True,
        messages=(Message("user", (Text("Hi"),)),),
        sampling=Sampling(temperature=0.0),
        max_tokens=9,
        format=schema,
        think="low",
    )


def test_an_omitted_field_stays_unset() -> None:
    request = read(ask("k3", "Hi"))

    assert request == ChatRequest(model="k3", messages=(Message("user", (Text("Hi"),)),))


TURN = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"not json", None),
        (b'{"model": "\xff"}', None),
        (b'{"model": "\\ud800", "messages": []}', None),
        (b"[" * 100_000, None),
        ([], None),
        ("text", None),
        (None, None),
        ({}, "model"),
        ({"messages": [TURN]}, "model"),
        ({"model": "", "messages": [TURN]}, "model"),
        ({"model": 7, "messages": [TURN]}, "model"),
        ({"model": "m" * 257, "messages": [TURN]}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": "Hi"}, "messages"),
        ({"model": "m", "messages": ["Hi"]}, "messages.0"),
        ({"model": "m", "messages": [TURN, {"role": "user"}]}, "messages.1.content"),
        ({"model": "m", "messages": [{"role": "robot", "content": ""}]}, "messages.0.role"),
        ({"model": "m", "messages": [{"role": "user", "content": None}]}, "messages.0.content"),
        ({"model": "m", "messages": [{**TURN, "name": "x"}]}, "messages.0.name"),
        (ask("m", temperature="hot"), "temperature"),
        (ask("m", temperature=True), "temperature"),
        (b'{"model": "m", "messages": [], "temperature": NaN}', "messages"),
        (
            b'{"model":"m","messages":[{"role":"user","content":""}],"temperature":NaN}',
            "temperature",
        ),
        (ask("m", max_tokens=0), "max_tokens"),
        (ask("m", max_tokens=1.5), "max_tokens"),
        (ask("m", format="yaml"), "format"),
        (ask("m", format=[1]), "format"),
        (ask("m", think="hardest"), "think"),
        (ask("m", think=1), "think"),
        (ask("m", stream="yes"), "stream"),
        (ask("m", maxtokens=9), "maxtokens"),
    ],
)
def test_an_invalid_request_is_400_that_names_the_field(body: object, param: str | None) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(body)

    assert param == caught.value.param


def test_the_error_for_an_invalid_request_contains_none_of_its_text() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read({"model": "m", "messages": [{"role": "secret words", "content": "secret words"}]})

    assert "secret words" not in str(caught.value.body("r"))
    assert "'system', 'user' or 'assistant'" in caught.value.message


def written(*blocks: Block, model: str | None = None, reason: str = "stop") -> dict[str, Any]:
    choice = Choice(blocks or (Text("Hello"),), reason)
    return dict(
        Native().write(ChatRequest("m", ()), Response((choice,), Usage(3, 5), model), SERVED)
    )


def test_an_answer_is_written_with_its_counts() -> None:
    body = written(model="k3-0905")

    assert body.pop("latency_ms") >= 0
    assert body == {
        "model": "k3-0905",
        "provider": "kimi",
        "content": "Hello",
        "input_tokens": 3,
        "output_tokens": 5,
        "finish_reason": "stop",
        "request_id": "r-1",
    }


def test_thinking_is_written_when_present() -> None:
    assert written(Thinking("Hm."))["thinking"] == "Hm."


def test_a_budget_spent_on_thinking_has_a_warning() -> None:
    body = written(Thinking("Hm, "), reason="length")

    assert "spent its whole budget" in body["warning"]


def test_an_answer_without_a_model_has_the_requested_model() -> None:
    assert written()["model"] == "k3"
