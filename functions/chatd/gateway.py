"""The story of one chat: read → plan → ask → write → record.

It knows the order of things, and nothing of dialects, surfaces, sockets or events.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chatd.call import Call
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Answer, Event, collected
from chatd.errors import (
    AnswerTooLargeError,
    CallCancelledError,
    ChatdError,
    InternalError,
    RequestTooLargeError,
)
from chatd.resilience.attempt import AttemptRunner
from chatd.resilience.chat_context import ChatContext
from chatd.resilience.fallback import FallbackChain
from chatd.routing.targets import Target, TargetSelector
from chatd.safe_json.value_count import MAX_VALUES, is_bounded
from chatd.surfaces import Surface
from chatd.surfaces.warnings import warning_of
from chatd.telemetry.record import ChatRecord, place_of
from chatd.telemetry.writer import Telemetry

MAX_REQUEST_BYTES = 5 * 1024 * 1024
# A synchronous invocation returns 6 MB at most, and over HTTP the answer is a string within it:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_RETURNED_BYTES = 6 * 1024 * 1024 - 16 * 1024
_SURELY_FITS = MAX_RETURNED_BYTES // 12  # characters: none takes more than 12 bytes escaped twice


@dataclass(slots=True, eq=False)
class Reply:
    """A whole answer: the body, and headers that go with it."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]


class Gateway:
    """Serves chats.

    Args:
        selector: Finds who answers.
        runner: Asks one of them.
        telemetry: Is told of every chat, once.

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
            ChatdError: If it is not a request.

        """
        record = ChatRecord(call.request_id)
        try:
            return surface.read(headers, _bounded(body()))
        except Exception as error:  # noqa: BLE001  # the last line: logged by place, never by words
            told = failed(error, record)
            self.tell(record, call)
            raise told from None

    def chat(self, surface: Surface, request: ChatRequest, call: Call) -> Reply:
        """Answer one chat whole, and record it.

        `call.cancel()` ends it from another thread.

        Raises:
            CallCancelledError: If the call was cancelled before there was an answer.
            ChatdError: Whatever else went wrong, in words that the caller may see.

        """
        record = ChatRecord(call.request_id, request.model)
        try:
            chat_context = ChatContext(call, record, request, live=False)
            target, events = self.begin(chat_context)
            answer = collected(events)
            headers = {**target.headers, **record.headers}
            if warning := warning_of(answer.first):
                headers["x-chatd-warning"] = warning
            return Reply(_returnable(surface.write(answer, target.served), answer), headers)
        except Exception as error:  # noqa: BLE001  # the last line: logged by place, never by words
            raise failed(_cancelled(call, error), record) from None
        finally:
            settle(record, request)
            self.tell(record, call)

    def begin(self, chat_context: ChatContext) -> tuple[Target, Iterator[Event]]:
        """Try the models of the chat until the first event of one is there.

        Args:
            chat_context: The chat, with the caller's name for the model.

        Returns:
            The model that answers, and its events as they come, the first one included.

        Raises:
            ChatdError: If every model fails; then, and between two events, in words for the caller.

        """
        targets = self._selector.targets(chat_context.request, chat_context.call)
        return FallbackChain(self._runner, targets, chat_context).begin()

    def tell(self, record: ChatRecord, call: Call) -> None:
        """Tell of a chat that has ended."""
        record.total_ms = _ms_since(call.started)
        record.caller, record.api_request_id = call.caller_name, call.api_request_id
        self._telemetry.record(record)


def settle(record: ChatRecord, request: ChatRequest) -> None:
    """Estimate the tokens of an answer that ended before the provider counted them."""
    if record.usage is None and record.said:
        record.estimate(request.prompt_size)


def failed(error: Exception, record: ChatRecord) -> ChatdError:
    """What a failure is for the caller, noted in the record; a fault of ours has no words."""
    if isinstance(error, ChatdError):
        record.error = error.default_code
        error.beside = record.headers
        return error
    record.error = InternalError.default_code
    record.fault = place_of(error)
    return InternalError("a fault of the gateway's own; its log has the place")


def _cancelled(call: Call, error: Exception) -> Exception:
    """The failure of a chat; what comes of a cancelled call is the cancellation alone."""
    if call.gone.is_set() and isinstance(error, ChatdError):
        return CallCancelledError()
    return error


def _bounded(body: bytes) -> bytes:
    """The body, if parsing it takes a bounded amount of memory."""
    if len(body) > MAX_REQUEST_BYTES:
        raise RequestTooLargeError(
            f"the body is larger than {MAX_REQUEST_BYTES // 1024 // 1024} MB"
        )
    if not is_bounded(body):
        raise RequestTooLargeError(f"the body holds more than {MAX_VALUES:,} JSON values")
    return body


def _returnable(body: Mapping[str, Any], answer: Answer) -> Mapping[str, Any]:
    """The body, if Lambda can return it."""
    size = answer.size
    if size > _SURELY_FITS:
        if size <= MAX_RETURNED_BYTES:  # else it does not fit, and its JSON takes much memory
            size = len(json.dumps(json.dumps(body, ensure_ascii=False)))
        if size > MAX_RETURNED_BYTES:
            raise AnswerTooLargeError("the answer is larger than the 6 MB that Lambda can return")
    return body


def _ms_since(moment: float) -> float:
    return (time.monotonic() - moment) * 1000
