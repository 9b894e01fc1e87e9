"""A hostile stream is refused in bounded memory, and botocore reads the same from a valid one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.eventstream import EventStream
from botocore.parsers import EventStreamJSONParser
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.canonical.collecting import collected
from chatd.canonical.content import Text, Thinking, ToolCall
from chatd.dialects.bedrock_converse import open_blocks, stream
from chatd.errors import AnswerTooLargeError, ChatdError
from chatd.safe_json.item_limits import MAX_TOOL_CALLS
from tests.chatd.dialects.bedrock_converse.converse_wire import (
    METADATA,
    START,
    Sent,
    begun,
    body,
    closed,
    delta,
    events,
    frames,
    stop,
    streamed,
    thought,
)
from tests.support.bedrock import event_stream
from tests.support.bedrock.service_model import operation

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
KINDS = [
    *("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop"),
    *("messageStop", "metadata", "novelty"),
]
NAMES = [
    *("delta", "start", "contentBlockIndex", "toolUse", "input", "text", "reasoningContent"),
    *("signature", "redactedContent", "stopReason", "usage", "inputTokens", "cacheDetails"),
]
PAYLOADS = st.recursive(
    JSON | st.just(0),
    lambda inner: st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def streams(draw: st.DrawFn) -> list[Sent]:
    """Draw the events of a valid stream with blocks of every kind."""
    found: list[Sent] = [START]
    for index in range(draw(st.integers(0, 4))):
        pieces = draw(st.lists(TEXTS, max_size=3))
        match draw(st.sampled_from(["text", "thinking", "call"])):
            case "text":
                found += [delta(index, text=piece) for piece in pieces]
            case "thinking":
                found += [thought(index, text=piece) for piece in pieces]
                found += [thought(index, signature="c2ln")]
            case "call":
                found.append(begun(index, f"f{index}", f"id{index}"))
                found += [delta(index, toolUse={"input": piece}) for piece in pieces]
        found.append(closed(index))
    return [*found, stop(draw(st.sampled_from(["end_turn", "tool_use", "max_tokens"]))), METADATA]


class _Raw:
    """The raw response that botocore reads a stream from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self) -> Iterator[bytes]:
        yield self._data


def judged(data: bytes) -> list[tuple[str, Any]]:
    """Read the events of a stream with botocore."""
    output: Any = operation("ConverseStream").get_event_stream_output()
    parser = EventStreamJSONParser()
    found: Any = EventStream(_Raw(data), output, parser, "ConverseStream")
    return [next(iter(event.items())) for event in found]


def in_blocks(found: list[tuple[str, Any]]) -> dict[int, list[str]]:
    """Join the pieces of each block: its kind, its text, and what identifies it."""
    blocks: dict[int, list[str]] = {}
    for kind, event in found:
        if kind == "contentBlockStart":
            call = event["start"]["toolUse"]
            blocks[event["contentBlockIndex"]] = [call["toolUseId"], call["name"], ""]
        elif kind == "contentBlockDelta":
            piece = event["delta"]
            thinking = piece.get("reasoningContent", {})
            text = piece.get("text", "") + thinking.get("text", "")
            block = blocks.setdefault(event["contentBlockIndex"], ["", "", ""])
            block[1] += thinking.get("signature", "")
            block[2] += text + piece.get("toolUse", {}).get("input", "")
    return {index: block for index, block in blocks.items() if any(block)}


@settings(max_examples=40)
@given(streams(), st.lists(st.integers(0, 2_000), max_size=6))
def test_botocore_reads_the_same_answer_wherever_the_stream_is_cut(
    sent: list[Sent], places: list[int]
) -> None:
    data = body(*sent)
    response = collected(frames(data, places))

    found = judged(data)

    mine = []
    for block in response.first.blocks:
        if isinstance(block, ToolCall):
            mine.append([block.id, block.name, block.arguments])
        elif isinstance(block, Thinking):
            mine.append(["", block.signature or "", block.text])
        elif isinstance(block, Text):
            mine.append(["", "", block.text])
    theirs = [
        [*rest, text or ("{}" if rest[0] else "")] for *rest, text in in_blocks(found).values()
    ]
    assert mine == theirs
    ((_, counts),) = [event for event in found if event[0] == "metadata"]
    assert response.usage.output_tokens == counts["usage"]["outputTokens"]


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.sampled_from(KINDS), PAYLOADS), max_size=6)
    | st.lists(st.sampled_from([START, begun(0), delta(0, text="x"), closed(0), stop(), METADATA]))
)
def test_any_events_give_an_answer_or_a_typed_error(sent: list[tuple[str, Any]]) -> None:
    headers = {":message-type": "event"}
    data = b"".join(
        event_stream.message({":event-type": kind, **headers}, json.dumps(payload).encode())
        for kind, payload in sent
    )

    try:
        response = collected(frames(data))
    except ChatdError:
        return
    assert response.first.finish_reason


@settings(max_examples=100)
@given(st.binary(max_size=100), st.integers(0, 3))
def test_any_bytes_after_some_events_give_a_typed_error(data: bytes, kept: int) -> None:
    before = body(*[START, delta(0, text="Hel"), delta(0, text="lo")][:kept])

    with pytest.raises(ChatdError):
        list(frames(before + data))


def test_an_answer_of_too_many_calls_is_refused() -> None:
    calls = [begun(index, id_=f"id{index}") for index in range(MAX_TOOL_CALLS + 1)]

    assert len(streamed(START, *calls[:-1], stop("tool_use")).first.tool_calls) == MAX_TOOL_CALLS
    with pytest.raises(AnswerTooLargeError, match="tool calls"):
        events(START, *calls, stop("tool_use"))


def test_an_answer_of_too_many_blocks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_PARTS", 20)
    texts = [delta(index, text="x") for index in range(21)]

    assert len(streamed(START, *texts[:-1], stop()).first.blocks) == 20
    with pytest.raises(AnswerTooLargeError, match="content blocks"):
        events(START, *texts, stop())


def test_redacted_thinking_of_all_blocks_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_blocks, "_MAX_REDACTED_CHARACTERS", 8)
    block = [thought(0, redactedContent="YWJj"), closed(0)]

    assert len(streamed(START, *block, *block, stop()).first.blocks) == 2
    with pytest.raises(AnswerTooLargeError, match="redacted thinking"):
        events(START, *block, *block, *block, stop())


def test_a_payload_of_too_many_values_is_refused() -> None:
    values: dict[str, Any] = {"usage": {}, "trace": [0] * 600_001}

    with pytest.raises(AnswerTooLargeError, match="JSON values"):
        events(START, ("metadata", values))
