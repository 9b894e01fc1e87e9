"""Server-sent events, as surfaces send them.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.safe_json.finite_numbers import compact

DONE = b"data: [DONE]\n\n"


def event(data: Mapping[str, Any]) -> bytes:
    """One event that carries JSON."""
    return b"data: " + compact(data).encode() + b"\n\n"
