"""A caller of OpenAI's Responses surface receives an answer of its dialect without a loss."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chatd import dialects, surfaces
from chatd.canonical.collecting import collected
from chatd.canonical.events import Frame, as_frames
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.upstream_http import HttpResponse
from tests.chatd.canonical import wire
from tests.support.responses_output import responses, streams

PLACES = st.lists(st.integers(0, 5_000), max_size=8)
REQUEST = ChatRequest("m", (), stream=True)
few = settings(max_examples=40, deadline=None)


def parsed(body: Any) -> Response:
    response = HttpResponse(200, {}, json.dumps(body).encode())
    return dialects.load_dialect("openai_responses").parse(response)


def served() -> Served:
    return Served("p", "m", "request-1")


def written(response: Response) -> Any:
    return surfaces.surface("openai_responses").write(REQUEST, response, served())


def sse(events: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events
    )


def frames(body: bytes, places: Sequence[int] = ()) -> Any:
    response = HttpResponse(200, {}, b"")
    return dialects.load_dialect("openai_responses").events(response, wire.cut(body, places))


def streamed(read: Any) -> list[dict[str, Any]]:
    """Write the stream, and read it as a client does."""
    writer = surfaces.surface("openai_responses").stream(REQUEST, "request-1")
    body = b"".join(writer.write(read, served())).decode()
    events = []
    for piece in body.removesuffix("\n\n").split("\n\n"):
        name, data = piece.split("\ndata: ", 1)
        events.append(json.loads(data))
        assert name == f"event: {events[-1]['type']}"
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def within(sent: Any, received: Any) -> bool:
    """Return whether a received response has every field that was sent, but for its id."""
    if isinstance(sent, dict) and sent.get("object") == "response":
        return all(
            name == "id" or wire.same(received[name]) == wire.same(value)
            for name, value in sent.items()
        )
    return wire.same(sent) == wire.same(received)


@few
@given(responses())
def test_a_caller_receives_the_response_unchanged(sent: dict[str, Any]) -> None:
    body = written(parsed(sent))

    assert within(sent, body)
    assert body["id"] == "resp_request1"
    assert body["store"] is False


@few
@given(responses())
def test_a_response_is_unchanged_after_a_conversion_to_frames(sent: dict[str, Any]) -> None:
    assert within(sent, written(collected(as_frames(parsed(sent)))))


@few
@given(streams(), PLACES)
def test_a_caller_receives_every_event_unchanged(
    sent: list[dict[str, Any]], places: list[int]
) -> None:
    received = streamed(frames(sse(sent), places))

    assert len(received) == len(sent)
    for before, after in zip(sent, received, strict=True):
        response = before.pop("response", None)
        assert within(response, after.pop("response", None))
        assert wire.same(before) == wire.same(after)


CONTENT = {
    "message": ("content",),
    "reasoning": ("summary",),
    "function_call": ("call_id", "name", "arguments"),
    "custom_tool_call": ("call_id", "name", "input"),
    "web_search_call": ("action",),
}


def content(output: list[dict[str, Any]]) -> list[Any]:
    """Return what the items hold; parts of a message without their unnamed fields."""
    found: list[Any] = []
    for item in output:
        fields = {name: item[name] for name in CONTENT[item["type"]]}
        if item["type"] == "message":
            fields["content"] = [
                part.get("text") or part.get("refusal") for part in item["content"]
            ]
        if found and "content" in fields and "content" in found[-1]:
            found[-1]["content"] += fields["content"]
        else:
            found.append(fields)
    return found


@few
@given(streams())
def test_a_stream_without_its_source_has_the_same_content(sent: list[dict[str, Any]]) -> None:
    without = [Frame(frame.events) for frame in frames(sse(sent))]

    received = streamed(without)

    last = received[-1]["response"]
    assert received[-1]["type"] == sent[-1]["type"]
    assert content(last["output"]) == content(sent[-1]["response"]["output"])
    done = [event["item"] for event in received if event["type"] == "response.output_item.done"]
    assert done == last["output"]
    assert len({item["id"] for item in done}) == len(done)


@few
@given(streams(), st.data())
def test_any_frames_without_a_source_at_the_end_complete_the_forwarded_items(
    sent: list[dict[str, Any]], data: st.DataObject
) -> None:
    read = list(frames(sse(sent)))
    cut = data.draw(st.integers(0, len(read)))
    mixed = [*read[:cut], *(Frame(frame.events) for frame in read[cut:])]

    received = streamed(mixed)

    kinds = [event["type"] for event in received]
    assert kinds.count("response.created") == 1
    assert kinds[-1] in ("response.completed", "response.incomplete")
    texts = [e["delta"] for e in received if e["type"] == "response.output_text.delta"]
    parts = [p for e in received[-1]["response"]["output"] for p in e.get("content", ())]
    assert "".join(texts) == "".join(part.get("text", "") for part in parts)
