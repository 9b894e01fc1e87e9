"""The ways a caller may speak, one file a surface: a request in, an answer out.

A surface turns a body into the internal form and an answer into a body. It knows nothing of
providers' dialects, and nothing of how a body came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chatd.chat import Answer, ChatRequest


@dataclass(frozen=True, slots=True)
class Served:
    """How a chat was served: who answered, as which model, in how many ms, under which id."""

    provider: str
    model: str
    latency_ms: float
    request_id: str


class Surface(Protocol):
    """Speaks one way with callers."""

    def read(self, body: bytes) -> ChatRequest:
        """The request in the internal form.

        Raises:
            InvalidRequestError: With the field that is wrong as its `param`.

        """

    def write(self, answer: Answer, served: Served) -> Mapping[str, Any]:
        """The body to answer with."""
