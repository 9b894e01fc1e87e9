"""How the front and a worker speak: JSON objects, each behind its length in four bytes.

What the objects say is pool.py's and worker.py's; this file knows bytes only.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

Frame = dict[str, Any]

_LENGTH = struct.Struct("!I")


def encode(frame: Frame) -> bytes:
    """A frame's bytes."""
    payload = json.dumps(frame, separators=(",", ":")).encode()
    return _LENGTH.pack(len(payload)) + payload


def receive(sock: socket.socket) -> Frame | None:
    """The next frame, or None when the other side is gone; waits for it."""
    head = _exactly(sock, _LENGTH.size)
    if head is None:
        return None
    payload = _exactly(sock, _LENGTH.unpack(head)[0])
    return None if payload is None else _decoded(payload)


async def read(reader: asyncio.StreamReader) -> Frame | None:
    """As `receive`, for an event loop."""
    try:
        head = await reader.readexactly(_LENGTH.size)
        return _decoded(await reader.readexactly(_LENGTH.unpack(head)[0]))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def _exactly(sock: socket.socket, size: int) -> bytes | None:
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


def _decoded(payload: bytes) -> Frame:
    frame: Frame = json.loads(payload)
    return frame
