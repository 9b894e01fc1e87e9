"""How the front and a worker speak: JSON messages and raw bytes, each behind its length and kind.

What they say is pool.py's and invocation.py's; this file knows how they are sent.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

Message = dict[str, Any]

# The payload's length, and whether it is raw.
_HEADER = struct.Struct("!I?")


def encode(message: Message) -> bytes:
    """A message's frame."""
    payload = json.dumps(message, separators=(",", ":")).encode()
    return _HEADER.pack(len(payload), False) + payload  # noqa: FBT003  # it is packed


def encode_bytes(data: bytes) -> bytes:
    """A frame of raw bytes; only a worker sends them."""
    return _HEADER.pack(len(data), True) + data  # noqa: FBT003  # it is packed


def receive(sock: socket.socket) -> Message | None:
    """The front's next message, or None when it is gone; waits for it."""
    head = _receive_exactly(sock, _HEADER.size)
    if head is None:
        return None
    payload = _receive_exactly(sock, _HEADER.unpack(head)[0])
    return None if payload is None else _decode(payload)


async def read(reader: asyncio.StreamReader) -> Message | bytes | None:
    """The worker's next message or bytes, or None when it is gone; waits for them."""
    try:
        size, is_raw = _HEADER.unpack(await reader.readexactly(_HEADER.size))
        payload = await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return payload if is_raw else _decode(payload)


def _receive_exactly(sock: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = sock.recv(min(size - len(parts), 1 << 20))
        except ConnectionError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)


def _decode(payload: bytes) -> Message:
    message: Message = json.loads(payload)
    return message
