"""Run attempts at one model until its first event arrives: retries, renewed keys, breakers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING

from chatd.canonical.events import Counted, End, Finish, Frame, as_frames, recounted
from chatd.errors import (
    CallCancelledError,
    ChatdError,
    UpstreamAuthError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamRefusedError,
)
from chatd.resilience.attempt_loop import AttemptLoop, Steps, attributed
from chatd.resilience.attempt_window import AttemptWindow, source_after_first_event
from chatd.resilience.chat_context import ChatContext
from chatd.resilience.circuit_breaker import CircuitBreakers
from chatd.resilience.format_check import FormatCheck
from chatd.resilience.retry import Retries
from chatd.routing.target_selection import Target, TargetSelector
from chatd.transport.http_client import Transport

if TYPE_CHECKING:
    from chatd.resilience.guards import Guards


class AttemptRunner:
    """Run the attempts at one model.

    Args:
        selector: Finds a newer key after a refused one.
        transport: Sends the requests.
        circuits: The circuit breakers.
        guards: Checks the requests and answers of rows with a guardrail; None: no row has one.

    """

    def __init__(
        self,
        selector: TargetSelector,
        transport: Transport,
        circuits: CircuitBreakers,
        guards: Guards | None = None,
    ) -> None:
        self._guards = guards
        self._selector = selector
        self._transport = transport
        self._circuits = circuits
        self._loop = AttemptLoop(circuits)

    def begin(
        self, target: Target, chat_context: ChatContext, *, fallbacks: Sequence[Target]
    ) -> Iterator[Frame]:
        """Run attempts until the first event of one arrives.

        Args:
            target: The model, key, dialect and request.
            chat_context: The chat.
            fallbacks: The fallbacks, which keep their share of the time.

        Returns:
            The events as they arrive, including the first; a usage event comes before the end.

        Raises:
            ChatdError: With a message for the caller; between two events if the stream breaks off.

        """
        original = target
        if self._guards is not None:
            admission = self._guards.admit(target, chat_context)
            if admission.answer is not None:
                target.answered_here = True
                return iter(admission.answer)
            target = admission.target
        if fallbacks:
            target = target.streaming(stream=True)
        window = AttemptWindow(target, fallbacks, chat_context)
        check = FormatCheck()

        def attempt(target: Target) -> Iterator[Frame]:
            events = self._events(target, chat_context, check, window)
            if self._guards is not None:
                events = self._guards.checked(events, target, chat_context)
            return chain([next(events)], events)

        def corrected(target: Target, error: ChatdError) -> Target | None:
            changed = self._corrected(target, error, chat_context)
            if changed is not None:
                original.dropped = changed.dropped  # for the caller's headers
            return changed

        steps = Steps(attempt, corrected, _before_retry)
        return self._loop.run(target, window, Retries(fallback=window.fallback), steps)

    def record_success(self, target: Target) -> None:
        """Record in the circuit breaker that a stream was complete."""
        if not target.answered_here:
            self._circuits.record_success(target.circuit)

    def record_failure(self, target: Target, error: ChatdError, chat_context: ChatContext) -> None:
        """Record in the circuit breaker that a stream broke off."""
        if error.trips_breaker:
            source = source_after_first_event(error, target, chat_context)
            if source is not None:
                self._circuits.record_failure(target.circuit, source)

    def _corrected(
        self, target: Target, error: ChatdError, chat_context: ChatContext
    ) -> Target | None:
        """Return the target without the cause of a refusal.

        It has a newer key, one hint less, or the next dialect of the row.

        Args:
            target: The refused target.
            error: The refusal.
            chat_context: The chat, with the caller's request.

        Returns:
            The target to try at once; None if nothing can be changed.

        """
        if isinstance(error, UpstreamAuthError):
            return self._selector.rekeyed(target)
        if isinstance(error, UpstreamNotFoundError) and error.wrong_dialect:
            request, call = chat_context.request, chat_context.call
            return self._selector.redialected(target, request, call)
        return target.relaxed(error) if isinstance(error, UpstreamRefusedError) else None

    def _events(
        self, target: Target, chat_context: ChatContext, check: FormatCheck, window: AttemptWindow
    ) -> Iterator[Frame]:
        """Yield the events of one attempt; estimate the tokens if the provider reports none."""
        record = chat_context.record
        if target.must_be_checked:  # only a complete answer can be checked
            send = partial(self._request, target, chat_context, window)
            frames = as_frames(check.answer(target, chat_context, send))
        else:
            frames = self._request(target, chat_context, window)
        for frame in target.in_callers_terms(frames):
            for event in frame.events:
                record.note(event)
            if frame.events and isinstance(frame.events[-1], End) and not record.has_usage:
                estimate = record.estimate(target.prompt_size)
                yield recounted(frame, Counted(estimate, record.response_model))
            else:
                yield frame

    def _request(
        self, target: Target, chat_context: ChatContext, window: AttemptWindow
    ) -> Iterator[Frame]:
        started = time.monotonic()
        try:
            send = self._streamed if target.request.stream else self._whole
            yield from send(target, chat_context, window)
        except ChatdError as error:
            # A cancelled exchange looks like a provider's failure.
            if chat_context.call.cancelled.is_set():
                raise CallCancelledError from None
            raise attributed(error, target) from None
        finally:
            chat_context.record.add_upstream_time(started)

    def _whole(
        self, target: Target, chat_context: ChatContext, window: AttemptWindow
    ) -> Iterator[Frame]:
        sent = target.http_request()
        connect, cancel = window.limits().connect, chat_context.call.on_cancel
        response = self._transport.send(sent, window.begin_by, connect, cancel)
        yield from as_frames(target.adapter.parse(response))

    def _streamed(
        self, target: Target, chat_context: ChatContext, window: AttemptWindow
    ) -> Iterator[Frame]:
        sent = target.http_request()
        started = time.monotonic()
        stream = self._transport.open(
            sent, window.deadline, window.limits(), chat_context.call.on_cancel
        )
        progress = _Progress(target.request.n or 1)
        chunks = stream.chunks()
        with closing(stream):
            if stream.response.status != HTTPStatus.OK:
                refusal = replace(stream.response, body=b"".join(chunks))
                target.adapter.parse(refusal)  # raises the refusal's error
            try:
                for frame in target.adapter.events(stream.response, chunks):
                    if not progress.begun:
                        chat_context.record.note_first_event(started)
                        stream.note_first_event()
                    progress.note(frame)
                    if progress.complete:
                        stream.note_end()
                    yield frame
                for _rest in chunks:  # only a connection that is read to its end is kept
                    pass
            except ChatdError as error:
                # Every choice has its finish reason: only usage was still to come.
                if not progress.complete:
                    error.caller_was_slow = stream.caller_was_slow
                    if not progress.begun and isinstance(error, UpstreamError):
                        error.unusable_stream = error.malformed or _is_lost(error)
                    raise
        if not progress.ended:
            yield Frame((End(),))


class _Progress:
    """The progress of a stream.

    Args:
        choices: The number of choices that the request asks for.

    Attributes:
        begun: Whether a frame has arrived.
        ended: Whether the frame with the end has arrived.

    """

    def __init__(self, choices: int) -> None:
        self.begun = self.ended = False
        self._unfinished = choices

    @property
    def complete(self) -> bool:
        """Whether every choice has a finish reason, or the stream has ended."""
        return self.ended or self._unfinished <= 0

    def note(self, frame: Frame) -> None:
        """Record the finish reasons and the end in a frame."""
        self.begun = True
        for event in frame.events:
            if isinstance(event, Finish):
                self._unfinished -= 1
            elif isinstance(event, End):
                self.ended = True


def _is_lost(error: UpstreamError) -> bool:
    """Whether the connection broke or the bytes were no stream; a timeout is neither."""
    return type(error) is UpstreamError and error.upstream_status is None


def _before_retry(target: Target, error: ChatdError) -> Target:
    """Return the target that asks for a whole answer after a stream without a usable event."""
    if isinstance(error, UpstreamError) and error.unusable_stream:
        return target.streaming(stream=False)
    return target
