"""Count the values of a JSON text before it is parsed.

A parsed value takes up to 180 bytes of memory and a message or part some 2 KB, whatever their
length in the text: 5 MB of `[],` took 450 MB. Only the number of values bounds that.
"""

from __future__ import annotations

import re

# A text of this many bytes has too few values to matter, and most requests are smaller.
_SMALL_BYTES = 256 * 1024
# A conversation of 10,000 messages with their tool calls has some 80,000.
MAX_VALUES = 250_000
# An answer with log probabilities has some 200 a token if the caller wants 20 alternatives.
MAX_ANSWER_VALUES = 600_000
_NO_MARKS = bytes(byte for byte in range(256) if byte not in b'",[{')
_STRING = rb'"[^"]*"'  # compiled on its first use: a start need not pay for it


class Unread:
    """An event that the runtime did not parse, as it holds too many JSON values."""


def is_bounded(text: bytes, most: int = MAX_VALUES) -> bool:
    """Whether a JSON text of more than 256 KB has at most so many values.

    A text whose brackets and commas are few enough passes without a look at its strings, as they
    would only lower the count. A text that is not JSON gets either answer.

    Args:
        text: JSON in UTF-8.
        most: The largest number of values, containers included and keys not.

    """
    return len(text) <= _SMALL_BYTES or _values(text) <= most or _values_outside(text, most) <= most


def _values(text: bytes) -> int:
    """The values, if no string holds a bracket or comma: each follows one, or is the first."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _values_outside(text: bytes, most: int) -> int:
    """The values, with what stands in strings left out."""
    unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    strings = unescaped.count(b'"') // 2
    if strings > 2 * most:  # a value has one key at most
        return (strings + 1) // 2
    marks = unescaped.translate(None, _NO_MARKS).replace(b'""', b"")
    return _values(re.sub(_STRING, b"", marks))
