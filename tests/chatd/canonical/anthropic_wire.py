"""Random JSON of Anthropic's Messages dialect, with unknown fields at every level."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from chatd.canonical.maker import untagged
from tests.chatd.canonical.wire import COUNT, MARK, TEXTS, UNKNOWN, VALUES

REASONS = st.sampled_from(
    ["end_turn", "max_tokens", "stop_sequence", "pause_turn", "refusal", "tool_use"]
)
INPUTS = st.dictionaries(TEXTS, VALUES, max_size=2)


@st.composite
def usages(draw: st.DrawFn) -> dict[str, Any]:
    """Token counts; the gateway estimates a usage of 0."""
    return {
        **draw(UNKNOWN),
        "input_tokens": 1 + draw(COUNT),
        "cache_creation_input_tokens": draw(COUNT),
        "cache_read_input_tokens": draw(COUNT),
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": draw(COUNT),
        "output_tokens_details": {**draw(UNKNOWN), "thinking_tokens": draw(COUNT)},
    }


@st.composite
def blocks(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """A content block of any kind."""
    kind = draw(st.sampled_from(["text", "thinking", "redacted_thinking", "tool_use", "thing"]))
    block = {**draw(UNKNOWN), "type": kind}
    if kind == "text":
        block |= {"text": draw(TEXTS), "citations": draw(st.none() | st.just([{"x": 1}]))}
    elif kind == "thinking":
        block |= {"thinking": draw(TEXTS), "signature": draw(st.sampled_from(["", "sig="]))}
    elif kind == "redacted_thinking":
        block |= {"data": "xyz"}
    elif kind == "tool_use":
        block |= {"id": f"toolu_{number}", "name": "f", "input": draw(INPUTS)}
    return block


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """A whole response in the strict form of Anthropic's API."""
    return {
        **draw(UNKNOWN),
        "id": "msg_upstream",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [draw(blocks(number)) for number in range(draw(st.integers(0, 3)))],
        "stop_reason": draw(REASONS),
        "stop_sequence": draw(st.none() | TEXTS),
        "stop_details": draw(st.none() | UNKNOWN),
        "usage": draw(usages()),
    }


@st.composite
def block_events(draw: st.DrawFn, index: int) -> list[dict[str, Any]]:
    """The events of one block, with its content in pieces."""
    block = draw(blocks(index))
    kind = block["type"]
    deltas: list[dict[str, Any]] = []
    if kind == "text":
        deltas = [{"type": "text_delta", "text": draw(TEXTS)} for _ in range(2)]
        deltas.append({"type": "citations_delta", "citation": draw(VALUES)})
        block |= {"text": ""}
    elif kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": draw(TEXTS)}]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        block |= {"thinking": "", "signature": ""}
    elif kind == "tool_use":
        text = json.dumps(block["input"])
        deltas = [
            {"type": "input_json_delta", "partial_json": piece} for piece in (text[:3], text[3:])
        ]
        block |= {"input": {}}
    return [
        {
            **draw(UNKNOWN),
            "type": "content_block_start",
            "index": index,
            "content_block": block,
        },
        *(
            {
                **draw(UNKNOWN),
                "type": "content_block_delta",
                "index": index,
                "delta": {**draw(UNKNOWN), **delta},
            }
            for delta in deltas
        ),
        {**draw(UNKNOWN), "type": "content_block_stop", "index": index},
    ]


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The events of a stream in the strict form of Anthropic's API, also of unknown types."""
    message = {**draw(messages()), "content": [], "stop_reason": None, "stop_sequence": None}
    found: list[dict[str, Any]] = [{**draw(UNKNOWN), "type": "message_start", "message": message}]
    for index in range(draw(st.integers(0, 3))):
        found += draw(block_events(index))
        if draw(st.booleans()):
            kind = draw(st.sampled_from(["ping", MARK + "event"]))
            found.append({**draw(UNKNOWN), "type": kind})
    delta = {**draw(UNKNOWN), "stop_reason": draw(REASONS), "stop_sequence": draw(st.none())}
    usage = {**draw(UNKNOWN), **draw(usages())}
    found.append({**draw(UNKNOWN), "type": "message_delta", "delta": delta, "usage": usage})
    return [*found, {**draw(UNKNOWN), "type": "message_stop"}]


def sse(events: Sequence[dict[str, Any]]) -> bytes:
    """Write a stream of named events."""
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events
    ).encode()


def without_tags(value: Any) -> Any:
    """Remove the tags of makers from received JSON, each of which must be there."""
    if isinstance(value, list):
        return [without_tags(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: without_tags(item) for name, item in value.items()}
    kind = found.get("type")
    if kind in ("thinking", "signature_delta", "redacted_thinking"):
        name = "data" if kind == "redacted_thinking" else "signature"
        if found.get(name):
            maker, found[name] = untagged(found[name])
            assert maker is not None
    return found
