"""Write the answer of OpenAI's embeddings API.

https://platform.openai.com/docs/api-reference/embeddings/object
"""

from __future__ import annotations

import sys
from array import array
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from chatd.canonical.embedding import Embeddings, Encoding, Vector
from chatd.canonical.response import Usage
from chatd.canonical.served import Served
from chatd.safe_json.finite_numbers import compact

# Bytes that are gathered before they are written.
_PIECE_BYTES = 256 * 1024


def body_of(found: Embeddings, encoding: Encoding, served: Served) -> dict[str, Any]:
    """Write the body as a whole.

    Args:
        found: The vectors.
        encoding: Lists of numbers, or base64 of little-endian float32 numbers.
        served: The model, for an answer that names none.

    """
    return {**_frame(found, served), "data": list(_items(found, encoding))}


def pieces_of(found: Embeddings, encoding: Encoding, served: Served) -> Iterator[bytes]:
    """Write the JSON of the body in pieces, so that it is never in memory as a whole."""
    head, _, tail = compact({**_frame(found, served), "data": []}).rpartition('"data":[')
    piece, comma = bytearray(f'{head}"data":['.encode()), b""
    for item in _items(found, encoding):
        piece += comma + compact(item).encode()
        comma = b","
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece) + tail.encode()


def size_of(found: Embeddings, encoding: Encoding) -> int:
    """Return the most bytes of the body's JSON, without writing it.

    A decimal number takes at most 24 bytes, one in base64 5⅓, and an item some 100 more.
    """
    numbers = sum(map(len, found.vectors))
    return 128 * len(found.vectors) + numbers * (6 if encoding == "base64" else 24)


def _frame(found: Embeddings, served: Served) -> dict[str, Any]:
    """Return the fields around the vectors; `data` comes last."""
    return {
        **found.extra,
        "object": "list",
        "model": found.model or served.model,
        "usage": _usage(found.usage),
    }


def _items(found: Embeddings, encoding: Encoding) -> Iterator[dict[str, Any]]:
    write = _base64 if encoding == "base64" else array.tolist
    fields = found.fields or [{}] * len(found.vectors)
    for index, (vector, more) in enumerate(zip(found.vectors, fields, strict=True)):
        yield {**more, "object": "embedding", "index": index, "embedding": write(vector)}


def _base64(vector: Vector) -> str:
    """Write a vector as base64 of little-endian float32 numbers."""
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()


def _usage(usage: Usage) -> dict[str, Any]:
    written: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "total_tokens": usage.input_tokens,
    }
    if usage.cost_usd is not None:
        written["cost"] = usage.cost_usd
    if usage.estimated:
        written["estimated"] = True
    return written
