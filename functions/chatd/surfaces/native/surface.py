"""Chat on chatd's own surface: `/v1/chat`, and direct invocations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chatd.canonical.content import Text
from chatd.canonical.events import Counted, Delta, End, Finish, Frame
from chatd.canonical.request import ChatRequest, Message, Sampling
from chatd.canonical.response import Choice, FailedOver, Response, Usage
from chatd.canonical.served import Served
from chatd.errors import ChatdError
from chatd.surfaces import ErrorResponse, StreamWriter, Surface, openai_error, sse
from chatd.surfaces.native.schema import NativeMessage, NativeRequest
from chatd.surfaces.validation import checked, refuse_infinite_in, unknown_field
from chatd.surfaces.warnings import warning_of

_FIELDS = frozenset(NativeRequest.model_fields)
_MESSAGE_FIELDS = frozenset(NativeMessage.model_fields)
_END = b'data: {"done":true,'


_HELLO: Mapping[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}


class Native:
    """The native surface."""

    examples = (_HELLO, {**_HELLO, "format": {"type": "object"}}, {**_HELLO, "stream": True})

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:  # noqa: ARG002  # the protocol's
        """Read a request; the headers change nothing.

        Raises:
            InvalidRequestError: With the field that is wrong as its `param`.

        """
        sent = checked(body, NativeRequest)
        _refuse_unknown(sent)
        form, think, limit = sent.get("format"), sent.get("think"), sent.get("max_tokens")
        refuse_infinite_in(form, "format")
        return ChatRequest(
            model=sent["model"],
            messages=tuple(
                [Message(turn["role"], (Text(turn["content"]),)) for turn in sent["messages"]]
            ),
            sampling=Sampling(temperature=sent.get("temperature")),
            max_tokens=None if limit == -1 else limit,
            format=form,
            # Efforts have OpenAI's names in the canonical form.
            think="xhigh" if think == "max" else think,
            think_required=bool(think),
            stream=bool(sent.get("stream")),
        )

    def write(
        self,
        request: ChatRequest,  # noqa: ARG002  # the protocol's
        response: Response,
        served: Served,
    ) -> Mapping[str, Any]:
        """Write the body of a whole response; an optional field is left out where it is empty."""
        served = served.after(*response.failovers)
        choice = response.first
        content = {"content": (choice.content or "") + (choice.refusal or "")}
        if response.first.thinking is not None:
            content["thinking"] = response.first.thinking
        source, totals = _totals(response.model, response.usage, response.first, served)
        return {**source, **content, **totals}

    def stream(self, request: ChatRequest, request_id: str) -> StreamWriter:  # noqa: ARG002  # the protocol's
        """Make the writer of a stream."""
        return _Stream(request_id)

    def is_end(self, piece: bytes) -> bool:
        """Whether this is the event with the totals; no other begins with `done`."""
        return piece.startswith(_END)

    def error(self, error: ChatdError, request_id: str) -> ErrorResponse:
        """Write a failure in OpenAI's shape."""
        return openai_error(error, request_id)


_: Surface = Native()


class _Stream:
    """Writes the events of one stream."""

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id

    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        """Write `{"content": …}` and `{"thinking": …}` events, and a last one with the totals."""
        choice, counted = Choice(), Counted(Usage())
        for event in (event for frame in frames for event in frame.events):
            match event:
                case Delta():
                    if event.thinking:
                        yield sse.event({"thinking": event.thinking})
                    if text := event.content or event.refusal:
                        choice.blocks = (Text(text),)
                        yield sse.event({"content": text})
                case Finish():
                    choice.finish_reason = event.reason
                case Counted():
                    counted = event
                case FailedOver():
                    served = served.after(event)
                case End():
                    source, totals = _totals(counted.model, counted.usage, choice, served)
                    yield sse.event({"done": True, **source, **totals})

    def fail(self, error: ChatdError) -> bytes:
        """Write a failure as the last event."""
        return sse.event(error.body(self._request_id))


def _refuse_unknown(sent: Mapping[str, Any]) -> None:
    """Refuse a field that this surface does not define.

    Raises:
        InvalidRequestError: With the first such field as its `param`.

    """
    if unknown := [name for name in sent if name not in _FIELDS]:
        raise unknown_field(unknown[0])
    for position, message in enumerate(sent["messages"]):
        if unknown := [name for name in message if name not in _MESSAGE_FIELDS]:
            raise unknown_field(f"messages.{position}.{unknown[0]}")


def _reason(found: str | None) -> str | None:
    """Return the finish reason, in which this surface does not distinguish the stop sequence."""
    return "stop" if found == "stop_sequence" else found


def _totals(
    model: str | None, usage: Usage, choice: Choice, served: Served
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write the model and provider, and the totals; optional fields only with a value."""
    author = {"model": model or served.model, "provider": served.provider}
    totals: dict[str, Any] = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "finish_reason": _reason(choice.finish_reason),
        "latency_ms": served.latency_ms,
        "request_id": served.request_id,
    }
    if warning := warning_of(choice):
        totals["warning"] = warning
    if usage.estimated:
        totals["usage_estimated"] = True
    if served.rescued:
        totals["rescued"] = served.rescued
    return author, totals
