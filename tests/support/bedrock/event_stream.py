"""Encode messages of Amazon's binary event stream.

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

CONTENT_TYPE = "application/vnd.amazon.eventstream"

# A header's value: its kind follows from its Python type.
HeaderValue = bool | int | bytes | str | UUID
_JSON: Mapping[str, HeaderValue] = MappingProxyType({":content-type": "application/json"})


def event(kind: str, payload: Mapping[str, Any]) -> bytes:
    """Encode an event, such as `contentBlockDelta`, with a JSON payload."""
    return message({":event-type": kind, **_JSON, ":message-type": "event"}, _json(payload))


def exception(kind: str, reason: str) -> bytes:
    """Encode an exception of the service model, such as `throttlingException`."""
    headers = {":exception-type": kind, **_JSON, ":message-type": "exception"}
    return message(headers, _json({"message": reason}))


def error(code: str, reason: str) -> bytes:
    """Encode an error outside the service model: a code and a message in the headers."""
    return message({":error-code": code, ":error-message": reason, ":message-type": "error"}, b"")


def message(headers: Mapping[str, HeaderValue], payload: bytes) -> bytes:
    """Encode a message: prelude, headers, payload, and a CRC32."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    lengths = struct.pack("!II", 16 + len(encoded) + len(payload), len(encoded))
    before = lengths + struct.pack("!I", zlib.crc32(lengths)) + encoded + payload
    return before + struct.pack("!I", zlib.crc32(before))


def _header(name: str, value: HeaderValue) -> bytes:
    key = name.encode()
    return struct.pack("!B", len(key)) + key + _value(value)


def _value(value: HeaderValue) -> bytes:
    """Encode a header's value: its type's number, then the value."""
    match value:
        case bool():
            return b"\x00" if value else b"\x01"
        case int():
            return struct.pack("!Bq", 5, value)
        case bytes():
            return struct.pack("!BH", 6, len(value)) + value
        case str():
            text = value.encode()
            return struct.pack("!BH", 7, len(text)) + text
        case UUID():
            return b"\x09" + value.bytes


def _json(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
