"""Decide whether the row of a provider fixes that its answer is streamed, or is not."""

from __future__ import annotations

from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider


def fixed_stream(request: ChatRequest, row: Provider) -> bool | None:
    """Return whether the provider must stream; None if it may stream or not."""
    if request.format is not None and "format_in_streams" in row.refuses:
        return False
    return None if row.upstream_stream == "auto" else row.upstream_stream
