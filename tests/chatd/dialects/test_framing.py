"""Lines and server-sent events are read from chunks, up to 8 MB each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatd.dialects.framing import data, lines
from chatd.errors import UpstreamError

LONGEST = 8 * 1024 * 1024
PIECE = 1024 * 1024


def pieces(size: int, end: bytes = b"") -> Iterator[bytes]:
    """Yield `size` bytes of one line in pieces, then its end."""
    for start in range(0, size, PIECE):
        yield b"x" * min(PIECE, size - start)
    if end:
        yield end


@pytest.mark.parametrize("end", [b"", b"\n", b"\nmore\n"])
def test_a_line_of_8_mb_is_read(end: bytes) -> None:
    first, *_ = lines(pieces(LONGEST, end))

    assert len(first) == LONGEST


def test_a_longer_line_is_refused_before_its_end() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += PIECE
            yield b"x" * PIECE

    with pytest.raises(UpstreamError, match="more than 8 MB"):
        list(lines(endless()))

    assert taken == LONGEST + PIECE


def test_several_lines_may_exceed_8_mb() -> None:
    line = b"x" * PIECE + b"\n"

    assert sum(map(len, lines(iter([line] * 12)))) == 12 * PIECE


@pytest.mark.parametrize(
    ("chunks", "found"),
    [
        ([b"a\n", b"b\n"], [b"a", b"b"]),
        ([b"a", b"b\nc"], [b"ab", b"c"]),
        ([b"a\r\n\r\nb\r\n"], [b"a", b"b"]),
        ([b"a\nb\nc\n"], [b"a", b"b", b"c"]),
        ([b"\n\n", b"  \n"], []),
        ([], []),
        ([b"a", b"\n"], [b"a"]),
        ([b"last"], [b"last"]),
    ],
)
def test_lines_are_independent_of_the_chunks(chunks: list[bytes], found: list[bytes]) -> None:
    assert list(lines(iter(chunks))) == found


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (b"data: a\n\ndata:b\n\n", [b"a", b"b"]),
        (b": comment\nevent: x\nid: 7\nretry: 10\ndata: a\n", [b"a"]),
        (b"data:\n", [b""]),
    ],
)
def test_an_event_is_read_as_its_data(stream: bytes, found: list[bytes]) -> None:
    assert list(data(iter([stream]))) == found


@pytest.mark.parametrize("stray", [b"<html>", b'{"a": 1}', b"dat: a", b"datax"])
def test_a_line_other_than_a_server_sent_event_is_refused(stray: bytes) -> None:
    with pytest.raises(UpstreamError, match="no server-sent event"):
        list(data(iter([b"data: a\n", stray + b"\n"])))
