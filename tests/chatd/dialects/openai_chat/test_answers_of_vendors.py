"""Answers that depart from OpenAI's: lists of thinking and text, and figures in other fields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.canonical.collecting import collected
from chatd.canonical.content import Text, Thinking
from chatd.canonical.events import Frame
from chatd.dialects.openai_chat.dialect import OpenAIChat
from chatd.upstream_http import HttpResponse

PARTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
    {"type": "text", "text": "Yes."},
]


def whole(message: dict[str, Any], **body: Any) -> Any:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    content = json.dumps({"choices": [choice], **body}).encode()
    return OpenAIChat().parse(HttpResponse(200, {}, content))


def frames(*events: dict[str, Any]) -> list[Frame]:
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
    return list(OpenAIChat().events(HttpResponse(200, {}, b""), iter((body,))))


def chunk(delta: dict[str, Any], reason: str | None = None, **body: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **body}


def test_a_list_of_thinking_and_text_is_read_and_forwarded_in_openais_fields() -> None:
    response = whole({"content": PARTS})

    thought, text = response.choices[0].blocks
    assert isinstance(thought, Thinking)
    assert (thought.text, text) == ("Hm.", Text("Yes."))
    message = response.source.body["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("Yes.", "Hm.")


def test_a_streamed_list_of_thinking_and_text_is_read_and_forwarded_alike() -> None:
    found = frames(*(chunk({"content": [part]}) for part in PARTS), chunk({"content": ""}, "stop"))

    (choice,) = collected(iter(found)).choices
    assert [block.text for block in choice.blocks if isinstance(block, Text | Thinking)] == [
        "Hm.",
        "Yes.",
    ]
    sent = [frame.source.body["choices"][0]["delta"] for frame in found if frame.source]
    assert sent[0] == {"content": "", "reasoning_content": "Hm."}
    assert sent[1] == {"content": "Yes."}


@pytest.mark.parametrize("content", [[{"type": "reference"}, PARTS[1]], ["Yes."], []])
def test_a_list_of_other_parts_is_forwarded_as_it_is(content: Any) -> None:
    response = whole({"content": content})

    assert response.source.body["choices"][0]["message"]["content"] == content


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        ({"cost": {"input_tokens_cost": 0.001, "total_cost": 0.006}}, 0.006),
        ({"cost": {"total_cost": "x"}}, None),
        ({"estimated_cost": 0.0002}, 0.0002),
        ({"cost": 0.5, "estimated_cost": 0.0002}, 0.5),
        ({"cost_in_usd_ticks": 25_000_000}, 0.0025),
        ({"cost_in_usd_ticks": -1}, None),
        ({"cost_in_usd_ticks": 10**400}, None),
        ({}, None),
    ],
)
def test_the_cost_is_read_from_the_vendor_s_field(usage: dict[str, Any], usd: float | None) -> None:
    assert whole({"content": "Hi"}, usage={"prompt_tokens": 1, **usage}).usage.cost_usd == usd


def test_tokens_are_read_from_groqs_own_field_of_a_stream() -> None:
    used = {"prompt_tokens": 11, "completion_tokens": 7}
    end = chunk({}, "stop", x_groq={"id": "r", "usage": used})

    usage = collected(iter(frames(chunk({"content": "Hi"}), end))).usage

    assert (usage.input_tokens, usage.output_tokens) == (11, 7)
    other = collected(iter(frames(chunk({"content": "Hi"}), chunk({}, "stop", x_groq=7)))).usage
    assert other.output_tokens == 0
