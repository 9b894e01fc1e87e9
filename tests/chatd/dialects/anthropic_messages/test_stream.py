"""A stream of Anthropic's Messages becomes frames with canonical events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.canonical.collecting import collected
from chatd.canonical.content import Opaque, Text, Thinking, ToolCall
from chatd.canonical.events import Counted, Delta, End, Finish, Frame, Head, ToolCallDelta
from chatd.canonical.response import Response
from chatd.dialects.anthropic_messages.dialect import AnthropicMessages
from chatd.errors import (
    ChatdError,
    UpstreamError,
    UpstreamOverloadedError,
)
from chatd.upstream_http import HttpResponse

MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
START = {"type": "message_start", "message": {**MESSAGE, "usage": {"input_tokens": 3}}}
STOP = {"type": "message_stop"}
TEXT = {"type": "text", "text": ""}
CALL = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}


def begin(index: int, block: Any = None) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block or TEXT}


def add(index: int, kind: str = "text_delta", **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def close(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def end(reason: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}, **more}


def body(*events: Any) -> bytes:
    return b"".join(b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n" for event in events)


def frames(*events: Any) -> list[Frame]:
    return list(AnthropicMessages().events(HttpResponse(200, {}, b""), iter((body(*events),))))


def whole(*events: Any) -> Response:
    return collected(iter(frames(*events)))


def texts(response: Response) -> list[str]:
    return [block.text for block in response.first.blocks if isinstance(block, Text)]


def shown(event: Any) -> Any:
    """Show an event by its parts that hold something."""
    names = [name for name in type(event).__slots__ if getattr(event, name) not in (None, (), "")]
    return type(event).__name__, {name: getattr(event, name) for name in names}


HELLO = (START, begin(0), add(0, text="Hel"), add(0, text="lo"), close(0), end(), STOP)


def test_each_event_is_a_frame_with_the_upstreams_json() -> None:
    found = frames(*HELLO)

    assert [frame.source.body for frame in found if frame.source] == list(HELLO)
    kinds = [[type(event) for event in frame.events] for frame in found]
    assert kinds == [[Head], [], [Delta], [Delta], [], [Finish, Counted], [End]]


def test_texts_ids_and_tokens_are_read() -> None:
    found = whole(*HELLO)

    assert (found.first.content, found.first.finish_reason) == ("Hello", "stop")
    assert (found.id, found.model) == ("msg_1", "m")
    assert (found.usage.input_tokens, found.usage.output_tokens) == (3, 7)


def test_only_the_first_piece_of_a_block_begins_a_block() -> None:
    events = [START, begin(0), add(0, text="a"), add(0, text="b"), close(0)]
    events += [begin(1), add(1, text="c"), close(1), end(), STOP]

    deltas = [event for frame in frames(*events) for event in frame.events if type(event) is Delta]

    assert [(delta.content, delta.begins) for delta in deltas] == [
        ("a", True),
        ("b", False),
        ("c", True),
    ]
    assert texts(whole(*events)) == ["ab", "c"]


def test_thinking_has_its_signature() -> None:
    empty = {"type": "thinking", "thinking": "", "signature": ""}
    events = [START, begin(0, empty), add(0, "thinking_delta", thinking="Hm.")]
    events += [add(0, "signature_delta", signature="s"), close(0), begin(1), add(1, text="Hi")]

    thought, text = whole(*events, close(1), end(), STOP).first.blocks

    assert isinstance(thought, Thinking)
    assert isinstance(text, Text)
    assert (thought.text, thought.signature, text.text) == ("Hm.", "s", "Hi")


def test_thinking_that_is_kept_secret_is_its_signature_alone() -> None:
    secret = {"type": "thinking", "thinking": "", "signature": ""}
    events = [START, begin(0, secret), add(0, "signature_delta", signature="s"), close(0), end()]

    (thought,) = whole(*events, STOP).first.blocks

    assert isinstance(thought, Thinking)
    assert (thought.text, thought.signature) == ("", "s")


def test_redacted_thinking_is_a_whole_block() -> None:
    events = [START, begin(0, {"type": "redacted_thinking", "data": "d"}), close(0), end(), STOP]

    (thought,) = whole(*events).first.blocks

    assert isinstance(thought, Thinking)
    assert thought.redacted == "d"


def test_calls_are_numbered_and_their_arguments_come_in_pieces() -> None:
    events = [START, begin(0, CALL), add(0, "input_json_delta", partial_json="")]
    events += [add(0, "input_json_delta", partial_json=piece) for piece in ('{"a"', ": 1}")]
    events += [close(0), begin(1, {**CALL, "id": "d"}), close(1), end("tool_use"), STOP]

    pieces = [
        piece
        for frame in frames(*events)
        for event in frame.events
        if type(event) is Delta
        for piece in event.tool_calls
    ]

    assert [(piece.index, piece.id, piece.name, piece.arguments) for piece in pieces] == [
        *((0, "c", "f", ""), (0, None, None, '{"a"'), (0, None, None, ": 1}")),
        *((1, "d", "f", ""), (1, None, None, "{}")),
    ]
    assert whole(*events).first.finish_reason == "tool_calls"


def test_arguments_may_come_whole_at_the_start() -> None:
    events = [START, begin(0, {**CALL, "input": {"a": 1}}), close(0), end("tool_use"), STOP]

    (call,) = whole(*events).first.tool_calls

    assert call.arguments == '{"a":1}'


def test_a_call_that_is_not_closed_is_closed_by_the_stop_reason() -> None:
    (call,) = whole(START, begin(0, CALL), end("tool_use"), STOP).first.tool_calls

    assert call.arguments == "{}"


def test_blocks_may_be_open_at_once() -> None:
    events = [START, begin(0), begin(1, CALL), begin(2), add(0, text="a")]
    events += [add(1, "input_json_delta", partial_json="{}"), add(2, text="b"), add(0, text="c")]
    events += [close(1), close(0), close(2), end("tool_use"), STOP]

    blocks = whole(*events).first.blocks

    assert [type(block) for block in blocks] == [ToolCall, Text, Text, Text]
    assert texts(whole(*events)) == ["a", "b", "c"]


def test_a_closed_index_may_be_used_again() -> None:
    events = [START, begin(0), add(0, text="a"), close(0), begin(0), add(0, text="b"), close(0)]

    assert texts(whole(*events, end(), STOP)) == ["a", "b"]


def test_a_block_of_another_type_is_kept_with_its_deltas() -> None:
    events = [START, begin(0, SEARCH)]
    events += [add(0, "input_json_delta", partial_json=piece) for piece in ('{"query"', ': "x"}')]
    events += [close(0), begin(1, {"type": "compaction", "content": None, "n": 1})]
    events += [add(1, "compaction_delta", content="Su"), add(1, "compaction_delta", content="m")]

    search, summary = whole(*events, close(1), end(), STOP).first.blocks

    assert isinstance(search, Opaque)
    assert isinstance(summary, Opaque)
    assert search.extra.fields == {"id": "s", "name": "web_search", "input": {"query": "x"}}
    assert (summary.kind, summary.extra.fields) == ("compaction", {"content": "Sum", "n": 1})


def test_an_opaque_block_is_a_part_of_the_answer_from_its_start_on() -> None:
    *_, last = frames(START, begin(0, SEARCH), close(0), end(), STOP)[:2]

    assert [type(event.blocks[0]) for event in last.events if type(event) is Delta] == [Opaque]


def test_input_of_an_opaque_block_that_is_no_json_stays_a_text() -> None:
    events = [START, begin(0, SEARCH), add(0, "input_json_delta", partial_json="{oops"), close(0)]

    (block,) = whole(*events, end(), STOP).first.blocks

    assert isinstance(block, Opaque)
    assert block.extra.fields["input"] == "{oops"


def test_citations_and_unknown_deltas_belong_to_their_text() -> None:
    events = [START, begin(0, {**TEXT, "citations": [], "x": 1}), add(0, text="a")]
    events += [add(0, "citations_delta", citation={"url": n}) for n in "uv"]
    events += [add(0, "shade_delta", shade="dark"), add(0, text="b"), close(0)]

    (text,) = whole(*events, end(), STOP).first.blocks

    assert isinstance(text, Text)
    assert text.text == "ab"
    assert text.extra is not None
    assert text.extra.fields == {"x": 1, "citations": [{"url": "u"}, {"url": "v"}], "shade": "dark"}


def test_unknown_events_are_forwarded_without_canonical_events() -> None:
    novel = {"type": "novelty", "x": [None, 1]}

    found = frames(*HELLO[:-1], novel, STOP)[-2]

    assert (found.events, found.source and found.source.body) == ((), novel)


@pytest.mark.parametrize(
    ("reason", "found"),
    [
        ("stop_sequence", "stop_sequence"),
        ("refusal", "content_filter"),
        ("pause_turn", "pause_turn"),
    ],
)
def test_the_stop_reason_ends_the_choice(reason: str, found: str) -> None:
    event = end(reason)
    event["delta"] |= {"stop_sequence": "END", "stop_details": {"category": "c"}}

    response = whole(*HELLO[:-2], event, STOP)

    assert (response.first.finish_reason, response.first.stop_sequence) == (found, "END")
    assert response.extra is not None
    assert response.extra.fields == {"stop_details": {"category": "c"}}


def test_usage_is_cumulative() -> None:
    later = end(None, usage={"output_tokens": 4})
    last = end(usage={"input_tokens": 5, "output_tokens": 9, "cache_read_input_tokens": 2})

    found = whole(*HELLO[:-2], later, last, STOP).usage

    assert (found.input_tokens, found.output_tokens, found.cached_tokens) == (7, 9, 2)


def test_tokens_are_reported_once_they_are_complete() -> None:
    first = frames(*HELLO)[0]

    assert [type(event) for event in first.events] == [Head]


def test_an_answer_may_have_no_content() -> None:
    assert whole(START, end(), STOP).first.blocks == ()


def test_message_stop_ends_an_answer_without_a_stop_reason() -> None:
    found = whole(*HELLO[:-2], STOP)

    assert (found.first.finish_reason, found.usage.input_tokens) == ("stop", 3)


def test_an_answer_with_a_stop_reason_needs_no_message_stop() -> None:
    *_, last = frames(*HELLO[:-1])

    assert ([type(event) for event in last.events], last.source) == ([Counted, End], None)


def test_the_cost_may_follow_the_end() -> None:
    *_, last = frames(*HELLO, {"type": "ping", "cost": "0.25"}, {"type": "ping"}, "x")

    assert [event.usage.cost_usd for event in last.events if type(event) is Counted] == [0.25]
    assert last.source is None


def test_the_cost_may_precede_the_end() -> None:
    assert whole(*HELLO[:-1], {"type": "ping", "cost": "0.25"}, STOP).usage.cost_usd == 0.25


@pytest.mark.parametrize("cut", range(len(HELLO) - 1))
def test_a_stream_that_closes_before_its_stop_reason_has_failed(cut: int) -> None:
    if cut == len(HELLO) - 2:
        assert whole(*HELLO[: cut + 1]).first.content == "Hello"
        return
    with pytest.raises(UpstreamError, match="without a stop reason") as failure:
        frames(*HELLO[:cut])

    assert failure.value.malformed


def test_no_frame_is_yielded_before_the_first_content() -> None:
    events = AnthropicMessages().events(
        HttpResponse(200, {}, b""),
        iter((body(START, {"type": "ping"}, begin(0)), body({"type": "error", "error": "no"}))),
    )

    with pytest.raises(ChatdError):
        next(events)


ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def test_an_error_event_is_the_providers_failure() -> None:
    found: list[Frame] = []
    chunks = iter((body(*HELLO[:3]), body(ERROR)))
    with pytest.raises(UpstreamOverloadedError, match="Overloaded"):
        found.extend(AnthropicMessages().events(HttpResponse(200, {}, b""), chunks))


OUT_OF_ORDER: dict[str, list[Any]] = {
    "no start": [begin(0)],
    "a second start": [START, START],
    "a delta of no block": [START, add(0, text="a")],
    "a stop of no block": [START, close(0)],
    "an open block begun again": [START, begin(0), begin(0)],
    "content after the stop reason": [START, end(), begin(0)],
    "a stop reason without a start": [end()],
    "an end without a start": [STOP],
    "an end without content": [START, STOP],
}
MISSHAPEN: dict[str, list[Any]] = {
    "no index": [START, {**begin(0), "index": None}],
    "a text as index": [START, {**begin(0), "index": "0"}],
    "a boolean as index": [START, {**begin(0), "index": True}],
    "a negative index": [START, begin(-1)],
    "no type": [START, {"index": 0}],
    "a number as type": [{"type": 1}],
    "a message that is a text": [{"type": "message_start", "message": 7}],
    "a block without a type": [START, begin(0, {"text": "a"})],
    "a block that is a list": [START, begin(0, [1])],
    "a text that is a number": [START, begin(0), add(0, text=1)],
    "thinking that is a list": [START, begin(0), add(0, "thinking_delta", thinking=[1])],
    "arguments of a text": [START, begin(0), add(0, "input_json_delta", partial_json="{")],
    "a text of a call": [START, begin(0, CALL), add(0, text="a")],
    "arguments that are an object": [
        START,
        begin(0, CALL),
        add(0, "input_json_delta", partial_json={}),
    ],
    "a delta that is a text": [START, begin(0), {**add(0), "delta": "a"}],
    "a list": [[1]],
    "a number": [7],
}


@pytest.mark.parametrize("name", [*OUT_OF_ORDER, *MISSHAPEN])
def test_events_out_of_order_or_of_another_shape_are_malformed(name: str) -> None:
    with pytest.raises(UpstreamError) as failure:
        frames(*{**OUT_OF_ORDER, **MISSHAPEN}[name])

    assert failure.value.malformed


def test_a_malformed_event_with_a_reason_has_the_reason() -> None:
    with pytest.raises(UpstreamError, match="the reason"):
        frames(START, {"detail": "the reason"})


def test_calls_have_the_providers_further_fields() -> None:
    caller = {**CALL, "caller": {"type": "direct"}}

    (call,) = whole(START, begin(0, caller), close(0), end("tool_use"), STOP).first.tool_calls

    assert call.extra is not None
    assert call.extra.fields == {"caller": {"type": "direct"}}


def test_a_tool_call_piece_has_only_what_its_event_has() -> None:
    piece = frames(START, begin(0, CALL), close(0), end(), STOP)[1].events[0]

    assert isinstance(piece, Delta)
    assert shown(piece.tool_calls[0])[1] == shown(ToolCallDelta(0, "c", "f"))[1]
