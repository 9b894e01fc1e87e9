"""Serve one chat: read the request, select targets, run the fallback chain, write, record."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chatd.call import Call
from chatd.canonical.collecting import collected
from chatd.canonical.events import Frame
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.errors import (
    AnswerTooLargeError,
    CallCancelledError,
    ChatdError,
    InternalError,
)
from chatd.resilience.attempt import AttemptRunner
from chatd.resilience.chat_context import ChatContext
from chatd.resilience.fallback import FallbackChain
from chatd.routing.target_selection import Target, TargetSelector
from chatd.safe_json.request_size import within_limits
from chatd.surfaces import Surface
from chatd.surfaces.warnings import warning_of
from chatd.telemetry.record import ChatRecord, place_of
from chatd.telemetry.writer import Telemetry

# A synchronous invocation returns 6 MB at most; over HTTP the answer is a JSON string within that:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_RETURNED_BYTES = 6 * 1024 * 1024 - 16 * 1024
_SURELY_FITS = MAX_RETURNED_BYTES // 12  # characters: escaped twice, each takes at most 12 bytes


@dataclass(slots=True, eq=False)
class Reply:
    """A whole answer: the body and the headers."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]


class Gateway:
    """Serve chats.

    Args:
        selector: Selects the targets of a chat.
        runner: Runs the attempts at one target.
        telemetry: Records each chat once.

    """

    def __init__(
        self, selector: TargetSelector, runner: AttemptRunner, telemetry: Telemetry
    ) -> None:
        self._selector = selector
        self._runner = runner
        self._telemetry = telemetry

    def read(
        self, surface: Surface, headers: Mapping[str, str], body: Callable[[], bytes], call: Call
    ) -> ChatRequest:
        """Read a request, and record one that cannot be read.

        Args:
            surface: The caller's API.
            headers: The HTTP headers by lower-case name; empty for a direct invocation.
            body: Returns the body, or raises an InvalidRequestError.
            call: The id and the deadline.

        Raises:
            ChatdError: If the request is invalid.

        """
        record = ChatRecord(call.request_id)
        try:
            return surface.read(headers, within_limits(body()))
        except Exception as error:  # noqa: BLE001  # the last line: logged by place, never by words
            client_error = to_client_error(error, record)
            self.finish(record, call)
            raise client_error from None

    def chat(self, surface: Surface, request: ChatRequest, call: Call) -> Reply:
        """Answer and record one chat, with a whole body.

        `call.cancel()` ends it from another thread.

        Raises:
            CallCancelledError: If the call was cancelled before there was an answer.
            ChatdError: For any other failure, with a message for the caller.

        """
        record = ChatRecord(call.request_id, request.model)
        try:
            chat_context = ChatContext(call, record, request, streamed=False)
            target, events = self.begin(chat_context)
            answer = collected(events)
            headers = {**target.headers, **record.headers}
            if warning := warning_of(answer.first):
                headers["x-chatd-warning"] = warning
            return Reply(
                _returnable(surface.write(request, answer, target.served), answer), headers
            )
        except Exception as error:  # noqa: BLE001  # the last line: logged by place, never by words
            raise to_client_error(after_cancellation(call, error), record) from None
        finally:
            settle(record, request)
            self.finish(record, call)

    def begin(self, chat_context: ChatContext) -> tuple[Target, Iterator[Frame]]:
        """Try the targets of the chat until the first event of one arrives.

        Args:
            chat_context: The chat, with the caller's name for the model.

        Returns:
            The target that answers, and its events as they arrive, including the first.

        Raises:
            ChatdError: If every target fails; also between two events.

        """
        targets = self._selector.targets(chat_context.request, chat_context.call)
        return FallbackChain(self._runner, targets, chat_context).begin()

    def finish(self, record: ChatRecord, call: Call) -> None:
        """Record a chat that has ended."""
        record.total_ms = _ms_since(call.started)
        record.caller, record.api_request_id = call.caller_name, call.api_request_id
        self._telemetry.record(record)


def settle(record: ChatRecord, request: ChatRequest) -> None:
    """Estimate the usage of an answer that ended before the provider reported the usage."""
    if record.usage is None and record.received_characters:
        record.estimate(request.prompt_size)


def to_client_error(error: Exception, record: ChatRecord) -> ChatdError:
    """Record a failure; return the caller's error, without the text of an internal one."""
    if isinstance(error, ChatdError):
        record.error = error.default_code
        error.chat_headers = record.headers
        return error
    record.error = InternalError.default_code
    record.fault = place_of(error)
    return InternalError("an internal fault; the log line with this request id has the place")


def after_cancellation(call: Call, error: Exception) -> Exception:
    """Return the failure of a chat; after a cancellation, only the cancellation."""
    if call.cancelled.is_set() and isinstance(error, ChatdError):
        return CallCancelledError()
    return error


def _returnable(body: Mapping[str, Any], response: Response) -> Mapping[str, Any]:
    """Return the body if Lambda can return one of this size."""
    size = response.written_size
    if size > _SURELY_FITS:
        if size <= MAX_RETURNED_BYTES:  # a larger one cannot fit; writing JSON takes memory
            size = len(json.dumps(json.dumps(body, ensure_ascii=False)))
        if size > MAX_RETURNED_BYTES:
            raise AnswerTooLargeError("the answer is larger than the 6 MB that Lambda can return")
    return body


def _ms_since(started: float) -> float:
    return (time.monotonic() - started) * 1000
