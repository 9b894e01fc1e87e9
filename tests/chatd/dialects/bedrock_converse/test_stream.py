"""A stream of ConverseStream is read block by block, to its stop reason and its usage."""

from __future__ import annotations

from base64 import b64encode

import pytest

from chatd.canonical.content import Text, Thinking, ToolCall
from chatd.canonical.events import Counted, Delta, End, Finish
from chatd.canonical.response import Response
from chatd.errors import UpstreamError
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

TEXT = (START, delta(0, text="Hel"), delta(0, text="lo"), closed(0))


def blocks(response: Response) -> list[object]:
    return [
        (block.name, block.arguments) if isinstance(block, ToolCall) else block.text
        for block in response.first.blocks
        if isinstance(block, ToolCall | Text | Thinking)
    ]


def test_a_text_a_stop_reason_and_the_usage_after_it() -> None:
    response = streamed(*TEXT, stop(), METADATA)

    assert response.first.content == "Hello"
    assert response.first.finish_reason == "stop"
    assert (response.usage.input_tokens, response.usage.output_tokens) == (11, 7)


def test_no_frame_comes_before_the_first_content() -> None:
    found = frames(body(START, delta(0, text=""), delta(0, text="Hi"), stop(), METADATA))

    (first,) = next(found).events
    assert isinstance(first, Delta)
    assert first.content == "Hi"


def test_the_end_follows_the_usage() -> None:
    kinds = [type(event) for event in events(*TEXT, stop(), METADATA)]

    assert kinds[-3:] == [Finish, Counted, End]


def test_thinking_with_its_signature_comes_before_the_text() -> None:
    response = streamed(
        START,
        thought(0, text="Let me "),
        thought(0, text="see."),
        thought(0, signature="c2ln"),
        closed(0),
        delta(1, text="Yes."),
        stop(),
        METADATA,
    )

    thinking, text = response.first.blocks
    assert isinstance(thinking, Thinking)
    assert (thinking.text, thinking.signature) == ("Let me see.", "c2ln")
    assert isinstance(text, Text)
    assert text.text == "Yes."


def test_pieces_of_redacted_thinking_are_joined() -> None:
    pieces = [b64encode(part).decode() for part in (b"abc", b"d")]
    response = streamed(
        START, *(thought(0, redactedContent=one) for one in pieces), closed(0), stop(), METADATA
    )

    (thinking,) = response.first.blocks
    assert isinstance(thinking, Thinking)
    assert thinking.redacted == b64encode(b"abcd").decode()


def test_redacted_thinking_without_the_end_of_its_block_is_kept() -> None:
    response = streamed(START, thought(0, redactedContent="YQ=="), stop(), METADATA)

    assert [block.redacted for block in response.first.blocks if isinstance(block, Thinking)] == [
        "YQ=="
    ]


def test_calls_are_numbered_and_their_arguments_joined() -> None:
    response = streamed(
        START,
        delta(0, text="I look."),
        begun(1, "weather", "a"),
        delta(1, toolUse={"input": '{"city":'}),
        delta(1, toolUse={"input": '"Bern"}'}),
        closed(1),
        begun(2, "time", "b"),
        closed(2),
        stop("tool_use"),
        METADATA,
    )

    assert blocks(response) == ["I look.", ("weather", '{"city":"Bern"}'), ("time", "{}")]
    assert [call.id for call in response.first.tool_calls] == ["a", "b"]
    assert response.first.finish_reason == "tool_calls"


def test_a_second_text_begins_a_block() -> None:
    response = streamed(START, delta(0, text="a"), closed(0), delta(1, text="b"), stop(), METADATA)

    assert blocks(response) == ["a", "b"]


def test_blocks_of_bedrocks_own_tools_and_images_are_left_out() -> None:
    result = {"toolResult": {"toolUseId": "s", "type": "x"}}
    response = streamed(
        START,
        begun(0, "nova_grounding", "s", type="server_tool_use"),
        delta(0, toolUse={"input": "{}"}),
        closed(0),
        ("contentBlockStart", {"start": result, "contentBlockIndex": 1}),
        delta(1, toolResult=[{"text": "found"}]),
        closed(1),
        ("contentBlockStart", {"start": {"image": {"format": "png"}}, "contentBlockIndex": 2}),
        delta(2, image={"source": {"bytes": "aGk="}}),
        delta(3, text="Here."),
        delta(3, citation={"title": "T"}),
        stop("tool_use"),
        METADATA,
    )

    assert blocks(response) == ["Here."]
    assert response.first.finish_reason == "stop"


@pytest.mark.parametrize(
    "more",
    [
        [("contentBlockStart", {"start": {}, "contentBlockIndex": 0})],
        [("ping", {"x": 1}), ("initial-response", {})],
    ],
)
def test_an_unknown_event_and_an_empty_start_change_nothing(more: list[Sent]) -> None:
    assert blocks(streamed(START, *more, *TEXT[1:], stop(), METADATA)) == ["Hello"]


@pytest.mark.parametrize(
    "sent",
    [
        [*TEXT],
        [*TEXT, METADATA],
        [START],
        [],
        [START, begun(0), delta(0, toolUse={"input": "{}"}), closed(0)],
    ],
)
def test_a_stream_without_message_stop_has_died(sent: list[Sent]) -> None:
    with pytest.raises(UpstreamError, match="without messageStop") as refused:
        events(*sent)

    assert refused.value.malformed


def test_a_stream_is_complete_without_its_usage() -> None:
    found = events(*TEXT, stop("max_tokens"))

    assert [type(event) for event in found[-2:]] == [Finish, End]


def test_an_answer_without_content_is_complete() -> None:
    response = streamed(START, stop(), METADATA)

    assert response.first.blocks == ()
    assert response.first.finish_reason == "stop"


def test_an_event_after_the_usage_is_not_read() -> None:
    sent = body(*TEXT, stop(), METADATA) + event_stream.event("messageStop", {"x": 1})

    assert isinstance(list(frames(sent))[-1].events[-1], End)


@pytest.mark.parametrize(
    "sent",
    [
        delta(0, toolUse={"input": "{}"}),  # of no call
        delta(0, text=7),
        ("contentBlockDelta", {"delta": {"text": "x"}}),
        ("contentBlockDelta", {"delta": {"text": "x"}, "contentBlockIndex": -1}),
        ("contentBlockDelta", {"delta": [], "contentBlockIndex": 0}),
        ("contentBlockStart", {"start": {"toolUse": []}, "contentBlockIndex": 0}),
        ("contentBlockStart", {"start": 1, "contentBlockIndex": 0}),
        ("messageStop", {}),
        ("messageStop", {"stopReason": None}),
        thought(0, text=[]),  # type: ignore[arg-type]  # the worst upstream
    ],
)
def test_an_event_of_another_shape_is_refused(sent: Sent) -> None:
    with pytest.raises(UpstreamError, match="holds an event that is not one") as refused:
        events(START, sent)

    assert refused.value.malformed


@pytest.mark.parametrize(
    "sent",
    [
        [begun(0), begun(0)],
        [begun(0), delta(0, text="x")],
        [delta(0, text="x"), delta(0, toolUse={"input": "{}"})],
        [delta(0, text="x"), thought(0, text="y")],
        [thought(0, text="y"), delta(0, text="x")],
        [stop(), stop()],
        [stop(), delta(0, text="x")],
        [thought(0, redactedContent="a"), thought(0, redactedContent="YQ=="), closed(0)],
    ],
)
def test_events_out_of_order_are_refused(sent: list[Sent]) -> None:
    with pytest.raises(UpstreamError, match="holds an event that is not one"):
        events(START, *sent)


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'"x"', b"\xff"])
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    headers = {":event-type": "contentBlockDelta", ":message-type": "event"}

    with pytest.raises(UpstreamError, match="holds an event that is not one"):
        list(frames(event_stream.message(headers, payload)))


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_a_malformed_output_is_a_failure_and_no_end(reason: str) -> None:
    with pytest.raises(UpstreamError, match="malformed") as refused:
        events(*TEXT, stop(reason), METADATA)

    assert refused.value.allows_fallback
