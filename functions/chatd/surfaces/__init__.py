"""The ways a caller may speak, one file a surface: a request in, an answer or a stream out.

A surface turns a body into the internal form and an answer into a body. It knows nothing of
providers' dialects, and nothing of how a body came in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Protocol, cast

from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Answer, Event
from chatd.canonical.served import Served
from chatd.errors import ChatdError


class Surface(Protocol):
    """Speaks one way with callers."""

    def read(self, body: bytes) -> ChatRequest:
        """The request in the internal form.

        Raises:
            InvalidRequestError: With the field that is wrong as its `param`.

        """

    def write(self, answer: Answer, served: Served) -> Mapping[str, Any]:
        """The body to answer with."""

    def stream(
        self, request: ChatRequest, events: Iterator[Event], served: Served
    ) -> Iterator[bytes]:
        """The body of a stream, in pieces that are each sent at once.

        It takes every event there is, also those after the end, for which it yields nothing.
        """

    def ends(self, piece: bytes) -> bool:
        """Whether a piece of a stream says that all of it was there."""

    def told(self, error: ChatdError) -> ChatdError:
        """The error as this surface tells it."""

    def broken(self, error: ChatdError, served: Served) -> bytes:
        """The last piece of a stream that has died. Nothing in it looks like an end."""


# Where each is: one is imported when somebody first speaks so.
_SURFACES: Mapping[str, str] = MappingProxyType(
    {"native": "native.surface.Native", "openai": "openai_chat.surface.OpenAI"}
)


@cache
def surface(name: str) -> Surface:
    """The surface of that name: `native` or `openai`."""
    module, _, kind = _SURFACES[name].rpartition(".")
    return cast("Surface", getattr(import_module(f"chatd.surfaces.{module}"), kind)())
