"""The frames of a binary stream are read as botocore reads them, and damage is refused."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.dialects.bedrock_converse.event_stream import Message, messages
from chatd.errors import UpstreamError
from chatd.upstream_http import HttpResponse
from tests.chatd.canonical import wire
from tests.support.bedrock import event_stream
from tests.support.bedrock.event_stream import HeaderValue

OK = HttpResponse(200, {}, b"")
LONGEST = 8 * 1024 * 1024
PIECE = 64 * 1024
EVENT = event_stream.event("contentBlockDelta", {"delta": {"text": "é"}, "contentBlockIndex": 0})

VALUES = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=9)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
    | st.uuids()
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
MESSAGES = st.lists(
    st.tuples(st.dictionaries(NAMES, VALUES, max_size=4), st.binary(max_size=60)), max_size=5
)


def read(*chunks: bytes) -> list[Message]:
    return list(messages(OK, iter(chunks)))


def judged(data: bytes) -> list[tuple[Mapping[str, object], bytes]]:
    """Read the messages with botocore."""
    buffer: Any = EventStreamBuffer()
    buffer.add_data(data)
    return [(message.headers, message.payload) for message in buffer]


def with_headers(headers: bytes, *, length: int | None = None) -> bytes:
    """Encode a message with these bytes as its headers, and with valid checksums."""
    size = len(headers) if length is None else length
    lengths = struct.pack("!II", 16 + len(headers), size)
    before = lengths + struct.pack("!I", crc32(lengths)) + headers
    return before + struct.pack("!I", crc32(before))


@settings(max_examples=60)
@given(MESSAGES, st.lists(st.integers(0, 400), max_size=8))
def test_botocore_reads_the_same_messages(
    sent: list[tuple[dict[str, HeaderValue], bytes]], places: Sequence[int]
) -> None:
    data = b"".join(event_stream.message(headers, payload) for headers, payload in sent)

    found = list(messages(OK, wire.cut(data, places)))

    assert found == [
        ({name: value for name, value in headers.items() if isinstance(value, str)}, payload)
        for headers, payload in judged(data)
    ]
    assert len(found) == len(sent)


def test_a_message_is_read_wherever_it_is_cut() -> None:
    data = EVENT + event_stream.exception("throttlingException", "slow") + EVENT
    whole = read(data)

    for place in range(len(data)):
        assert read(data[:place], data[place:]) == whole
    assert read(*(data[n : n + 1] for n in range(len(data)))) == whole
    assert len(whole) == 3


def test_a_message_is_yielded_as_soon_as_it_is_complete() -> None:
    def chunks() -> Iterator[bytes]:
        yield EVENT
        pytest.fail("a chunk is read before the message of the first one is yielded")

    assert next(messages(OK, chunks()))[0][":event-type"] == "contentBlockDelta"


@pytest.mark.parametrize("place", range(len(EVENT)))
def test_a_changed_byte_is_refused(place: int) -> None:
    damaged = bytearray(EVENT)
    damaged[place] ^= 1

    with pytest.raises(UpstreamError, match="damaged message") as refused:
        read(bytes(damaged))

    assert refused.value.malformed


@pytest.mark.parametrize("length", range(1, len(EVENT)))
def test_an_incomplete_last_message_is_refused(length: int) -> None:
    found = messages(OK, iter([EVENT, EVENT[:length]]))
    next(found)

    with pytest.raises(UpstreamError, match="within a message") as refused:
        next(found)

    assert refused.value.malformed


@settings(max_examples=200)
@given(st.binary(max_size=80) | st.binary(max_size=30).map(EVENT.__add__))
def test_any_bytes_give_messages_or_a_typed_error(data: bytes) -> None:
    try:
        found = read(data)
    except UpstreamError:
        return
    assert [payload for _, payload in found] == [payload for _, payload in judged(data)]


@pytest.mark.parametrize(
    "headers",
    [
        b"\x05name",  # no type and no value
        b"\x04name",
        b"\x04name\x07",
        b"\x04name\x07\x00",
        b"\x04name\x07\x00\x05text",
        b"\x04name\x05\x00",
        b"\x04name\x0a",  # an unknown type
        b"\x04na\xffe\x07\x00\x04text",
        b"\x04name\x07\x00\x04te\xfft",
        b"\x04name\x00\x04name\x00",
    ],
)
def test_headers_that_are_cut_unknown_or_repeated_are_refused(headers: bytes) -> None:
    with pytest.raises(UpstreamError, match="damaged message"):
        read(with_headers(headers))


@pytest.mark.parametrize("length", [5, 2**31, 2**32 - 1])
def test_headers_beyond_the_message_are_refused(length: int) -> None:
    with pytest.raises(UpstreamError, match="damaged message"):
        read(with_headers(b"\x01a\x00", length=length))


@pytest.mark.parametrize("size", [0, 1, 12, 15])
def test_a_length_below_that_of_an_empty_message_is_refused(size: int) -> None:
    lengths = struct.pack("!II", size, 0)

    with pytest.raises(UpstreamError, match="damaged message"):
        read(lengths + struct.pack("!I", crc32(lengths)) + bytes(20))


def test_a_message_of_8_mb_is_read_and_a_longer_one_refused_at_its_prelude() -> None:
    empty = len(event_stream.message({}, b""))
    longest = event_stream.message({}, b"x" * (LONGEST - empty))
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield event_stream.message({}, b"x" * (LONGEST - empty + 1))[:12]
        while True:
            taken += PIECE
            yield b"x" * PIECE

    ((_, payload),) = read(*(longest[n : n + PIECE] for n in range(0, LONGEST, PIECE)))
    assert len(payload) == LONGEST - empty
    with pytest.raises(UpstreamError, match="more than 8 MB"):
        list(messages(OK, endless()))
    assert taken == 0
