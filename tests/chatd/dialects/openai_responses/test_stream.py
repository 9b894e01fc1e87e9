"""Read streams of OpenAI's Responses dialect, with all of their events or only some."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.canonical.events import Counted, Delta, End, Finish, Head
from chatd.errors import AnswerTooLargeError, UpstreamError
from chatd.safe_json.item_limits import MAX_PARTS, MAX_TOOL_CALLS
from tests.chatd.dialects.openai_responses.wire import (
    DIALECT,
    OK,
    Json,
    added,
    answer,
    arguments,
    blocks,
    call,
    choice,
    completed,
    created,
    custom_call,
    delta,
    done,
    events_in,
    frames,
    message,
    reasoning,
    sse,
    summary,
    text_part,
    whole,
)

HELLO = message("Hello!")


def test_a_text_is_read_from_its_deltas_once() -> None:
    place = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    response = answer(
        created(),
        {"type": "response.in_progress", "response": whole()},
        added(0, HELLO),
        {"type": "response.content_part.added", **place, "part": text_part("")},
        delta(0, "Hel"),
        delta(0, "lo!"),
        {"type": "response.output_text.done", **place, "text": "Hello!"},
        {"type": "response.content_part.done", **place, "part": text_part("Hello!")},
        done(0, HELLO),
        completed(HELLO),
    )

    assert blocks(response.first) == [("Text", "Hello!")]
    assert response.first.finish_reason == "stop"
    assert (response.id, response.model) == ("resp_1", "model-1")
    assert (response.usage.input_tokens, response.usage.output_tokens) == (11, 7)


TEXT_DONE: Json = {"type": "response.output_text.done", "output_index": 0, "text": "Hello!"}


@pytest.mark.parametrize(
    "events",
    [
        [done(0, HELLO), completed()],
        [done(0, HELLO), completed(HELLO)],
        [TEXT_DONE, completed()],
        [TEXT_DONE, done(0, HELLO), completed(HELLO)],
        [completed(HELLO)],
        [created(), {"type": "response.output_text.delta", "delta": "Hello!"}, completed(HELLO)],
        [{"type": "response.output_text.delta", "delta": "Hello!"}, done(0, HELLO), completed()],
        [delta(0, "Hello!"), done(0, message("Hello!", id_="msg_other")), completed(HELLO)],
        [delta(0, "Hello!", id_="a"), delta(0, "", id_="b"), completed(message("Hello!", id_="c"))],
        [{"type": "response.done", "response": whole(HELLO)}],
        [delta(0, "Hello!"), {"type": "response.completed"}],
        [{"type": "response.output_item.done", "item": HELLO}, completed(HELLO)],
    ],
    ids=str,
)
def test_a_text_is_read_from_whichever_event_has_it(events: list[Json]) -> None:
    assert blocks(choice(*events)) == [("Text", "Hello!")]


def test_two_messages_are_two_texts_and_so_are_two_parts() -> None:
    found = choice(
        added(0, message()),
        delta(0, "One"),
        delta(0, "two", part=1),
        added(1, message(id_="msg_2")),
        delta(1, "three", id_="msg_2"),
        done(1, message("three", "four", id_="msg_2")),
        completed(message("One", "two"), message("three", "four", id_="msg_2"), message("five")),
    )

    texts = ["One", "two", "three", "four", "five"]
    assert blocks(found) == [("Text", text) for text in texts]


def test_items_of_a_server_that_gives_all_the_same_position_are_told_apart_by_id() -> None:
    one, two = message("One"), message("Two", id_="msg_2")

    found = choice(added(0, one), delta(0, "One"), done(0, one), done(0, two), completed(one, two))

    assert blocks(found) == [("Text", "One"), ("Text", "Two")]


def test_calls_that_are_interleaved_are_told_apart() -> None:
    first, second = call(), call('{"city":"Basel"}', "call_2")
    found = choice(
        added(0, first),
        arguments(0, '{"city"'),
        added(1, second),
        arguments(1, '{"city":"Basel"}', "fc_call_2"),
        arguments(0, ':"Bern"}'),
        done(0, first),
        done(1, second),
        completed(first, second),
    )

    assert [(one.id, one.arguments) for one in found.tool_calls] == [
        ("call_1", '{"city":"Bern"}'),
        ("call_2", '{"city":"Basel"}'),
    ]
    assert found.finish_reason == "tool_calls"


ARGUMENTS = '{"city":"Bern"}'
NAMELESS: Json = {"type": "function_call", "id": "fc_call_1", "arguments": ""}


@pytest.mark.parametrize(
    "events",
    [
        [done(0, call()), completed()],
        [completed(call())],
        [added(0, call()), done(0, call()), completed(call())],
        [added(0, call()), arguments(0, ARGUMENTS), completed()],
        [added(0, NAMELESS), arguments(0, ARGUMENTS), done(0, call()), completed()],
        [arguments(0, ARGUMENTS), done(0, call()), completed(call())],
        [
            added(0, call()),
            {
                "type": "response.function_call_arguments.done",
                "output_index": 0,
                "arguments": ARGUMENTS,
            },
            completed(),
        ],
        [
            {"type": "response.output_item.added", "output_index": 0, "item": call()},
            done(0, call()),
            completed(call()),
        ],
        [
            {"type": "response.output_item.added", "item": call()},
            {"type": "response.function_call_arguments.delta", "delta": ARGUMENTS},
            {"type": "response.output_item.done", "item": call()},
            completed(call()),
        ],
    ],
    ids=str,
)
def test_a_call_is_read_from_whichever_event_has_it(events: list[Json]) -> None:
    (found,) = choice(*events).tool_calls

    assert (found.id, found.name, found.arguments) == ("call_1", "weather", ARGUMENTS)


def test_a_call_without_arguments_is_an_empty_object() -> None:
    (found,) = choice(added(0, call("")), done(0, call("")), completed(call(""))).tool_calls

    assert found.arguments == "{}"


def test_a_custom_tool_s_input_is_read_from_its_deltas_or_whole() -> None:
    kind = "response.custom_tool_call_input"
    by_delta = choice(
        added(0, custom_call(namespace="ns")),
        {"type": f"{kind}.delta", "output_index": 0, "delta": "*** "},
        {"type": f"{kind}.delta", "output_index": 0, "delta": "Begin"},
        {"type": f"{kind}.done", "output_index": 0, "input": "*** Begin"},
        completed(custom_call(namespace="ns")),
    )
    whole_input = choice(
        added(0, custom_call()),
        {"type": f"{kind}.done", "output_index": 0, "input": "*** Begin"},
        completed(),
    )

    assert blocks(by_delta) == [("ToolCall", "call_c", "patch", "*** Begin", "custom", "ns")]
    assert blocks(whole_input) == [("ToolCall", "call_c", "patch", "*** Begin", "custom", "None")]


def test_the_namespace_of_a_call_is_in_its_first_piece() -> None:
    pieces = [
        piece
        for event in events_in(
            added(0, call(namespace="ns")), arguments(0, ARGUMENTS), completed(call(namespace="ns"))
        )
        if isinstance(event, Delta)
        for piece in event.tool_calls
    ]

    assert [(piece.name, piece.namespace) for piece in pieces] == [("weather", "ns"), (None, None)]


def test_thinking_is_read_with_its_signature() -> None:
    item = reasoning("First.")
    item["summary"] += [{"type": "summary_text", "text": "Second."}]
    found = choice(
        added(0, item),
        summary(0, "Fir"),
        summary(0, "st."),
        summary(0, "Second.", part=1),
        done(0, item),
        added(1, HELLO),
        delta(1, "Hello!"),
        completed(item, HELLO),
    )

    assert blocks(found) == [("Thinking", "First.\n\nSecond.", "gAAA"), ("Text", "Hello!")]


@pytest.mark.parametrize(
    ("events", "text", "token"),
    [
        ([done(0, reasoning()), completed()], "Hm.", "gAAA"),
        ([completed(reasoning())], "Hm.", "gAAA"),
        ([done(0, reasoning("")), completed(reasoning(""))], "", "gAAA"),
        ([summary(0, "Hm."), completed(reasoning(sealed=None))], "Hm.", "None"),
        (
            [
                {"type": "response.reasoning_text.delta", "output_index": 0, "delta": "Hm."},
                summary(0, "In short."),
                completed(reasoning("In short.")),
            ],
            "Hm.",
            "gAAA",
        ),
    ],
)
def test_reasoning_is_read_from_whichever_event_has_it(
    events: list[Json], text: str, token: str
) -> None:
    assert blocks(choice(*events)) == [("Thinking", text, token)]


def test_a_refusal_is_read_from_its_deltas_or_whole() -> None:
    item = message()
    item["content"] = [{"type": "refusal", "refusal": "I won't."}]
    by_delta = choice(
        {"type": "response.refusal.delta", "output_index": 0, "delta": "I "},
        {"type": "response.refusal.delta", "output_index": 0, "delta": "won't."},
        {"type": "response.refusal.done", "output_index": 0, "refusal": "I won't."},
        done(0, item),
        completed(item),
    )

    assert blocks(by_delta) == blocks(choice(completed(item))) == [("Refusal", "I won't.")]


def test_a_hosted_tool_s_item_is_kept_whole() -> None:
    item = {"type": "web_search_call", "id": "ws_1", "action": {"query": "x"}}

    found = choice(added(0, item), done(0, item), delta(1, "Hello!"), completed(item, HELLO))

    assert blocks(found) == [("Opaque", "web_search_call"), ("Text", "Hello!")]


def test_log_probabilities_and_citations_are_collected() -> None:
    note = {"type": "url_citation", "url": "https://h"}
    found = choice(
        {**delta(0, "Hel"), "logprobs": [{"token": "Hel"}]},
        {**delta(0, "lo!"), "logprobs": [{"token": "lo!"}]},
        {"type": "response.output_text.annotation.added", "output_index": 0, "annotation": note},
        completed(HELLO),
    )

    assert found.logprobs == {"content": [{"token": "Hel"}, {"token": "lo!"}]}
    assert found.extra is not None
    assert found.extra.nested == {"message": {"annotations": [note]}}


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"reason": "max_output_tokens"}, "length"),
        ({"reason": "content_filter"}, "content_filter"),
        (None, "length"),
    ],
)
def test_an_incomplete_response_has_its_reason(details: Any, reason: str) -> None:
    body = whole(HELLO, incomplete_details=details, status=None)

    found = choice(delta(0, "Hello!"), {"type": "response.incomplete", "response": body})

    assert (found.content, found.finish_reason) == ("Hello!", reason)


def test_the_end_is_the_finish_reason_the_tokens_and_the_end_mark() -> None:
    *_, last, end = frames(created(), delta(0, "Hello!"), completed(HELLO))

    assert [type(event) for event in last.events] == [Finish, Counted]
    assert [type(event) for event in end.events] == [Counted, End]


def test_frames_before_the_first_content_are_held_until_it_comes() -> None:
    def chunks() -> Any:
        for event in (created(), added(0, reasoning()), added(1, HELLO)):
            yield sse([event])
        yield b": ping\n\n"
        yield sse([{"type": "keepalive"}])
        read.append("before")
        yield sse([delta(1, "Hello!")])
        read.append("after")
        yield sse([completed(HELLO)])

    read: list[str] = []
    stream = DIALECT.events(OK, chunks())

    first = next(stream)

    assert read == ["before"]
    assert [type(event) for event in first.events] == [Head]
    kinds = [frame.source.body["type"] for frame in (first, *stream) if frame.source]
    assert kinds == [
        "response.created",
        "response.output_item.added",
        "response.output_item.added",
        "response.output_text.delta",
        "response.completed",
    ]


def test_a_hosted_tool_that_works_releases_the_held_frames() -> None:
    def chunks() -> Any:
        yield sse([created(), added(0, {"type": "web_search_call", "id": "ws_1"})])
        raise AssertionError("the frames are held too long")

    stream = DIALECT.events(OK, chunks())

    assert [next(stream).events != (), next(stream).events] == [True, ()]


def test_every_event_is_forwarded_unknown_ones_too() -> None:
    new = {"type": "response.new_thing", "x": 1}
    sent = [created(), delta(0, "Hello!"), new, {"type": "keepalive"}, completed(HELLO)]

    received = [frame.source.body for frame in frames(*sent) if frame.source]

    assert received == [{**event, "sequence_number": n} for n, event in enumerate(sent)]


def test_the_cost_may_follow_the_end() -> None:
    events = events_in(delta(0, "Hello!"), completed(HELLO), {"type": "ping", "cost": "0.00012"})

    counted = events[-1]
    assert isinstance(counted, Counted)
    assert (counted.usage.cost_usd, counted.usage.output_tokens) == (0.00012, 7)


def test_done_and_later_texts_are_ignored() -> None:
    body = sse([delta(0, "Hello!"), completed(HELLO)]) + b"data: [DONE]\n\n"

    assert len(list(DIALECT.events(OK, iter([body])))) == 3


@pytest.mark.parametrize(
    "events",
    [
        [],
        [created()],
        [created(), delta(0, "Hello!")],
        [created(), delta(0, "Hello!"), done(0, HELLO)],
        [created(), done(0, call())],
    ],
)
def test_a_stream_without_its_last_event_has_died(events: list[Json]) -> None:
    with pytest.raises(UpstreamError) as caught:
        events_in(*events)

    assert caught.value.malformed


def test_done_is_no_end_mark() -> None:
    body = sse([delta(0, "Hello!")]) + b"data: [DONE]\n\n"

    with pytest.raises(UpstreamError, match=r"without response\.completed"):
        list(DIALECT.events(OK, iter([body])))


def test_a_whole_response_to_a_request_for_a_stream_is_a_stream() -> None:
    body = json.dumps(whole(reasoning(), HELLO)).encode()

    found = list(DIALECT.events(OK, iter([body[:5], body[5:]])))

    assert found[-1].whole is not None
    assert isinstance(found[-1].events[-1], End)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_item.added", "item": 1},
        {"type": "response.output_item.done", "item": []},
        {"type": "response.output_item.done", "item": {"type": "message", "content": {}}},
        {"type": "response.completed", "response": 1},
        {"type": "response.completed", "response": {"output": {}}},
        {"type": 7},
        {},
        {"object": "chat.completion.chunk", "choices": []},
    ],
)
def test_an_event_of_another_shape_is_malformed(event: Json) -> None:
    with pytest.raises(UpstreamError) as caught:
        events_in(created(), event)

    assert caught.value.malformed


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_text.delta"},
        {"type": "response.output_text.delta", "delta": None},
        {"type": "response.output_text.delta", "delta": {"a": 1}},
        {"type": "response.output_text.delta", "delta": "", "output_index": "x"},
        {"type": "response.output_item.added"},
        {"type": "response.output_item.added", "item": None},
        {"type": "response.reasoning_summary_text.delta", "delta": None},
        {"type": "response.refusal.delta", "delta": 1},
        {"type": "response.function_call_arguments.delta", "delta": None},
        {"type": "response.output_text.annotation.added", "annotation": None},
        {"type": "response.output_text.done", "text": None},
        {"type": "response.created", "response": None},
    ],
)
def test_an_event_without_content_adds_nothing(event: Json) -> None:
    assert blocks(choice(event, delta(0, "Hello!"), completed(HELLO))) == [("Text", "Hello!")]


def test_a_stream_with_too_many_items_parts_or_calls_is_refused() -> None:
    items = [added(n, message(id_=f"msg_{n}")) for n in range(MAX_PARTS + 1)]
    parts = [delta(0, "x", part=n) for n in range(MAX_PARTS + 1)]
    calls = [added(n, call(id_=str(n))) for n in range(MAX_TOOL_CALLS + 1)]

    for events in (items, parts, calls):
        assert events_in(*events[:-1], completed())
        with pytest.raises(AnswerTooLargeError):
            events_in(*events, completed())


def test_too_many_values_before_the_first_content_are_refused() -> None:
    event = {"type": "response.in_progress", "response": {"x": [0] * 100_000}}

    with pytest.raises(AnswerTooLargeError):
        events_in(*[event] * 7)
