"""Write server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.safe_json.finite_numbers import compact

DONE = b"data: [DONE]\n\n"


def event(data: Mapping[str, Any], name: str | None = None) -> bytes:
    """Write an event with a JSON object as its data, and with a name if one is given."""
    written = b"data: " + compact(data).encode() + b"\n\n"
    return written if name is None else b"event: " + name.encode() + b"\n" + written
