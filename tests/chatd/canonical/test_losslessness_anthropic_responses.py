"""A caller of the Messages API receives responses and streams of that dialect without a loss."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatd import dialects, surfaces
from chatd.canonical.collecting import collected
from chatd.canonical.events import Frame, as_frames
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.upstream_http import HttpResponse
from tests.chatd.canonical import anthropic_wire, wire
from tests.pairs.messages_api import assembled
from tests.support.functions import post, stream
from tests.support.upstream import Upstream, chunked, reply

NAME, PATH = "anthropic_messages", "/v1/messages"
PLACES = st.lists(st.integers(0, 5_000), max_size=8)
few = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
REQUEST = ChatRequest("m", ())
SERVED = Served("p", "up", "request-1")
ASK = {"model": "mine/m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}


def parsed(body: Any) -> Response:
    response = HttpResponse(200, {}, json.dumps(body).encode())
    return dialects.load_dialect(NAME).parse(response)


def written(response: Response, surface: str = NAME) -> Any:
    return surfaces.surface(surface).write(REQUEST, response, SERVED)


def frames(sent: Sequence[dict[str, Any]], places: Sequence[int] = ()) -> Any:
    body = anthropic_wire.sse(sent)
    return dialects.load_dialect(NAME).events(HttpResponse(200, {}, b""), wire.cut(body, places))


def streamed(read: Any, surface: str = NAME) -> bytes:
    return b"".join(surfaces.surface(surface).stream(REQUEST, "request-1").write(read, SERVED))


def events_of(body: bytes) -> list[dict[str, Any]]:
    """Read a stream as a client does: an event's name is its type."""
    found = []
    for event in body.decode().split("\n\n")[:-1]:
        name, _, data = event.partition("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


@few
@given(anthropic_wire.messages())
def test_a_caller_receives_the_response_but_for_tags(sent: dict[str, Any]) -> None:
    assert wire.same(anthropic_wire.without_tags(written(parsed(sent)))) == wire.same(sent)


@few
@given(anthropic_wire.messages())
def test_a_response_is_unchanged_after_a_conversion_to_frames(sent: dict[str, Any]) -> None:
    body = written(collected(as_frames(parsed(sent))))

    assert wire.same(anthropic_wire.without_tags(body)) == wire.same(sent)


@few
@given(anthropic_wire.streams(), PLACES)
def test_a_caller_receives_every_event_but_for_tags(
    sent: list[dict[str, Any]], places: list[int]
) -> None:
    received = events_of(streamed(frames(sent, places)))

    assert wire.same(anthropic_wire.without_tags(received)) == wire.same(sent)


@few
@given(anthropic_wire.streams())
def test_events_without_their_source_make_the_same_message(sent: list[dict[str, Any]]) -> None:
    bare = (Frame(frame.events) for frame in frames(sent))

    received = events_of(streamed(bare))

    assert _content(anthropic_wire.without_tags(received)) == _content(sent)


@few
@given(anthropic_wire.messages())
def test_a_whole_response_as_a_stream_makes_the_same_message(sent: dict[str, Any]) -> None:
    received = events_of(streamed(as_frames(parsed(sent))))

    received = anthropic_wire.without_tags(received)
    content = assembled([(event["type"], event) for event in received])["content"]
    assert wire.same(_significant(content)) == wire.same(_significant(sent["content"]))


def _content(events: Sequence[dict[str, Any]]) -> str:
    """Return the texts, thinking and tool calls that a client assembles."""
    message = assembled([(event["type"], event) for event in events])
    return wire.same([_significant(message["content"]), message["stop_sequence"]])


def _significant(content: Sequence[dict[str, Any]]) -> list[Any]:
    """Return what the canonical form names in the blocks that hold something."""
    named = ("type", "text", "thinking", "signature", "data", "id", "name", "input")
    blocks = [
        {name: block[name] for name in named if name in block}
        for block in content
        if block["type"] != "thing"
    ]
    return [
        block
        for block in blocks
        if block["type"] not in ("text", "thinking")
        or block.get("text")
        or block.get("thinking")
        or block.get("signature")
    ]


@few
@given(anthropic_wire.streams())
def test_other_surfaces_receive_no_field_of_the_dialect(sent: list[dict[str, Any]]) -> None:
    for other in ("native", "openai_chat"):
        assert wire.MARK.encode() not in streamed(frames(sent), other)


@given(anthropic_wire.messages(), anthropic_wire.streams(), PLACES)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.usefixtures("keys")
def test_responses_over_a_socket_are_unchanged_but_for_the_name_and_tags(
    provider: Upstream,
    config: Path,
    sent: dict[str, Any],
    sent_events: list[dict[str, Any]],
    places: list[int],
) -> None:
    url = f'base_url = "{provider.url}"'
    config.write_text(f'[providers.mine]\ndialect = "{NAME}"\n{url}')
    provider.script = reply(sent)

    whole = anthropic_wire.without_tags(post(ASK, PATH).json)

    assert wire.same(whole) == wire.same({**sent, "model": "mine/m"})
    body = anthropic_wire.sse(sent_events)
    provider.script = chunked([piece for piece in wire.cut(body, places) if piece])

    received = events_of(stream(ASK, PATH).body)

    sent_events[0]["message"]["model"] = "mine/m"
    assert wire.same(anthropic_wire.without_tags(received)) == wire.same(sent_events)
