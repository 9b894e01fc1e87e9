"""The APIs that callers use, one folder each: read a request, write a response, stream or error.

A surface translates between one API and the canonical form. It is pure: it sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Protocol, cast

from chatd.canonical.events import Frame
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.errors import ChatdError


@dataclass(slots=True, eq=False)
class ErrorResponse:
    """A failure as an HTTP response, with a JSON object as its body."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


class StreamWriter(Protocol):
    """Writes the body of one streamed response, in pieces that are each sent at once."""

    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        """Write the pieces.

        It reads every frame, also those after the end, and writes nothing for those.

        Args:
            frames: The events of the response.
            served: The provider and model that answer first.

        """

    def fail(self, error: ChatdError) -> bytes:
        """Write a failure as the last piece; it is no end mark.

        Args:
            error: The failure, with a message that the caller may read. It may come before the
                first frame: the response can be committed earlier, by a comment.

        """


class Surface(Protocol):
    """Translates between one API and the canonical form."""

    @property
    def examples(self) -> Sequence[Mapping[str, Any]]:
        """Bodies for warm-up, without a model: plain, with structured output, and streamed."""

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:
        """Read a request.

        Args:
            headers: The HTTP headers by lower-case name; empty for a direct invocation.
            body: The JSON.

        Raises:
            InvalidRequestError: With the wrong field as its `param`.

        """

    def write(self, request: ChatRequest, response: Response, served: Served) -> Mapping[str, Any]:
        """Write the body of a whole response.

        Args:
            request: The request, as `read` returned it.
            response: The response.
            served: The provider and model that answered first.

        """

    def stream(self, request: ChatRequest, request_id: str) -> StreamWriter:
        """Make the writer of one streamed response.

        Args:
            request: The request, as `read` returned it.
            request_id: The invocation's id.

        """

    def is_end(self, piece: bytes) -> bool:
        """Whether this piece of a stream marks the stream as complete."""

    def error(self, error: ChatdError, request_id: str) -> ErrorResponse:
        """Write a failure as a response.

        Args:
            error: The failure, with a message that the caller may read.
            request_id: The invocation's id.

        """


@dataclass(frozen=True, slots=True)
class Entry:
    """A registry entry.

    Attributes:
        location: The surface's class as `<module>.<class>`.
        path: The path of its chats.
        completions: Whether its requests are completions, which have no turns.

    """

    location: str
    path: str
    completions: bool = False


# A surface's module is imported when the first request comes in by it.
SURFACES: Mapping[str, Entry] = MappingProxyType(
    {
        "native": Entry("native.surface.Native", "/v1/chat"),
        "openai_chat": Entry("openai_chat.surface.OpenAI", "/v1/chat/completions"),
        "anthropic_messages": Entry("anthropic_messages.surface.AnthropicMessages", "/v1/messages"),
        "openai_responses": Entry("openai_responses.surface.OpenAIResponses", "/v1/responses"),
        "openai_completions": Entry(
            "openai_completions.surface.OpenAICompletionsSurface",
            "/v1/completions",
            completions=True,
        ),
    }
)


@cache
def surface(name: str) -> Surface:
    """Load a surface by its name in SURFACES."""
    module, _, kind = SURFACES[name].location.rpartition(".")
    return cast("Surface", getattr(import_module(f"chatd.surfaces.{module}"), kind)())


def openai_error(error: ChatdError, request_id: str) -> ErrorResponse:
    """Write a failure as OpenAI does: `{"error": {"message", "type", "param", "code", …}}`."""
    return ErrorResponse(error.status, error.headers(), error.body(request_id))


def neutral_error(error: ChatdError, request_id: str) -> ErrorResponse:
    """Write a failure outside every surface, with one body that all vendors' SDKs read.

    OpenAI's SDKs read `error`; Anthropic's also read `type` and `request_id` beside it.
    https://github.com/anthropics/anthropic-sdk-python/blob/main/src/anthropic/types/shared/error_response.py
    """
    body = {"type": "error", "request_id": request_id, **error.body(request_id)}
    return ErrorResponse(error.status, error.headers(), body)


def error_at(path: str, error: ChatdError, request_id: str) -> ErrorResponse:
    """Write a failure as the surface at or above a path does; outside every surface, neutrally.

    Args:
        path: The path of the request, such as `/v1/messages/unknown`.
        error: The failure, with a message that the caller may read.
        request_id: The request's id.

    """
    while path:
        for name, entry in SURFACES.items():
            if entry.path == path:
                return surface(name).error(error, request_id)
        path = path.rpartition("/")[0]
    return neutral_error(error, request_id)
