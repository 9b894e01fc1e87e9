"""Write JSON without NaN and Infinity.

Python reads and writes both, and reads a number such as 1e999 as Infinity. JSON has neither
(https://www.rfc-editor.org/rfc/rfc8259#section-6), and other parsers refuse the whole text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from chatd.errors import InvalidRequestError

# Each is made once: json.dumps would make an encoder for each text.
_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_SPACED = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_ASCII_ANY = json.JSONEncoder().encode


def compact(value: Any) -> str:
    """Write JSON for a caller, without spaces; null for a number that is not finite."""
    try:
        return to_json(value, inf_nan_mode="null").decode()
    except PydanticSerializationError:  # half of a surrogate pair, which only an escape can express
        return _COMPACT(finite(value))


def spaced(value: Any) -> str:
    """Write JSON with spaces, as models do; null for a number that is not finite."""
    try:
        return _SPACED(value)
    except ValueError:
        return _SPACED(finite(value))


def request_body(body: Mapping[str, Any]) -> bytes:
    """Write the body of a request to a provider.

    Raises:
        InvalidRequestError: With the first number that is not finite as its `param`.

    """
    try:
        written = to_json(body, inf_nan_mode="constants")
    except PydanticSerializationError:  # half of a surrogate pair, which only an escape can express
        written = _ASCII_ANY(body).encode()
    # A text may hold these names too, but a non-finite number has no other spelling.
    if (b"NaN" in written or b"Infinity" in written) and (path := infinite(body)) is not None:
        # For a caller, Ollama's options are fields of the request.
        raise not_finite(path.removeprefix("options."))
    return written


def finite(value: Any) -> Any:
    """Return the value with null for each number that is not finite."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: finite(item) for name, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


def infinite(value: Any, path: str = "") -> str | None:
    """Find the first number that is not finite; return its path, such as `tools.0.x`, or None."""
    if isinstance(value, float):
        return None if isfinite(value) else path
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = dict(enumerate(value)).items()
    else:
        return None
    places = (infinite(item, f"{path}.{name}" if path else str(name)) for name, item in items)
    return next((place for place in places if place is not None), None)


def not_finite(path: str) -> InvalidRequestError:
    """Make the error for a caller's NaN or Infinity at this path."""
    path = path[:100]
    return InvalidRequestError(
        f"{path!r} is not a finite number; JSON has neither NaN nor Infinity", param=path or None
    )
