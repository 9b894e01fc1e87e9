"""Split the bytes of Amazon's binary event stream into messages, from chunks of any size.

A message is a prelude (its length, the length of its headers, a CRC32 of both), headers, a payload
and a CRC32 of all before: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from zlib import crc32

from chatd.dialects.failures import malformed
from chatd.errors import UpstreamError
from chatd.upstream_http import HttpResponse

MEDIA_TYPE = "application/vnd.amazon.eventstream"

_PRELUDE = struct.Struct("!III")
_CRC = struct.Struct("!I")
_LEAST = _PRELUDE.size + _CRC.size
# As long as a line of the other dialects: a long tool call comes in one message.
_MAX_BYTES = 8 * 1024 * 1024
_MAX_HEADER_BYTES = 128 * 1024
_USUAL_BYTES = 256
# The types of headers: https://smithy.io/2.0/aws/amazon-eventstream.html#headers
_BYTE_ARRAY, _STRING = 6, 7
_SIZES: Mapping[int, int] = MappingProxyType({0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16})


# The headers of type string by name, and the payload. A class takes 0.4 ms of a first chat.
Message = tuple[Mapping[str, str], bytes]


def messages(response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Message]:
    """Yield each message of a stream as soon as the message is complete.

    Args:
        response: The response without its body, for errors.
        chunks: Its bytes.

    Raises:
        UpstreamError: If a message is damaged or longer than 8 MB, or the last one is incomplete.

    """
    rest = bytearray()
    for chunk in chunks:
        data = chunk
        if rest:
            rest += chunk
            data = b""
            if (size := _size(response, rest, 0)) and len(rest) >= size:
                data = bytes(rest)
                rest.clear()
        start = 0
        while (size := _size(response, data, start)) and len(data) - start >= size:
            yield _message(response, data, start, size)
            start += size
        if start < len(data):
            rest += data[start:]
    if rest:
        raise malformed(response, "its stream ended within a message")


def _size(response: HttpResponse, data: bytes | bytearray, start: int) -> int:
    """Return the length of the message at a position; 0 before the whole prelude is there.

    The length is checked before the rest of the message is kept.
    """
    if len(data) - start < _PRELUDE.size:
        return 0
    size, headers, checksum = _PRELUDE.unpack_from(data, start)
    if crc32(data[start : start + 8]) != checksum:
        raise _damaged(response)
    if size > _MAX_BYTES:
        raise UpstreamError("its stream holds a message of more than 8 MB")
    if headers > min(size - _LEAST, _MAX_HEADER_BYTES):
        raise _damaged(response)
    return int(size)


def _message(response: HttpResponse, data: bytes, start: int, size: int) -> Message:
    """Read a whole message after the check of the prelude."""
    end = start + size - _CRC.size
    if crc32(data[start:end]) != _CRC.unpack_from(data, end)[0]:
        raise _damaged(response)
    first = start + _PRELUDE.size
    begin = first + _PRELUDE.unpack_from(data, start)[1]
    given = data[first:begin]
    try:
        headers = _usual_headers(given) if len(given) < _USUAL_BYTES else _headers(given)
    except ValueError:
        raise _damaged(response) from None
    return headers, data[begin:end]


@lru_cache(maxsize=32)
def _usual_headers(data: bytes) -> Mapping[str, str]:
    """Read the headers of an event: nearly all messages of a stream have the same."""
    return MappingProxyType(_headers(data))


def _headers(data: bytes) -> dict[str, str]:
    """Read the headers of type string, and skip headers of other types.

    Raises:
        ValueError: If one is cut, not UTF-8, of an unknown type, or there twice.

    """
    found: dict[str, str] = {}
    seen: set[str] = set()
    position = 0
    while position < len(data):
        end = position + 1 + data[position]
        name = data[position + 1 : end].decode()
        if name in seen or end >= len(data):
            raise ValueError
        seen.add(name)
        kind, position = data[end], end + 1
        if kind in (_STRING, _BYTE_ARRAY):
            begin = position + 2
            position = begin + int.from_bytes(data[position:begin])
            if kind == _STRING:
                found[name] = data[begin:position].decode()
        elif kind in _SIZES:
            position += _SIZES[kind]
        else:
            raise ValueError
    if position > len(data):
        raise ValueError
    return found


def _damaged(response: HttpResponse) -> UpstreamError:
    return malformed(response, "its stream holds a damaged message")
