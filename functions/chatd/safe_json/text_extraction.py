"""Find the texts in a caller's JSON, for redaction."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from chatd.safe_json.value_count import is_bounded

# Such as `top_k` or `additionalProperties`.
_FIELD = re.compile(r"[a-z][A-Za-z0-9_]{0,39}")


def is_field(name: str) -> bool:
    """Whether a key looks like a field's name, which an error may quote."""
    return _FIELD.fullmatch(name) is not None


def texts(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value, and the keys that are not names of fields."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            waiting.extend(value)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                if not is_field(key):
                    yield key
                waiting.append(item)


def json_texts(document: str) -> Iterator[str]:
    """Yield the texts in a JSON document: none if malformed, the whole if too many values."""
    if not is_bounded(document.encode("utf-8", "surrogatepass")):
        yield document
        return
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        return
    yield from texts(value)
