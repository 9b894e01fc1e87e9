"""The shortest answer of Bedrock's Converse, for warm-up."""

from __future__ import annotations

import struct
from zlib import crc32

from chatd.dialects import Example
from chatd.dialects.bedrock_converse.event_stream import MEDIA_TYPE


def example() -> Example:
    """Write the example with a binary stream."""
    return Example(
        whole=(
            b'{"output":{"message":{"role":"assistant","content":[{"text":"{}"}]}},'
            b'"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},'
            b'"metrics":{"latencyMs":1}}'
        ),
        stream=b"".join(
            (
                _event("messageStart", b'{"role":"assistant"}'),
                _event("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"{}"}}'),
                _event("contentBlockStop", b'{"contentBlockIndex":0}'),
                _event("messageStop", b'{"stopReason":"end_turn"}'),
                _event("metadata", b'{"usage":{"inputTokens":1,"outputTokens":1}}'),
            )
        ),
        media_type=MEDIA_TYPE,
    )


def _event(kind: str, payload: bytes) -> bytes:
    headers = _header(":event-type", kind) + _header(":message-type", "event")
    lengths = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    before = lengths + struct.pack("!I", crc32(lengths)) + headers + payload
    return before + struct.pack("!I", crc32(before))


def _header(name: str, value: str) -> bytes:
    return b"".join(
        (bytes([len(name)]), name.encode(), b"\x07", struct.pack("!H", len(value)), value.encode())
    )
