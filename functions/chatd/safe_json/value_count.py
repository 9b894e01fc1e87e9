"""Count the values of a JSON text before parsing, to bound the memory of parsing.

A parsed value takes up to 180 bytes of memory and a message or part some 2 KB, whatever their
length in the text: 5 MB of `[],` took 450 MB. Only a limit on the number of values bounds that.
"""

from __future__ import annotations

import re

# A text below this many bytes has too few values to matter; most requests are smaller.
_SMALL_BYTES = 256 * 1024
# A conversation of 10,000 messages with their tool calls has some 80,000.
MAX_VALUES = 250_000
# An answer with log probabilities has some 200 a token if the caller wants 20 alternatives.
MAX_ANSWER_VALUES = 600_000
_NO_MARKS = bytes(byte for byte in range(256) if byte not in b'",[{')
_STRING = rb'"[^"]*"'  # compiled on first use, to keep cold starts short


class Unread:
    """An event with too many JSON values, which the runtime did not parse."""


def is_bounded(text: bytes, most: int = MAX_VALUES) -> bool:
    """Whether a JSON text of more than 256 KB has at most so many values.

    A text with few enough brackets and commas passes without parsing its strings, which could only
    lower the count. For a text that is not JSON the result is arbitrary.

    Args:
        text: JSON in UTF-8.
        most: The largest number of values, containers included and keys not.

    """
    return len(text) <= _SMALL_BYTES or _values(text) <= most or _values_outside(text, most) <= most


def _values(text: bytes) -> int:
    """Count the values, each after a bracket or comma, if no string holds such a sign."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _values_outside(text: bytes, most: int) -> int:
    """Count the values, without the content of strings."""
    unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    strings = unescaped.count(b'"') // 2
    if strings > 2 * most:  # a value has at most one key
        return (strings + 1) // 2
    marks = unescaped.translate(None, _NO_MARKS).replace(b'""', b"")
    return _values(re.sub(_STRING, b"", marks))
