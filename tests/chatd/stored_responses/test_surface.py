"""A response is saved before its caller gets the end; a store that fails costs no answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from chatd.canonical.events import Frame
from chatd.canonical.request import ChatRequest, Source
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.errors import (
    ChatdError,
    InvalidRequestError,
    StoredResponsesUnavailableError,
    UpstreamError,
)
from chatd.stored_responses.blobs import MAX_BLOB_BYTES, Blobs
from chatd.stored_responses.caller_responses import CallerResponses
from chatd.stored_responses.surface import StoredResponses
from chatd.surfaces import ErrorResponse, StreamWriter, Surface, sse
from tests.support.stored_responses import ManualClock, MemoryRows

MESSAGE = {"type": "message", "id": "msg_0123456789abcdef", "role": "assistant", "content": []}
BODY = {"id": "resp_one", "object": "response", "store": False, "output": [MESSAGE]}
ANSWER: Any = None
SERVED: Any = None
CREATED = sse.event(
    {"type": "response.created", "sequence_number": 0, "response": {**BODY, "output": []}},
    "response.created",
)
DELTA = sse.event(
    {"type": "response.output_text.delta", "sequence_number": 1, "delta": "event: response.failed"},
    "response.output_text.delta",
)


def last(name: str = "response.completed") -> bytes:
    return sse.event({"type": name, "sequence_number": 2, "response": BODY}, name)


class Pure:
    """A surface without a store, with one answer."""

    examples: Sequence[Mapping[str, Any]] = ({"input": "example"},)

    def __init__(self, pieces: Sequence[bytes] = (), body: Mapping[str, Any] = BODY) -> None:
        self.pieces = pieces
        self.body = body
        self.read_body: Any = None

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:
        self.read_body = json.loads(body)
        if "model" not in self.read_body:
            raise InvalidRequestError("'model' is missing", param="model")
        source = Source("openai_responses", self.read_body, {})
        return ChatRequest("m", (), source=source)

    def write(self, request: ChatRequest, response: Response, served: Served) -> Mapping[str, Any]:
        return self.body

    def stream(self, request: ChatRequest, request_id: str) -> StreamWriter:
        return PureStream(self.pieces)

    def is_end(self, piece: bytes) -> bool:
        return piece.startswith(b"event: response.completed")

    def error(self, error: ChatdError, request_id: str) -> ErrorResponse:
        return ErrorResponse(400, {}, {"id": request_id})


class PureStream:
    """The stream of that surface."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces

    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        yield from self.pieces

    def fail(self, error: ChatdError) -> bytes:
        return last("response.failed")


_: Surface = Pure()


class Case:
    """A caller's requests, each with a surface of its own, on rows in memory."""

    def __init__(self) -> None:
        self.rows = MemoryRows()
        self.responses = CallerResponses(Blobs(lambda: self.rows), "me", 30, clock=ManualClock())
        self.warnings: list[str] = []

    def surface(self, pure: Surface, **request: Any) -> tuple[StoredResponses, ChatRequest]:
        made = StoredResponses(pure, self.responses, self.warnings.append)
        body = json.dumps({"model": "m", "input": "Hello", **request}).encode()
        return made, made.read({}, body)

    def whole(self, pure: Surface | None = None, **request: Any) -> Mapping[str, Any]:
        made, read = self.surface(pure or Pure(), **request)
        return made.write(read, ANSWER, SERVED)

    def stream(self, *pieces: bytes, **request: Any) -> Iterator[bytes]:
        made, read = self.surface(Pure(pieces), **request)
        return made.stream(read, "r").write(iter(()), SERVED)


@pytest.fixture
def case() -> Case:
    return Case()


def response_of(piece: bytes) -> Any:
    """Return the response object of an event, and check the event's form."""
    name, data = piece.removesuffix(b"\n\n").split(b"\n")
    content = json.loads(data.removeprefix(b"data: "))
    assert name == b"event: " + content["type"].encode()
    return content["response"]


def test_a_whole_response_is_stored(case: Case) -> None:
    body = case.whole()

    assert body == {**BODY, "store": True, "previous_response_id": None}
    stored = case.responses.get("resp_one")
    assert stored is not None
    assert stored.body == body
    assert stored.input_items == [{"type": "message", "role": "user", "content": "Hello"}]


@pytest.mark.parametrize("store", [True, None])
def test_a_response_is_stored_unless_store_is_false(case: Case, store: bool | None) -> None:
    assert case.whole(store=store)["store"] is True


def test_with_store_false_the_store_is_not_touched(case: Case) -> None:
    body = case.whole(store=False)
    pieces = list(case.stream(CREATED, DELTA, last(), store=False))

    assert body == BODY
    assert pieces == [CREATED, DELTA, last()]
    assert case.rows.calls == []


def test_a_turn_continues_a_stored_response_and_is_stored_with_its_own_items(case: Case) -> None:
    first = case.whole()
    pure = Pure(body={**BODY, "id": "resp_two"})
    second = case.whole(pure, previous_response_id=first["id"], input="Bye")

    hello, bye = ({"type": "message", "role": "user", "content": t} for t in ("Hello", "Bye"))
    assert pure.read_body == {"model": "m", "input": [hello, MESSAGE, bye]}
    assert second["previous_response_id"] == first["id"]
    stored = case.responses.get(second["id"])
    assert stored is not None
    assert stored.input_items == [bye]
    assert case.responses.conversation(second["id"]) is not None


def test_a_continued_response_with_store_false_is_not_stored(case: Case) -> None:
    first = case.whole()
    case.rows.calls.clear()
    second = case.whole(previous_response_id=first["id"], store=False)

    assert (second["previous_response_id"], second["store"]) == (first["id"], False)
    assert "write" not in case.rows.calls


@pytest.mark.parametrize("end", ["response.completed", "response.incomplete"])
def test_a_streamed_response_is_stored_before_its_last_event_is_sent(case: Case, end: str) -> None:
    stream = case.stream(CREATED, DELTA, last(end))
    begun = response_of(next(stream))
    assert begun["store"] is True
    assert next(stream) == DELTA
    assert case.responses.get(begun["id"]) is None
    ended = response_of(next(stream))

    stored = case.responses.get(begun["id"])
    assert stored is not None
    assert stored.body == ended
    assert ended == {**BODY, "store": True, "previous_response_id": None}


def test_events_that_come_in_one_piece_are_handled_alike(case: Case) -> None:
    (piece,) = case.stream(CREATED + DELTA + last())
    created, delta, ended = (event + b"\n\n" for event in piece.split(b"\n\n")[:-1])

    assert delta == DELTA
    assert response_of(created)["store"] is response_of(ended)["store"] is True
    assert case.responses.get("resp_one") is not None


def test_an_item_whose_short_id_may_come_twice_gets_another_one(case: Case) -> None:
    item = {"type": "message", "id": "msg_5", "content": []}
    first, second = (case.whole(Pure(body={**BODY, "output": [item]})) for _ in range(2))

    names = [body["output"][0]["id"] for body in (first, second)]
    assert names[0] != names[1]
    assert all(re.fullmatch(r"msg_5_[0-9a-f]{24}", name) for name in names)
    assert case.responses.items(names).keys() == set(names)
    assert case.responses.items(["msg_5"]) == {}


def test_a_short_id_is_replaced_in_every_event_of_a_stream(case: Case) -> None:
    def event(kind: str, **more: Any) -> bytes:
        return sse.event({"type": f"response.{kind}", **more}, f"response.{kind}")

    item = {"type": "message", "id": "msg_5", "content": []}
    words = 'the text "item_id":"msg_5"'
    pieces = list(
        case.stream(
            CREATED,
            event("output_item.added", item=item),
            event("output_text.delta", item_id="msg_5", delta=words),
            event("output_text.delta", item_id="msg_55", delta="msg_5"),
            event("output_item.done", item=item),
            event("completed", response={**BODY, "output": [item]}),
        )
    )
    _, added, delta, other, done, completed = (
        json.loads(piece.partition(b"\ndata: ")[2]) for piece in pieces
    )

    name = added["item"]["id"]
    assert name.startswith("msg_5_")
    assert delta == {"type": "response.output_text.delta", "item_id": name, "delta": words}
    assert (other["item_id"], other["delta"]) == ("msg_55", "msg_5")
    assert done["item"]["id"] == completed["response"]["output"][0]["id"] == name
    assert case.responses.items([name]).keys() == {name}


@pytest.mark.parametrize("name", ["", None, 5])
def test_an_item_without_an_id_stays_without_one(case: Case, name: Any) -> None:
    body = case.whole(Pure(body={**BODY, "output": [{"type": "message", "id": name}]}))

    assert body["output"] == [{"type": "message", "id": name}]


@pytest.mark.parametrize("kind", ["response.created", "response.output_item.added"])
@pytest.mark.parametrize("value", [None, [], "text"])
def test_an_event_of_another_shape_passes_unchanged(case: Case, kind: str, value: Any) -> None:
    event = sse.event({"type": kind, "response": value, "item": value}, kind)

    assert list(case.stream(event)) == [event]


@pytest.mark.parametrize("item", [None, 5, "text", []])
def test_an_item_of_another_shape_is_stored_as_it_is(case: Case, item: Any) -> None:
    body = case.whole(Pure(body={**BODY, "output": [item, MESSAGE]}))

    assert (body["store"], body["output"]) == (True, [item, MESSAGE])
    stored = case.responses.get("resp_one")
    assert stored is not None
    assert stored.body == body


def test_a_comment_passes_unchanged(case: Case) -> None:
    assert list(case.stream(b": keep-alive\n\n", DELTA)) == [b": keep-alive\n\n", DELTA]


def test_a_stream_without_an_end_stores_nothing(case: Case) -> None:
    assert len(list(case.stream(CREATED, DELTA))) == 2
    assert case.rows.calls == []


def test_a_failed_stream_stores_nothing(case: Case) -> None:
    made, read = case.surface(Pure([CREATED]))
    writer = made.stream(read, "r")
    begun = [response_of(piece) for piece in writer.write(iter(()), SERVED)]
    failed = response_of(writer.fail(UpstreamError("it broke off")))

    assert (begun[0]["store"], failed["store"]) == (True, False)
    assert case.rows.calls == []


def test_a_store_that_fails_costs_no_answer(case: Case) -> None:
    case.rows.fail = True
    made, read = case.surface(Pure())
    body = made.write(read, ANSWER, SERVED)

    assert body == {**BODY, "previous_response_id": None}
    assert made.headers({"a": "b"}) == {
        "a": "b",
        "x-chatd-warning": "the response is not stored: continue with its items in `input`",
    }
    assert case.warnings == ["a response is not stored: the table is away"]


def test_a_warning_joins_another_one(case: Case) -> None:
    case.rows.fail = True
    made, read = case.surface(Pure())
    made.write(read, ANSWER, SERVED)

    warned = made.headers({"x-chatd-warning": "first"})["x-chatd-warning"]
    assert warned.startswith("first; the response is not stored")


def test_an_answer_that_is_stored_has_no_warning(case: Case) -> None:
    made, read = case.surface(Pure())
    made.write(read, ANSWER, SERVED)

    assert made.headers({"a": "b"}) == {"a": "b"}


def test_a_stream_that_cannot_be_stored_ends_with_store_false(case: Case) -> None:
    case.rows.fail = True
    *_, end = case.stream(CREATED, DELTA, last())

    assert response_of(end)["store"] is False
    assert len(case.warnings) == 1


def test_a_response_that_is_too_large_is_not_stored(case: Case) -> None:
    large = {**BODY, "output": [{**MESSAGE, "content": "x" * MAX_BLOB_BYTES}]}

    assert case.whole(Pure(body=large))["store"] is False
    assert case.warnings == ["a response is not stored: it is larger than 12 MB"]
    assert case.rows.rows == {}


def test_a_store_that_cannot_be_read_is_a_503_before_a_provider_is_called(case: Case) -> None:
    case.rows.fail = True
    with pytest.raises(StoredResponsesUnavailableError) as failed:
        case.whole(previous_response_id="resp_1")

    assert failed.value.headers()["Retry-After"] == "1"
    assert case.warnings == ["stored responses: the table is away"]


def test_a_mistake_of_the_request_is_the_pure_surface_s(case: Case) -> None:
    made = StoredResponses(Pure(), case.responses, case.warnings.append)
    with pytest.raises(InvalidRequestError) as refused:
        made.read({}, b'{"input": "Hello"}')

    assert refused.value.param == "model"


def test_the_rest_is_the_pure_surface_s(case: Case) -> None:
    pure = Pure()
    made = StoredResponses(pure, case.responses, case.warnings.append)

    assert made.examples == pure.examples
    assert made.error(UpstreamError("x"), "r").body == {"id": "r"}
    assert (made.is_end(last()), made.is_end(DELTA)) == (True, False)
