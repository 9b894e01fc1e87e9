"""Streams of an upstream of the same dialect are forwarded, and continued by another model."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.events import Counted, Delta, End, Finish, Frame
from chatd.canonical.maker import tagged
from chatd.canonical.response import FailedOver, UpstreamJson, Usage
from tests.chatd.surfaces.openai_responses.answers import (
    ID,
    forwarded,
    frames,
    kinds,
    streamed,
)

OVER = FailedOver("q", "n", "p/m")
CREATED = {"type": "response.created", "response": {"id": "resp_up", "model": "up", "x": 1}}
MESSAGE = {"id": "msg_up", "type": "message", "role": "assistant", "content": [], "phase": "final"}
REASONING = {"id": "rs_up", "type": "reasoning", "summary": []}
TEXT = {"type": "output_text", "text": "Hel", "annotations": []}


def added(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": {**item}}


def done(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": {**item}}


def inner(kind: str, index: int, place: str = "content_index", **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": index, place: 0, **fields}


PART = inner("content_part.added", 0, part={**TEXT, "text": ""}, item_id="msg_up")
DELTA = inner("output_text.delta", 0, delta="Hel", item_id="msg_up")
LAST: dict[str, Any] = {
    "type": "response.completed",
    "response": {
        "id": "resp_up",
        "status": "completed",
        "model": "up",
        "output": [{**MESSAGE, "content": [TEXT]}],
        "usage": {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8, "x": 2},
    },
}
USAGE = UpstreamJson("openai_responses", LAST["response"]["usage"])
REST = (Finish(0, "stop"), Counted(Usage(3, 5, source=USAGE), "up"))


def copy(*bodies: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**body} for body in bodies]


def test_events_are_forwarded_with_own_numbers_and_ids() -> None:
    unknown = {"type": "response.tomorrow", "sequence_number": 77, "x": [1]}
    given = copy(CREATED, added(0, MESSAGE), PART, DELTA, unknown, LAST)

    events = streamed(forwarded(*given, events=REST))

    assert kinds(events) == [
        *("created", "output_item.added", "content_part.added", "output_text.delta"),
        *("tomorrow", "completed"),
    ]
    assert events[0]["response"]["id"] == events[-1]["response"]["id"] == ID
    assert (events[0]["response"]["model"], events[0]["response"]["x"]) == ("up", 1)
    assert events[4] == {**unknown, "sequence_number": 4}
    assert events[-1]["response"]["usage"]["x"] == 2
    assert events[-1]["response"]["output"][0]["content"] == [TEXT]


def test_a_stream_that_begins_without_its_first_event_gets_one() -> None:
    events = streamed(forwarded(*copy(done(0, MESSAGE), LAST), events=REST))

    assert kinds(events) == ["created", "output_item.done", "completed"]


def test_encrypted_reasoning_is_tagged_in_items_and_in_the_last_event() -> None:
    secret = {**REASONING, "encrypted_content": "gAAA"}
    last = {**LAST, "response": {"status": "completed", "output": [{**secret}]}}
    events = streamed(forwarded(*copy(CREATED, done(0, secret), last), events=REST))

    tag = tagged("p/m", "gAAA")
    assert events[1]["item"]["encrypted_content"] == tag
    assert events[-1]["response"]["output"][0]["encrypted_content"] == tag


def test_an_item_keeps_its_first_id() -> None:
    first, later = added(0, {**MESSAGE, "id": "one"}), done(0, {**MESSAGE, "id": "two"})
    delta = {**DELTA, "item_id": "three"}
    events = streamed(forwarded(*copy(CREATED, first, delta, later, LAST), events=REST))

    assert [event["item"]["id"] for event in events if "item" in event] == ["one", "one"]
    assert events[2]["item_id"] == "one"
    assert events[-1]["response"]["output"][0]["id"] == "one"


def test_an_item_without_an_id_gets_one() -> None:
    item = {**MESSAGE, "id": ""}
    given = copy(CREATED, added(0, item), {**DELTA, "item_id": None}, done(0, item), LAST)
    events = streamed(forwarded(*given, events=REST))

    ids = [event["item"]["id"] for event in events if "item" in event]
    assert ids == [events[2]["item_id"]] * 2
    assert ids[0]


def test_an_empty_output_at_the_end_is_filled_with_the_items() -> None:
    item = {**MESSAGE, "content": [TEXT]}
    last = {"type": "response.completed", "response": {"status": "completed", "output": []}}
    events = streamed(forwarded(*copy(CREATED, done(0, item), last), events=REST))

    assert events[-1]["response"]["output"] == [item]
    assert events[-1]["response"]["usage"]["total_tokens"] == 8


@pytest.mark.parametrize("index", [-1, 10**12, "0", None, [0]])
def test_an_event_of_no_place_is_forwarded_as_it_is(index: Any) -> None:
    event = {**DELTA, "output_index": index, "content_index": {}}
    events = streamed(forwarded(*copy(CREATED, event, LAST), events=REST))

    assert events[1]["output_index"] == index


def continued(*before: dict[str, Any]) -> list[dict[str, Any]]:
    """Let another model of another dialect continue after these events."""
    stream = [*forwarded(*copy(*before)), Frame((OVER,)), *frames(Delta(content="lo"))]
    events = streamed(stream)
    assert kinds(events).count("created") == 1
    assert events[-1]["response"]["rescued"] == {"from": ["p/m"], "by": "q/n"}
    return events


def test_another_model_goes_on_in_the_open_item() -> None:
    events = continued(CREATED, added(0, MESSAGE), PART, DELTA)

    assert kinds(events)[4:] == [
        *("output_text.delta", "output_text.done", "content_part.done", "output_item.done"),
        "completed",
    ]
    assert {event["item_id"] for event in events if "item_id" in event} == {"msg_up"}
    assert {event["content_index"] for event in events if "content_index" in event} == {0}
    assert events[5]["text"] == "Hello"
    (message,) = events[-1]["response"]["output"]
    assert (message["content"][0]["text"], message["phase"]) == ("Hello", "final")


def test_complete_items_before_the_failover_are_in_the_whole_output() -> None:
    thought = {**REASONING, "summary": [{"type": "summary_text", "text": "A"}]}
    events = continued(
        CREATED,
        added(0, REASONING),
        done(0, thought),
        added(1, MESSAGE),
        inner("output_text.delta", 1, delta="Hel"),
    )

    first, second = events[-1]["response"]["output"]
    assert first == thought
    assert second["content"][0]["text"] == "Hello"


def test_open_reasoning_is_completed_before_the_next_text() -> None:
    summary = inner(
        "reasoning_summary_text.delta", 0, "summary_index", delta="Because", item_id="rs_up"
    )
    events = continued(CREATED, added(0, REASONING), summary)

    assert kinds(events)[3:6] == [
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
    ]
    thought, message = events[-1]["response"]["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": "Because"}]
    assert message["content"][0]["text"] == "lo"


def test_a_complete_part_of_an_open_message_is_kept() -> None:
    ended = inner("content_part.done", 0, part=TEXT)
    events = continued(CREATED, added(0, MESSAGE), PART, DELTA, ended)

    (message,) = events[-1]["response"]["output"]
    assert [part["text"] for part in message["content"]] == ["Hel", "lo"]


def test_the_second_model_is_written_from_its_events_also_in_the_same_dialect() -> None:
    source = UpstreamJson("openai_responses", {**DELTA, "item_id": "other", "output_index": 7})
    stream = [
        *forwarded(*copy(CREATED, added(0, MESSAGE), PART, DELTA)),
        Frame((OVER,)),
        Frame((Delta(content="lo"),), source),
        *frames(),
    ]

    events = streamed(stream)

    assert {event["item_id"] for event in events if "item_id" in event} == {"msg_up"}
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "Hello"


def test_a_last_event_whose_tokens_changed_still_completes_the_forwarded_items() -> None:
    before = forwarded(*copy(CREATED, added(0, MESSAGE), PART, DELTA))
    changed = Frame((Finish(0, "stop"), Counted(Usage(30, 5), "up"), End()))

    events = streamed([*before, changed])

    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["usage"]["total_tokens"] == 35
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "Hel"
