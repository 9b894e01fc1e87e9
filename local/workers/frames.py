"""Encode and decode frames between the HTTP server and a worker: JSON messages or raw bytes.

A frame is a header of 5 bytes, the payload's length and kind, and the payload. worker_main.py
lists the messages.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

Message = dict[str, Any]

# The payload's length, and whether the payload is raw bytes.
_HEADER = struct.Struct("!I?")


def encode(message: Message) -> bytes:
    """Encode a message."""
    payload = json.dumps(message, separators=(",", ":")).encode()
    return _HEADER.pack(len(payload), False) + payload  # noqa: FBT003  # a field of the header


def encode_bytes(data: bytes) -> bytes:
    """Encode raw bytes, which only a worker sends."""
    return _HEADER.pack(len(data), True) + data  # noqa: FBT003  # a field of the header


def receive(sock: socket.socket) -> Message | None:
    """Wait for the next message of the HTTP server; return None if the socket is closed."""
    head = _receive_exactly(sock, _HEADER.size)
    if head is None:
        return None
    payload = _receive_exactly(sock, _HEADER.unpack(head)[0])
    return None if payload is None else _decode(payload)


async def read(reader: asyncio.StreamReader) -> Message | bytes | None:
    """Wait for the next message or bytes of a worker; return None if the socket is closed."""
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
