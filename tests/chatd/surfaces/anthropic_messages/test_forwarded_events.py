"""Events of a provider of the same dialect are forwarded, also after a failover."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.events import Counted, Delta, End, Finish, Frame, Head
from chatd.canonical.extra import Extra
from chatd.canonical.response import FailedOver, Usage
from tests.chatd.surfaces.anthropic_messages.reading import NAME
from tests.chatd.surfaces.anthropic_messages.writing import (
    START,
    adds,
    begins,
    ends,
    events,
    finishes,
    frame,
    message,
    own,
    pieces,
)

STOP = {"type": "message_stop", "x_stop": 1}
OVER = FailedOver("b", "n", "a/m")
HELLO = [own(START), begins(0, type="text", text=""), adds(0, "text_delta", text="Hel")]
REST = [ends(0), finishes(), own(STOP, End())]


def test_every_event_is_forwarded_with_what_it_holds() -> None:
    citation = {"type": "citations_delta", "citation": {"type": "char_location"}}
    sent: list[dict[str, Any]] = [
        START,
        {"type": "ping"},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": "", "x": 1},
        },
        {"type": "content_block_delta", "index": 0, "delta": citation, "x_delta": 2},
        {"type": "content_block_stop", "index": 0, "x_stop": 3},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "server_tool_use", "id": "srvtoolu_1", "input": {}},
        },
        {"type": "content_block_stop", "index": 1},
        {"type": "new_event_of_a_beta", "value": [1]},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "pause_turn", "stop_sequence": None, "container": {"id": "c"}},
            "usage": {"output_tokens": 7, "server_tool_use": {"web_search_requests": 1}},
            "context_management": {"applied_edits": []},
        },
        STOP,
    ]

    assert events([own(event) for event in sent]) == sent


def test_the_first_event_is_completed() -> None:
    start, *_ = events([own({"type": "message_start", "message": {"id": "msg_1"}})])

    assert start["message"] == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        },
    }


def test_the_model_has_the_caller_s_name() -> None:
    named = {**START, "message": {**START["message"], "model": "claude-up"}}

    assert events([own(named)])[0]["message"]["model"] == "m"


def test_the_maker_s_tag_is_added_to_tokens() -> None:
    frames = [
        own(START),
        begins(0, type="thinking", thinking="", signature=""),
        adds(0, "thinking_delta", thinking="Hm"),
        adds(0, "signature_delta", signature="sig"),
        ends(0),
        begins(1, type="redacted_thinking", data="xyz"),
        ends(1),
        finishes(),
        own(STOP, End()),
    ]

    assert message(frames)["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "chatd1.YS91cA.sig"},
        {"type": "redacted_thinking", "data": "chatd1.YS91cA.xyz"},
    ]


def test_a_missing_end_of_a_block_is_written() -> None:
    assert message([*HELLO, finishes(), own(STOP, End())])["content"][0]["text"] == "Hel"


def test_recounted_tokens_replace_those_of_the_provider() -> None:
    recounted = frame(Finish(0, "stop"), Counted(Usage(30, 12), "claude-up"))

    found = message([*HELLO, ends(0), recounted, own(STOP, End())])

    assert found["usage"] == {
        "input_tokens": 30,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 12,
        "x_usage": 1,
    }


def test_further_fields_stay_where_the_tokens_are_recounted() -> None:
    further = Extra(NAME, {"stop_details": {"category": "x"}, "context_management": {"a": 1}})
    recounted = frame(Head("msg_up", further), Finish(0, "stop"), Counted(Usage(30, 12)))

    last = events([*HELLO, ends(0), recounted, own(STOP, End())])[-2]

    assert last["delta"] == {
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": {"category": "x"},
    }
    assert last["context_management"] == {"a": 1}


def test_a_stream_that_ends_without_its_last_event_is_completed() -> None:
    assert message([*HELLO, ends(0), finishes(), frame(End())])["stop_reason"] == "end_turn"


@pytest.mark.parametrize("closed", [False, True], ids=["within a block", "between blocks"])
def test_a_provider_of_the_same_dialect_continues_the_text(closed: bool) -> None:
    second = [
        frame(OVER, Delta(content="lo")),  # the failover takes the JSON of the first frame
        adds(4, "text_delta", text="!"),
        ends(4),
        begins(5, type="thinking", thinking="", signature=""),
        adds(5, "signature_delta", signature="sig"),
        ends(5),
        finishes("max_tokens"),
        own(STOP, End()),
    ]

    found = message([*HELLO, *([ends(0)] if closed else []), *second])

    text = ["Hel", "lo!"] if closed else ["Hello!"]
    assert [block["text"] for block in found["content"][:-1]] == text
    assert found["content"][-1]["signature"] == "chatd1.Yi9u.sig"  # of the second maker
    assert (found["id"], found["model"]) == ("msg_up", "m")
    assert found["stop_reason"] == "max_tokens"


def test_a_provider_of_another_dialect_continues_the_text() -> None:
    second = [
        frame(OVER, Delta(content="lo")),
        frame(Delta(content="!")),
        frame(Finish(0, "stop"), Counted(Usage(5, 7)), End()),
    ]

    found = message([*HELLO, *second])

    assert found["content"] == [{"type": "text", "text": "Hello!"}]


def test_a_provider_of_this_dialect_continues_the_text_of_another() -> None:
    first = frame(Delta(content="Hel"))

    second = [frame(OVER, Delta(content="lo")), adds(2, "text_delta", text="!"), ends(2)]
    found = message([first, *second, finishes(), own(STOP, End())])

    assert found["content"] == [{"type": "text", "text": "Hello!"}]
    assert found["id"] == "msg_11111111222233334444555555555555"


def test_the_last_event_names_the_models_of_a_failover() -> None:
    continued = [frame(OVER, Delta(content="lo")), adds(0, "text_delta", text="!")]

    for ending in (REST, [frame(Finish(0, "stop"), End())]):
        last = events([*HELLO, *continued, *ending])[-2]
        assert last["rescued"] == {"from": ["a/m"], "by": "b/n"}


def test_a_second_message_start_is_not_written() -> None:
    frames: list[Frame] = [*HELLO, frame(OVER), own(START), *REST]

    assert pieces(frames)[-1].startswith(b"event: message_stop")
    assert [event["type"] for event in events(frames)].count("message_start") == 1
