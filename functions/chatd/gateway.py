"""The story of one chat: route → key → build → send → parse → record.

It knows the order of things, and nothing of dialects, surfaces, sockets or events.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import chain
from typing import Any, TypeVar

from chatd import schema
from chatd.answer import Answer, End, Event, as_events
from chatd.catalog import Timeouts
from chatd.chat import ChatRequest
from chatd.deadline import Deadline
from chatd.errors import (
    AnswerTooLargeError,
    ChatdError,
    FormatNotMetError,
    InternalError,
    RequestTooLargeError,
    UpstreamAuthError,
)
from chatd.planning import Call, Plan, Planner
from chatd.redaction import redacted
from chatd.retries import pause
from chatd.surfaces import Surface
from chatd.surfaces.warnings import warning_of
from chatd.telemetry import Record, Telemetry, place_of
from chatd.transport import Started, Transport

MAX_REQUEST_BYTES = 5 * 1024 * 1024
# A synchronous invocation returns 6 MB at most, and over HTTP the answer is a string within it:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_RETURNED_BYTES = 6 * 1024 * 1024 - 16 * 1024
_SURELY_FITS = MAX_RETURNED_BYTES // 12  # characters: none takes more than 12 bytes escaped twice

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: the body, and headers that go with it."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]


class Gateway:
    """Serves chats.

    Args:
        planner: Finds who answers.
        transport: Sends.
        telemetry: Is told of every chat, once.

    """

    def __init__(self, planner: Planner, transport: Transport, telemetry: Telemetry) -> None:
        self._planner = planner
        self._transport = transport
        self._telemetry = telemetry

    def read(self, surface: Surface, body: Callable[[], bytes], call: Call) -> ChatRequest:
        """Read a request; one that cannot be read is told of here, as it goes no further.

        Args:
            surface: How the caller speaks.
            body: Gives what the caller sent, or raises an InvalidRequestError.
            call: Its id and deadline.

        Raises:
            ChatdError: If it is not a request.

        """
        record = Record(call.request_id)
        try:
            return surface.read(_small_enough(body()))
        except Exception as error:  # noqa: BLE001  # the last line: logged by place, never by words
            told = failed(error, record)
            self.tell(record, call)
            raise told from None

    def chat(self, surface: Surface, request: ChatRequest, call: Call) -> Reply:
        """Answer one chat whole, and tell of it.

        Raises:
            ChatdError: Whatever went wrong, in words that the caller may see.

        """
        record = Record(call.request_id, request.model)
        try:
            whole = replace(request, stream=False)
            plan, answer = self._through(
                self._planner.plans(whole, call),
                lambda plan, _fallback: self._ask(plan, plan.deadline(call), record),
                call,
                record,
            )
            record.count(answer.usage, answer.model)
            record.finish(answer.first.finish_reason)
            headers = {**plan.headers, **record.headers}
            if warning := warning_of(answer.first):
                headers["x-chatd-warning"] = warning
            return Reply(_returnable(surface.write(answer, plan.served), answer), headers)
        except Exception as error:  # noqa: BLE001  # the last line: logged by place, never by words
            raise surface.told(failed(error, record)) from None
        finally:
            self.tell(record, call)

    def begin(
        self, request: ChatRequest, call: Call, record: Record, started: Started
    ) -> tuple[Plan, Iterator[Event]]:
        """Ask for a stream, until somebody's first event is there.

        Args:
            request: The chat, with the caller's name for the model.
            call: Its id and deadline.
            record: Is told what it took.
            started: Called with what breaks it off from another thread, for each attempt.

        Returns:
            Who answers, and the events as they come, the first one included.

        Raises:
            ChatdError: If nobody begins; then, and between two events, in words for the caller.

        """

        def ask(plan: Plan, fallback: bool) -> Iterator[Event]:  # noqa: FBT001  # what _through gives
            limits = plan.limits(fallback=fallback)
            events = self._events(plan, limits, call, record, started)
            return chain([next(events)], events)

        return self._through(self._planner.plans(request, call), ask, call, record)

    def _through(
        self,
        plans: Sequence[Plan],
        ask: Callable[[Plan, bool], _T],
        call: Call,
        record: Record,
    ) -> tuple[Plan, _T]:
        """Ask one after the other, until one answers or fails in a way that no other mends."""
        for position, plan in enumerate(plans):
            fallback = position + 1 < len(plans)
            record.provider = plan.served.provider
            record.named_model = plan.served.model if plan.route.named else None
            try:
                return self._patiently(plan, ask, fallback, call, record)
            except ChatdError as error:
                if not fallback or not error.falls_through or call.gone.is_set():
                    raise
                record.again(error)
        raise AssertionError("there is at least one plan")

    def _patiently(
        self,
        plan: Plan,
        ask: Callable[[Plan, bool], _T],
        fallback: bool,  # noqa: FBT001  # what _through knows
        call: Call,
        record: Record,
    ) -> tuple[Plan, _T]:
        """Ask one, and again while that may help."""
        retries = 0
        renewed = False
        while True:
            try:
                return plan, ask(plan, fallback)
            except ChatdError as error:
                refused = isinstance(error, UpstreamAuthError) and not renewed
                other = self._planner.rekeyed(plan) if refused else None
                if other is not None:
                    plan, renewed = other, True
                    record.again(error)
                    continue
                wait = pause(error, retries, plan.deadline(call), fallback=fallback)
                if wait is None or call.gone.wait(wait):
                    raise
                record.waited_ms += wait * 1000
                record.again(error)
                retries += 1

    def _events(
        self, plan: Plan, limits: Timeouts, call: Call, record: Record, started: Started
    ) -> Iterator[Event]:
        if plan.must_be_checked:
            # What must be checked as a whole cannot be sent in pieces.
            whole = replace(plan, request=replace(plan.request, stream=False))
            events = as_events(self._ask(whole, plan.deadline(call), record))
        else:
            events = self._streamed(plan, limits, call, record, started)
        for event in events:
            record.note(event)
            yield event

    def _streamed(
        self, plan: Plan, limits: Timeouts, call: Call, record: Record, started: Started
    ) -> Iterator[Event]:
        asked = time.monotonic()
        ended = False
        try:
            sent = plan.adapter.build(plan.request, plan.route.provider, plan.key)
            stream = self._transport.open(sent, plan.deadline(call), limits, started)
            with closing(stream):
                if stream.response.status != HTTPStatus.OK:
                    refusal = replace(stream.response, body=b"".join(stream.chunks()))
                    plan.adapter.parse(refusal)  # raises what it means
                for event in plan.adapter.events(stream.response, stream.chunks()):
                    if record.first_event_ms is None:
                        record.first_event_ms = _ms_since(asked)
                        stream.begun()
                    if isinstance(event, End):
                        ended = True
                        stream.ended()
                    yield event
        except ChatdError as error:
            if not ended:  # after the end it was only about the books
                raise _told(error, plan) from None
        finally:
            record.upstream_ms = _ms_since(asked)

    def tell(self, record: Record, call: Call) -> None:
        """Tell of a chat that has ended."""
        record.total_ms = _ms_since(call.started)
        self._telemetry.record(record)

    def _ask(self, plan: Plan, deadline: Deadline, record: Record) -> Answer:
        """The whole answer; one that must hold to a form is asked for once more if it does not."""
        answer = self._asked(plan, deadline, record)
        if not plan.must_be_checked or schema.holds(answer, plan.request):
            return answer
        again = self._asked(plan, deadline, record)
        if schema.holds(again, plan.request):
            return replace(again, usage=answer.usage + again.usage)
        record.count(answer.usage + again.usage, again.model)
        raise FormatNotMetError(
            f"{plan.served.provider}: its answer does not hold to the format that was asked for,"
            " twice; this provider does not enforce one",
            provider=plan.served.provider,
        )

    def _asked(self, plan: Plan, deadline: Deadline, record: Record) -> Answer:
        limits = plan.route.timeouts
        asked = time.monotonic()
        try:
            sent = plan.adapter.build(plan.request, plan.route.provider, plan.key)
            response = self._transport.send(sent, deadline, limits.connect)
            return plan.adapter.parse(response)
        except ChatdError as error:
            raise _told(error, plan) from None
        finally:
            record.upstream_ms = (record.upstream_ms or 0.0) + _ms_since(asked)


def failed(error: Exception, record: Record) -> ChatdError:
    """What a failure is for the caller, noted in the record; a fault of ours has no words."""
    if isinstance(error, ChatdError):
        record.error = error.default_code
        error.beside = record.headers
        return error
    record.error = InternalError.default_code
    record.fault = place_of(error)
    return InternalError("a fault of the gateway's own; its log has the place")


def _small_enough(body: bytes) -> bytes:
    if len(body) > MAX_REQUEST_BYTES:
        raise RequestTooLargeError(
            f"the body is larger than {MAX_REQUEST_BYTES // 1024 // 1024} MB"
        )
    return body


def _told(error: ChatdError, plan: Plan) -> ChatdError:
    """The error under its provider's name, without the key or a quote of the conversation."""
    secrets = [plan.key.get_secret_value()] if plan.key else []
    prompts = list(plan.request.words())
    error.provider = plan.served.provider
    error.message = redacted(f"{error.provider}: {error.message}", secrets=secrets, prompts=prompts)
    error.args = (error.message,)
    if error.code != redacted(error.code, secrets=secrets, prompts=prompts):
        error.code = error.default_code
    return error


def _returnable(body: Mapping[str, Any], answer: Answer) -> Mapping[str, Any]:
    """The body, if Lambda can return it."""
    if answer.size > _SURELY_FITS:
        size = len(json.dumps(json.dumps(body, ensure_ascii=False)))
        if size > MAX_RETURNED_BYTES:
            raise AnswerTooLargeError("the answer is larger than the 6 MB that Lambda can return")
    return body


def _ms_since(moment: float) -> float:
    return (time.monotonic() - moment) * 1000
