"""A caller of OpenAI's dialect receives a stream of that dialect without a loss."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatd import dialects, surfaces
from chatd.canonical.collecting import collected
from chatd.canonical.request import ChatRequest
from chatd.canonical.served import Served
from chatd.upstream_http import HttpResponse
from tests.chatd.canonical import wire
from tests.support.functions import ask, stream
from tests.support.upstream import Upstream, chunked

PLACES = st.lists(st.integers(0, 5_000), max_size=8)
few = settings(max_examples=30)
OPENAI = "/v1/chat/completions"
REQUEST = ChatRequest("m", ())


def frames(body: bytes, places: Sequence[int] = (), dialect: str = "openai_chat") -> Any:
    response = HttpResponse(200, {}, b"")
    return dialects.load_dialect(dialect).events(response, wire.cut(body, places))


def written(read: Any, surface: str = "openai_chat", *, usage: bool = True) -> bytes:
    request = ChatRequest("m", (), stream=True, stream_usage=usage)
    served = Served("p", "served-model", "request-1")
    return b"".join(surfaces.surface(surface).stream(request, "request-1").write(read, served))


def events_of(body: bytes) -> list[Any]:
    """Read a stream as a client does."""
    found = [line.removeprefix("data: ") for line in body.decode().split("\n\n") if line]
    assert found[-1] == "[DONE]"
    return [json.loads(data) for data in found[:-1]]


@few
@given(wire.streams(), PLACES)
def test_a_caller_that_requests_usage_receives_every_chunk_unchanged(
    sent: list[dict[str, Any]], places: list[int]
) -> None:
    received = events_of(written(frames(wire.sse(sent), places)))

    assert wire.same(received) == wire.same(sent)


@few
@given(wire.streams(), PLACES)
def test_a_caller_without_usage_receives_every_chunk_but_the_usage_unchanged(
    sent: list[dict[str, Any]], places: list[int]
) -> None:
    received = events_of(written(frames(wire.sse(sent), places), usage=False))

    assert wire.same(received) == wire.same(sent[:-1])


@few
@given(wire.streams(), st.data())
def test_missing_fields_are_completed_and_present_fields_are_unchanged(
    sent: list[dict[str, Any]], data: st.DataObject
) -> None:
    for chunk in sent:
        for holder in (chunk, *chunk["choices"], *(c["delta"] for c in chunk["choices"])):
            for name in [name for name in COMPLETED if completes(name, holder)]:
                if data.draw(st.booleans()):
                    del holder[name]

    received = events_of(written(frames(wire.sse(sent))))

    assert len(received) == len(sent)
    for before, after in zip(sent, received, strict=True):
        assert within(before, after)
        assert after["object"] == "chat.completion.chunk"
        assert type(after["created"]) is int
        assert after["id"]
        assert after["model"]
        for choice in after["choices"]:
            assert type(choice["index"]) is int
            assert "finish_reason" in choice
    roles = [c["index"] for chunk in received for c in chunk["choices"] if "role" in c["delta"]]
    assert sorted(roles) == sorted({c["index"] for chunk in received for c in chunk["choices"]})


COMPLETED = ("id", "object", "created", "model", "index", "finish_reason", "role")


def completes(name: str, holder: dict[str, Any]) -> bool:
    """Return whether the gateway completes this field, when missing, with the same value."""
    return name in holder and not (name in ("index", "finish_reason") and holder[name])


def within(sent: Any, received: Any) -> bool:
    """Return whether received JSON has every field that was sent, except a repeated role."""
    if isinstance(sent, dict):
        return isinstance(received, dict) and all(
            (name in received and within(value, received[name])) or name == "role"
            for name, value in sent.items()
        )
    if isinstance(sent, list):
        return len(sent) == len(received) and all(map(within, sent, received))
    return wire.same(sent) == wire.same(received)


@few
@given(wire.streams())
def test_a_caller_of_a_whole_response_receives_every_field_of_a_stream(
    sent: list[dict[str, Any]],
) -> None:
    names: dict[str, set[str]] = {level: set() for level in LEVELS}
    for number, chunk in enumerate(sent):
        for level, fields in levels(chunk):
            for name in [name for name in fields if name.startswith(wire.MARK)]:
                unique = f"{name} {number}"
                fields[unique] = fields.pop(name)
                names[level].add(unique)

    response = collected(frames(wire.sse(sent)))
    body = surfaces.surface("openai_chat").write(REQUEST, response, Served("p", "m", "request-1"))

    found: dict[str, set[str]] = {level: set() for level in LEVELS}
    for level, fields in levels(body):
        found[level] |= {name for name in fields if name.startswith(wire.MARK)}
    assert found == names


LEVELS = ("response", "choice", "message", "call", "function", "usage", "details")


def levels(body: Any) -> Any:
    """Yield each object of a completion or chunk that may have unknown fields, with its level."""
    yield "response", body
    if usage := body.get("usage"):
        yield "usage", usage
        yield "details", usage["prompt_tokens_details"]
    for choice in body["choices"]:
        message = choice.get("message", choice.get("delta"))
        yield "choice", choice
        yield "message", message
        for call in message.get("tool_calls", ()):
            yield "call", call
            yield "function", call["function"]


@few
@given(wire.streams())
def test_the_native_surface_receives_no_field_of_the_dialect(sent: list[dict[str, Any]]) -> None:
    assert wire.MARK.encode() not in written(frames(wire.sse(sent)), "native")


@few
@given(st.lists(st.tuples(wire.TEXTS, wire.UNKNOWN), max_size=4), wire.UNKNOWN)
def test_no_field_of_ollama_reaches_openais_surface(
    pieces: list[tuple[str, dict[str, Any]]], unknown: dict[str, Any]
) -> None:
    call = {**unknown, "id": "c", "function": {**unknown, "name": "f", "arguments": {}}}
    lines: list[dict[str, Any]] = [
        {**more, "message": {**more, "content": text}, "done": False} for text, more in pieces
    ]
    lines += [
        {"message": {**unknown, "content": "", "tool_calls": [call]}, "done": False},
        {**unknown, "message": {"content": ""}, "done": True},
    ]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    received = written(frames(body, dialect="ollama"))
    whole = collected(frames(body, dialect="ollama"))

    assert wire.MARK.encode() not in received
    assert wire.MARK not in json.dumps(
        surfaces.surface("openai_chat").write(REQUEST, whole, Served("p", "m", "request-1"))
    )


@given(wire.streams(), PLACES)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("keys")
def test_a_stream_over_a_socket_is_unchanged(
    provider: Upstream, sent: list[dict[str, Any]], places: list[int]
) -> None:
    provider.script = chunked([piece for piece in wire.cut(wire.sse(sent), places) if piece])

    received = stream(ask("kimi/k3", stream_options={"include_usage": True}), OPENAI)

    assert received.data[-1] == "[DONE]"
    assert wire.same(received.json) == wire.same(sent)
