"""Read requests of Anthropic's Messages surface, for tests."""

from __future__ import annotations

import json
from typing import Any

from chatd.canonical.request import ChatRequest
from chatd.surfaces import surface

NAME = "anthropic_messages"
PATH = "/v1/messages"


def body(*content: Any, **more: Any) -> dict[str, Any]:
    """Return a body with one user turn of these blocks, or of one text."""
    given = content[0] if content and isinstance(content[0], str) else list(content)
    return {
        "model": "m",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": given or "Hi"}],
        **more,
    }


def read(sent: dict[str, Any], **headers: str) -> ChatRequest:
    """Read a body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return surface(NAME).read(named, json.dumps(sent).encode())
