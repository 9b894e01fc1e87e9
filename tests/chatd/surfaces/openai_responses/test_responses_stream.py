"""Streams of OpenAI's Responses surface that are written from canonical events."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import Opaque, Text, Thinking
from chatd.canonical.events import Counted, Delta, End, Finish, Frame, Head, ToolCallDelta
from chatd.canonical.extra import Extra
from chatd.canonical.maker import tagged
from chatd.canonical.response import FailedOver, Usage
from chatd.canonical.served import Served
from chatd.errors import UpstreamError
from chatd.surfaces.openai_responses.surface import OpenAIResponses
from tests.chatd.surfaces.openai_responses.answers import (
    COUNTED,
    ID,
    events_of,
    frames,
    kinds,
    streamed,
    writer,
)

OWN = "openai_responses"


def call(index: int, arguments: str = "", **first: Any) -> Delta:
    return Delta(tool_calls=(ToolCallDelta(index, arguments=arguments, **first),))


def done(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event["item"] for event in events if event["type"] == "response.output_item.done"]


def output(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = events[-1]["response"]["output"]
    return found


def test_a_text_has_openai_s_events() -> None:
    events = streamed(frames(Head("up", None), Delta(content="Hel"), Delta(content="lo")))

    assert kinds(events) == [
        *("created", "in_progress", "output_item.added", "content_part.added"),
        *("output_text.delta", "output_text.delta", "output_text.done", "content_part.done"),
        *("output_item.done", "completed"),
    ]
    assert {event["response"]["id"] for event in events if "response" in event} == {ID}
    assert events[0]["response"]["status"] == "in_progress"
    assert [event["delta"] for event in events[4:6]] == ["Hel", "lo"]
    assert events[6]["text"] == "Hello"
    last = events[-1]["response"]
    assert (last["status"], last["usage"]["total_tokens"], last["model"]) == ("completed", 8, "m-1")
    assert last["output"] == done(events)
    assert last["output"][0]["content"][0]["text"] == "Hello"


def test_nothing_is_written_before_content() -> None:
    pieces = writer().write(iter([Frame((Head("up"),))]), Served("p", "m", "request-1"))

    assert list(pieces) == []


def test_each_frame_is_one_piece_and_the_end_its_own() -> None:
    stream = frames(Delta(content="Hi"))
    pieces = list(writer().write(iter(stream), Served("p", "m", "request-1")))

    ends = [OpenAIResponses().is_end(piece) for piece in pieces]
    assert ends == [False, False, True]


def test_reasoning_comes_with_its_tagged_token() -> None:
    events = streamed(
        frames(
            Delta(thinking="Be"),
            Delta(thinking="cause"),
            Delta(signature="sig"),
            Delta(content="!"),
        )
    )

    assert kinds(events)[2:9] == [
        *("output_item.added", "reasoning_summary_part.added"),
        *("reasoning_summary_text.delta", "reasoning_summary_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
    ]
    assert output(events)[0] == {
        "id": "rs_request1_0",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Because"}],
        "encrypted_content": tagged("p/m", "sig"),
    }


def test_a_block_that_begins_is_an_item_or_part_of_its_own() -> None:
    events = streamed(
        frames(
            Delta(thinking="A", begins=True),
            Delta(thinking="B", begins=True),
            Delta(content="C", begins=True),
            Delta(content="D", begins=True),
        )
    )

    first, second, message = output(events)
    assert [item["summary"][0]["text"] for item in (first, second)] == ["A", "B"]
    assert [part["text"] for part in message["content"]] == ["C", "D"]
    pieces = [event for event in events if event["type"] == "response.output_text.delta"]
    places = [event["content_index"] for event in pieces]
    assert places == [0, 1]


def test_a_refusal_is_a_part_beside_the_text() -> None:
    events = streamed(frames(Delta(content="Well"), Delta(refusal="No"), Delta(refusal=".")))

    assert "refusal.done" in kinds(events)
    assert [part["type"] for part in output(events)[0]["content"]] == ["output_text", "refusal"]
    assert output(events)[0]["content"][1]["refusal"] == "No."


def test_calls_one_after_another_are_items_one_after_another() -> None:
    events = streamed(
        frames(
            call(0, id="c0", name="f"),
            call(0, '{"a":'),
            call(0, " 1}"),
            call(1, "***", id="c1", name="patch", kind="custom", namespace="ns"),
            Delta(content="Done"),
            reason="tool_calls",
        )
    )

    function, custom, message = output(events)
    assert (function["arguments"], function["call_id"]) == ('{"a": 1}', "c0")
    assert (custom["input"], custom["namespace"], custom["type"]) == (
        "***",
        "ns",
        "custom_tool_call",
    )
    assert message["content"][0]["text"] == "Done"
    assert done(events) == [function, custom, message]
    assert "custom_tool_call_input.done" in kinds(events)


def test_pieces_of_two_calls_that_alternate_are_not_mixed() -> None:
    events = streamed(
        frames(
            call(0, '{"a":', id="c0", name="f"),
            call(1, '{"b":', id="c1", name="g"),
            call(0, "1}"),
            call(1, "2}"),
            call(2, '{"c":3}', id="c2", name="h"),
        )
    )

    assert [item["arguments"] for item in output(events)] == ['{"a":1}', '{"b":2}', '{"c":3}']
    assert done(events) == output(events)


def test_a_piece_of_a_call_that_is_over_fails_the_stream() -> None:
    stream = frames(call(0, "{}", id="c0", name="f"), Delta(content="Hi"), call(0, '{"late": 1}'))

    with pytest.raises(UpstreamError, match="tool call"):
        streamed(stream)


def test_a_call_without_arguments_has_an_empty_object() -> None:
    events = streamed(frames(call(0, id="c0", name="f")))

    assert output(events)[0]["arguments"] == "{}"


def test_a_response_cut_by_its_limit_is_incomplete() -> None:
    events = streamed(frames(call(0, '{"a":', id="c0", name="f"), reason="length"))

    last = events[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert (output(events)[0]["status"], output(events)[0]["arguments"]) == ("incomplete", '{"a":')


def test_whole_blocks_are_written_at_once() -> None:
    blocks = (
        Thinking(redacted="Zz"),
        Opaque("web_search_call", Extra(OWN, {"id": "ws_1"})),
        Opaque("server_tool_use", Extra("anthropic_messages", {})),
        Text("Hi", Extra(OWN, {"x": 1})),
    )
    events = streamed(frames(Delta(blocks=blocks), Delta(content=" there")))

    redacted, search, message = output(events)
    assert redacted["encrypted_content"] == tagged("p/m", "redacted_thinking:Zz")
    assert search == {"id": "ws_1", "type": "web_search_call"}
    assert [part["text"] for part in message["content"]] == ["Hi", " there"]
    assert message["content"][0]["x"] == 1
    assert done(events) == output(events)


def test_log_probabilities_and_citations_go_with_the_text() -> None:
    notes = Extra(OWN, {}, {"message": {"annotations": [{"type": "url_citation"}]}})
    token = {"token": "Hi", "logprob": -0.1}
    events = streamed(
        frames(
            Delta(thinking="A", logprobs={"content": [token]}),
            Delta(content="Hi", extra=notes),
        )
    )

    (delta,) = [event for event in events if event["type"] == "response.output_text.delta"]
    assert delta["logprobs"] == [token]
    (added,) = [event for event in events if event["type"].endswith("annotation.added")]
    assert (added["annotation"], added["annotation_index"]) == ({"type": "url_citation"}, 0)
    (part,) = output(events)[1]["content"]
    assert (part["annotations"], part["logprobs"]) == ([{"type": "url_citation"}], [token])


def test_only_the_first_choice_is_written() -> None:
    stream = [Frame((Delta(1, "No"), Finish(1, "stop"), Delta(0, "Yes")))]
    events = streamed([*stream, *frames()])

    assert [event["delta"] for event in events if "delta" in event] == ["Yes"]


def test_an_answer_without_content_is_complete() -> None:
    events = streamed(frames())

    assert kinds(events) == ["created", "in_progress", "completed"]
    assert output(events) == []


def test_frames_after_the_end_are_read_and_not_written() -> None:
    read = []

    def stream() -> Any:
        for frame in [*frames(Delta(content="Hi")), Frame((Counted(Usage(9, 9)),))]:
            read.append(frame)
            yield frame

    events = streamed(stream())

    assert len(read) == 5
    assert events[-1]["response"]["usage"]["total_tokens"] == 8


def test_a_failover_goes_on_in_the_open_text() -> None:
    over = FailedOver("q", "n", "p/m")
    events = streamed(
        frames(
            Delta(thinking="A", signature="one"), Delta(content="Hel"), over, Delta(content="lo")
        )
    )

    assert kinds(events).count("created") == 1
    assert kinds(events).count("output_item.added") == 2
    thought, message = output(events)
    assert thought["encrypted_content"] == tagged("p/m", "one")
    assert message["content"][0]["text"] == "Hello"
    assert events[-1]["response"]["rescued"] == {"from": ["p/m"], "by": "q/n"}


def test_the_tokens_of_the_second_model_have_its_name() -> None:
    over = FailedOver("q", "n", "p/m")
    stream = [
        *(Frame((event,)) for event in (Delta(content="Hi"), over, Delta(thinking="B"))),
        *frames(Delta(signature="two")),
    ]

    assert output(streamed(stream))[1]["encrypted_content"] == tagged("q/n", "two")


def test_the_extra_fields_of_a_response_of_this_dialect_are_kept() -> None:
    head = Head("up", Extra(OWN, {"service_tier": "default"}))
    pieces = writer().write(
        iter([Frame((head, Delta(content="Hi"))), Frame((Finish(0, "stop"), COUNTED, End()))]),
        Served("p", "m", "request-1"),
    )

    assert events_of(pieces)[-1]["response"]["service_tier"] == "default"
