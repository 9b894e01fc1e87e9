"""A stream of another dialect is written as Anthropic's events, one block after another."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import Opaque, Text, Thinking
from chatd.canonical.events import Counted, Delta, End, Finish, Frame, Head, ToolCallDelta
from chatd.canonical.extra import Extra
from chatd.canonical.response import Usage
from chatd.errors import AnswerTooLargeError
from chatd.safe_json.item_limits import MAX_TOOL_CALLS
from chatd.surfaces import surface
from tests.chatd.surfaces.anthropic_messages.reading import NAME
from tests.chatd.surfaces.anthropic_messages.writing import events, frame, message, pieces

DONE = frame(Finish(0, "stop"), Counted(Usage(5, 7), "up"), End())


def call(index: int, arguments: str = "", **more: Any) -> ToolCallDelta:
    return ToolCallDelta(index, arguments=arguments, **more)


def calls(*given: ToolCallDelta) -> Frame:
    return frame(Delta(tool_calls=given))


def begun(index: int, arguments: str = "") -> ToolCallDelta:
    return call(index, arguments, id=f"c{index}", name=f"f{index}")


def used(index: int, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"c{index}", "name": f"f{index}", "input": given}


def test_the_events_of_a_text_are_anthropic_s() -> None:
    head = frame(Head("chatcmpl-1"), Delta(content="Hi"))

    kinds = [event["type"] for event in events([head, frame(Delta(content="!")), DONE])]

    assert kinds == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_the_message_has_its_id_model_reason_and_tokens() -> None:
    found = message([frame(Head("chatcmpl-1"), Delta(content="Hi")), DONE])

    assert found == {
        "id": "msg_11111111222233334444555555555555",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 7,
        },
    }


def test_known_tokens_and_anthropic_s_id_are_in_the_first_event() -> None:
    counted = Counted(Usage(50, 0, cached_tokens=20, cache_write_tokens=10), "up")

    start, *_ = events([frame(Head("msg_1"), counted), frame(Delta(content="a")), DONE])

    assert start["message"]["id"] == "msg_1"
    assert start["message"]["usage"] == {
        "input_tokens": 20,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 20,
        "output_tokens": 0,
    }


def test_only_the_piece_with_message_stop_is_the_end() -> None:
    written = pieces([frame(Delta(content="message_stop")), DONE])

    is_end = surface(NAME).is_end
    assert [is_end(piece) for piece in written] == [*[False] * (len(written) - 1), True]
    assert written[-1] == b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def test_nothing_is_written_after_the_end() -> None:
    frames = [frame(Delta(content="a")), DONE]

    assert pieces([*frames, frame(Counted(Usage(9, 9))), frame(End())]) == pieces(frames)


def test_thinking_a_signature_and_text_are_blocks_of_their_own() -> None:
    found = message(
        [
            frame(Delta(thinking="H")),
            frame(Delta(thinking="m", signature="sig")),
            frame(Delta(content="Hi")),
            DONE,
        ]
    )

    assert found["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "chatd1.YS91cA.sig"},
        {"type": "text", "text": "Hi"},
    ]


def test_a_signature_without_readable_thinking_is_a_block() -> None:
    found = message([frame(Delta(signature="sig")), frame(Delta(content="Hi")), DONE])

    assert found["content"][0] == {
        "type": "thinking",
        "thinking": "",
        "signature": "chatd1.YS91cA.sig",
    }


def test_a_delta_that_begins_a_block_begins_one() -> None:
    found = message([frame(Delta(content="a")), frame(Delta(content="b", begins=True)), DONE])

    assert [block["text"] for block in found["content"]] == ["a", "b"]


def test_whole_blocks_are_written_but_for_those_of_other_dialects() -> None:
    citations = Extra(NAME, {"citations": [{"type": "x"}]})
    blocks = (
        Thinking(redacted="xyz"),
        Text("Hi", citations),
        Opaque("server_tool_use", Extra(NAME, {"id": "s"})),
        Opaque("audio", Extra("openai_chat", {"data": "a"})),
    )

    found = message([frame(Delta(blocks=blocks)), DONE])

    assert found["content"] == [
        {"type": "redacted_thinking", "data": "chatd1.YS91cA.xyz"},
        {"type": "text", "text": "Hi", "citations": [{"type": "x"}]},
        {"type": "server_tool_use", "id": "s"},
    ]


@pytest.mark.parametrize(
    ("finish", "reason", "sequence"),
    [
        (Finish(0, "stop"), "end_turn", None),
        (Finish(0, "stop_sequence", stop_sequence="END"), "stop_sequence", "END"),
        (Finish(0, "length"), "max_tokens", None),
        (Finish(0, "content_filter"), "refusal", None),
        (Finish(0, "pause_turn"), "pause_turn", None),
        (Finish(0, "eos"), "end_turn", None),
    ],
)
def test_a_finish_reason_is_anthropic_s(finish: Finish, reason: str, sequence: str | None) -> None:
    found = message([frame(Delta(content="a")), frame(finish, End())])

    assert (found["stop_reason"], found["stop_sequence"]) == (reason, sequence)


def test_a_refusal_is_a_text_with_the_reason_refusal() -> None:
    found = message([frame(Delta(refusal="I ")), frame(Delta(refusal="won't")), DONE])

    assert found["content"] == [{"type": "text", "text": "I won't"}]
    assert found["stop_reason"] == "refusal"


def test_an_empty_answer_is_a_whole_message() -> None:
    found = message([DONE])

    assert (found["content"], found["stop_reason"]) == ([], "end_turn")


def test_only_the_first_choice_is_written() -> None:
    other = frame(Delta(1, content="b"), Finish(1, "length"))

    found = message([frame(Delta(content="a")), other, DONE])

    assert found["content"] == [{"type": "text", "text": "a"}]
    assert found["stop_reason"] == "end_turn"


def test_the_pieces_of_a_tool_call_are_its_input() -> None:
    found = message([calls(begun(0)), calls(call(0, '{"a"')), calls(call(0, ":1}")), DONE])

    assert found["content"] == [used(0, a=1)]
    assert found["stop_reason"] == "tool_use"


def test_a_call_after_a_complete_one_is_written_at_once() -> None:
    frames = [calls(begun(0, "{}")), calls(begun(1, '{"a"'))]

    kinds = [event["type"] for event in events(frames)]

    assert kinds[-3:] == ["content_block_stop", "content_block_start", "content_block_delta"]


def test_interleaved_calls_are_written_one_after_another() -> None:
    frames = [
        calls(begun(0, '{"a"'), begun(1)),
        calls(call(1, '{"b":'), begun(2, "{}")),
        calls(call(0, ":1}"), call(1, "2}")),
        DONE,
    ]

    assert message(frames)["content"] == [used(0, a=1), used(1, b=2), used(2)]


def test_text_within_an_unfinished_call_is_written_after_the_calls() -> None:
    frames = [
        calls(begun(0, '{"a"')),
        frame(Delta(content="te")),
        calls(call(0, ":1}"), begun(1, "{}")),
        frame(Delta(content="xt")),
        DONE,
    ]

    assert message(frames)["content"] == [used(0, a=1), used(1), {"type": "text", "text": "text"}]


def test_text_after_a_complete_call_is_written_at_once() -> None:
    frames = [calls(begun(0, "{}")), frame(Delta(content="te"))]

    assert events(frames)[-1]["delta"] == {"type": "text_delta", "text": "te"}


def test_a_text_and_a_call_in_one_delta_keep_their_order() -> None:
    frames = [frame(Delta(content="a", tool_calls=(begun(0, "{}"),))), DONE]

    assert message(frames)["content"] == [{"type": "text", "text": "a"}, used(0)]


def test_a_custom_call_has_its_text_as_input() -> None:
    given = [calls(call(0, '*** "B', id="c0", name="f0", kind="custom")), calls(call(0, "\n"))]

    given[1].events[0].tool_calls[0].kind = "custom"  # type: ignore[union-attr]  # a Delta

    assert message([*given, DONE])["content"] == [used(0, input='*** "B\n')]


@pytest.mark.parametrize(
    ("ids", "fitted"),
    [(("functions.f:0", "ü"), ("functions_f_0", "_")), (("a", "b"), ("a", "b"))],
)
def test_ids_fit_anthropic_s_pattern(ids: tuple[str, str], fitted: tuple[str, str]) -> None:
    given = [calls(call(n, "{}", id=one, name="f")) for n, one in enumerate(ids)]

    found = message([*given, DONE])["content"]

    assert tuple(block["id"] for block in found) == fitted


def test_ids_that_are_missing_or_come_twice_are_replaced() -> None:
    given = [calls(call(n, "{}", id=one, name="f")) for n, one in enumerate((None, "", "a", "a"))]

    ids = [block["id"] for block in message([*given, DONE])["content"]]

    assert len({*ids}) == 4
    assert all(one.isascii() and one for one in ids)


def test_more_tool_calls_than_the_limit_are_an_error() -> None:
    given = [calls(call(n, "{}", id=f"c{n}", name="f")) for n in range(MAX_TOOL_CALLS + 1)]

    with pytest.raises(AnswerTooLargeError):
        pieces(given)


def test_estimated_tokens_are_marked() -> None:
    estimated = Counted(Usage(5, 7, estimated=True, cost_usd=0.5))

    found = message([frame(Delta(content="a")), frame(Finish(0, "stop"), estimated, End())])

    assert found["usage"] == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 7,
        "cost": 0.5,
        "estimated": True,
    }
