"""Run attempts at one model until its first event arrives: retries, renewed keys, breakers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from itertools import chain

from chatd.canonical.events import Counted, End, Finish, Frame, as_frames, recounted
from chatd.errors import (
    REPORTED,
    CallCancelledError,
    ChatdError,
    NoHealthyProviderError,
    UpstreamAuthError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamRefusedError,
)
from chatd.resilience.attempt_window import AttemptWindow, source_after_first_event
from chatd.resilience.chat_context import ChatContext
from chatd.resilience.circuit_breaker import CircuitBreakers
from chatd.resilience.format_check import FormatCheck
from chatd.resilience.retry import Retries
from chatd.routing.target_selection import Target, TargetSelector
from chatd.transport.http_client import Transport


class AttemptRunner:
    """Run the attempts at one model.

    Args:
        selector: Finds a newer key after a refused one.
        transport: Sends the requests.
        circuits: The circuit breakers.

    """

    def __init__(
        self, selector: TargetSelector, transport: Transport, circuits: CircuitBreakers
    ) -> None:
        self._selector = selector
        self._transport = transport
        self._circuits = circuits

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
        record, original = chat_context.record, target
        if fallbacks:
            target = target.streaming(stream=True)
        window = AttemptWindow(target, fallbacks, chat_context)
        retries = Retries(fallback=window.fallback)
        corrected_errors: set[type[ChatdError]] = set()
        check = FormatCheck()
        while True:
            named_model = target.served.model if target.route.named else None
            record.start_attempt(target.served.provider, named_model)
            try:
                return self._guarded(target, chat_context, check, window)
            except NoHealthyProviderError as closed:
                raise _attributed(closed, target) from None
            except ChatdError as error:
                changed = None
                if not window.begin_by.spent:
                    changed = self._corrected(target, error, corrected_errors, chat_context)
                if changed is not None:
                    target = window.target = changed
                    original.dropped = changed.dropped  # for the caller's headers
                    record.fail_attempt(error)
                    continue
                wait = retries.pause(error, window.begin_by)
                if wait is None or self._circuits.is_open(target.circuit):
                    raise
                if chat_context.call.cancelled.wait(wait) or window.begin_by.spent:
                    raise
                record.waited_ms += wait * 1000
                record.fail_attempt(error)
                if isinstance(error, UpstreamError) and error.unusable_stream:
                    target = window.target = target.streaming(stream=False)

    def record_success(self, target: Target) -> None:
        """Record in the circuit breaker that a stream was complete."""
        self._circuits.record_success(target.circuit)

    def record_failure(self, target: Target, error: ChatdError, chat_context: ChatContext) -> None:
        """Record in the circuit breaker that a stream broke off."""
        if error.trips_breaker:
            source = source_after_first_event(error, target, chat_context)
            if source is not None:
                self._circuits.record_failure(target.circuit, source)

    def _corrected(
        self,
        target: Target,
        error: ChatdError,
        tried: set[type[ChatdError]],
        chat_context: ChatContext,
    ) -> Target | None:
        """Return the target without the cause of a refusal.

        It has a newer key, one hint less, or the next dialect of the row.

        Args:
            target: The refused target.
            error: The refusal.
            tried: The classes of refusals corrected before; each is corrected once.
            chat_context: The chat, with the caller's request.

        Returns:
            The target to try at once; None if nothing can be changed.

        """
        if type(error) in tried:
            return None
        tried.add(type(error))
        if isinstance(error, UpstreamAuthError):
            return self._selector.rekeyed(target)
        if isinstance(error, UpstreamNotFoundError) and error.wrong_dialect:
            request, call = chat_context.request, chat_context.call
            return self._selector.redialected(target, request, call)
        return target.relaxed(error) if isinstance(error, UpstreamRefusedError) else None

    def _guarded(
        self, target: Target, chat_context: ChatContext, check: FormatCheck, window: AttemptWindow
    ) -> Iterator[Frame]:
        """Return the events with the first one received, unless the circuit is open."""

        def attempt() -> Iterator[Frame]:
            events = self._events(target, chat_context, check, window)
            return chain([next(events)], events)

        return self._circuits.guarded(target.circuit, attempt, window.source_of)

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
            raise _attributed(error, target) from None
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
        """Whether every choice has its finish reason, or the stream its end."""
        return self.ended or self._unfinished <= 0

    def note(self, frame: Frame) -> None:
        """Take note of a frame."""
        self.begun = True
        for event in frame.events:
            if isinstance(event, Finish):
                self._unfinished -= 1
            elif isinstance(event, End):
                self.ended = True


def _is_lost(error: UpstreamError) -> bool:
    """Whether the connection broke or the bytes were no stream; a timeout is neither."""
    return type(error) is UpstreamError and error.upstream_status is None


def _attributed(error: ChatdError, target: Target) -> ChatdError:
    """Put the provider's name into the error; take the key and quotes of the request out."""
    from chatd.credentials.redaction import redacted  # noqa: PLC0415  # 2 ms of a start; only failures need it

    error.provider = target.served.provider
    error.message, code = redacted(
        [f"{error.provider}: {error.message}", error.code],
        secrets=target.secrets,
        prompts=target.request.words(),
        kept=(target.served.model, target.served.provider, REPORTED),
    )
    error.args = (error.message,)
    if error.code != code:
        error.code = error.default_code
    return error
