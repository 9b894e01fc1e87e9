"""Server-sent events, as surfaces send them.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

DONE = b"data: [DONE]\n\n"
# Made once: json.dumps would make one for every event.
_ENCODED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def event(data: Mapping[str, Any]) -> bytes:
    """One event that carries JSON."""
    return b"data: " + _ENCODED(data).encode() + b"\n\n"
