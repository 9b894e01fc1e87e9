"""Split a stream's bytes into lines and server-sent events, wherever they were cut.

Bytes and not text, so that no character is cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from chatd.canonical.response import too_many_values
from chatd.errors import UpstreamError
from chatd.safe_json.value_count import MAX_ANSWER_VALUES, is_bounded

# Ollama's own client takes lines of 8 MB: a picture, or a long tool call, comes in one.
_MAX_LINE_BYTES = 8 * 1024 * 1024
# A shorter line is not worth a call that counts its values.
_SMALL_BYTES = 4096


def detect_json(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bool]:
    """Return the same bytes, and whether they are JSON rather than server-sent events."""
    before: list[bytes] = []
    for chunk in chunks:
        before.append(chunk)
        if first := chunk.lstrip()[:1]:
            return chain(before, chunks), first in (b"{", b"[")
    return iter(before), False


def lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines without their ends and without empty ones; the last may lack its end.

    Raises:
        UpstreamError: If a line is longer than 8 MB.
        AnswerTooLargeError: If a line holds more than 600,000 JSON values.

    """
    rest = bytearray()
    for chunk in chunks:
        whole = chunk.split(b"\n")
        last = whole.pop()
        if rest and whole:
            whole[0] = bytes(rest) + whole[0]
            rest.clear()
        if last:
            rest += last
            if len(rest) > _MAX_LINE_BYTES:
                raise UpstreamError("its stream holds a line of more than 8 MB")
        for line in whole:
            if stripped := line.strip():
                yield stripped if len(stripped) < _SMALL_BYTES else bounded(stripped)
    if last_line := bytes(rest).strip():
        yield bounded(last_line)


def bounded(text: bytes) -> bytes:
    """Return the text, if parsing it takes a bounded amount of memory.

    Raises:
        AnswerTooLargeError: If it holds more than 600,000 JSON values.

    """
    if not is_bounded(text, MAX_ANSWER_VALUES):
        raise too_many_values()
    return text


def data(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the data of each server-sent event; skip comments and other fields.

    Every provider puts an event's data on one line, so an event is a line here. Old versions of
    llama-server write a failure as a field named `error`.
    """
    for line in lines(chunks):
        if line.startswith(b"data:"):
            yield line[5:].strip()
        elif line.startswith(b"error:"):
            yield b'{"error":' + (line[6:].strip() or b'"it reported an error"') + b"}"
        elif not line.startswith((b":", b"event:", b"id:", b"retry:")):
            raise UpstreamError("its stream holds something that is no server-sent event")
