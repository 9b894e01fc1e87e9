"""Try one model, and retry it while that may help, until its first event is there.

It knows attempts, retries and circuits, and nothing of the order of a tier.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from itertools import chain

from chatd.canonical.response import Counted, End, Event, Finish, as_events
from chatd.dialects.failures import REPORTED
from chatd.errors import (
    CallCancelledError,
    ChatdError,
    NoHealthyProviderError,
    UpstreamAuthError,
    UpstreamError,
    UpstreamRefusedError,
)
from chatd.resilience.attempt_window import AttemptWindow, source_of_death
from chatd.resilience.chat_context import ChatContext
from chatd.resilience.circuit_breaker import CircuitBreakers
from chatd.resilience.format_check import FormatCheck
from chatd.resilience.retry import Retries
from chatd.routing.targets import Target, TargetSelector
from chatd.transport.http_client import Transport


class AttemptRunner:
    """Tries one model.

    Args:
        selector: Finds another key where one is refused.
        transport: Sends.
        circuits: The circuit breakers.

    """

    def __init__(
        self, selector: TargetSelector, transport: Transport, circuits: CircuitBreakers
    ) -> None:
        self._selector = selector
        self._transport = transport
        self._circuits = circuits

    def begin(
        self, target: Target, chat_context: ChatContext, *, others: Sequence[Target]
    ) -> Iterator[Event]:
        """Try one model until its first event is there.

        Args:
            target: The model, and what it is sent.
            chat_context: The chat.
            others: The models that can answer if this one does not; they get their part of the
                time.

        Returns:
            The events as they come, the first one included; the tokens are counted before the end.

        Raises:
            ChatdError: In words for the caller; also between two events, if the stream dies.

        """
        record, given = chat_context.record, target
        if others:
            target = target.streaming(stream=True)
        turn = AttemptWindow(target, others, chat_context)
        retries = Retries(fallback=turn.fallback)
        mended: set[type[ChatdError]] = set()
        check = FormatCheck()
        while True:
            record.asks(target.served.provider, target.served.model if target.route.named else None)
            try:
                return self._guarded(target, chat_context, check, turn)
            except NoHealthyProviderError as closed:
                raise _told(closed, target) from None
            except ChatdError as error:
                other = None if turn.begin_by.spent else self._mended(target, error, mended)
                if other is not None:
                    target = turn.target = other
                    given.left_out = other.left_out  # for the caller's headers
                    record.fails(error)
                    continue
                wait = retries.pause(error, turn.begin_by)
                if wait is None or self._circuits.is_open(target.circuit):
                    raise
                if chat_context.call.gone.wait(wait) or turn.begin_by.spent:
                    raise
                record.waited_ms += wait * 1000
                record.fails(error)
                if isinstance(error, UpstreamError) and error.unusable_stream:
                    target = turn.target = target.streaming(stream=False)

    def ended(self, target: Target) -> None:
        """Note that an answer that had begun came whole."""
        self._circuits.ended(target.circuit)

    def died(self, target: Target, death: ChatdError, chat_context: ChatContext) -> None:
        """Note that an answer that had begun broke off."""
        source = source_of_death(death, target, chat_context) if death.trips_breaker else None
        if source is not None:
            self._circuits.died(target.circuit, source)

    def _mended(
        self, target: Target, error: ChatdError, tried: set[type[ChatdError]]
    ) -> Target | None:
        """Return the plan without the cause of a refusal: another key, or one hint less.

        Args:
            target: The plan that was refused.
            error: The refusal.
            tried: The classes of refusals that were mended before; each is mended once.

        Returns:
            The plan to try at once; None if nothing can be changed.

        """
        if type(error) in tried:
            return None
        tried.add(type(error))
        if isinstance(error, UpstreamAuthError):
            return self._selector.rekeyed(target)
        return target.relaxed(error) if isinstance(error, UpstreamRefusedError) else None

    def _guarded(
        self, target: Target, chat_context: ChatContext, check: FormatCheck, turn: AttemptWindow
    ) -> Iterator[Event]:
        """Return the events with the first one received, unless the circuit is open."""

        def ask() -> Iterator[Event]:
            events = self._events(target, chat_context, check, turn)
            return chain([next(events)], events)

        return self._circuits.guarded(target.circuit, ask, turn.source_of)

    def _events(
        self, target: Target, chat_context: ChatContext, check: FormatCheck, turn: AttemptWindow
    ) -> Iterator[Event]:
        """Yield the events of one attempt; estimate the tokens if the provider reports none."""
        record = chat_context.record
        if target.must_be_checked:  # only a complete answer can be checked
            ask = partial(self._asked, target, chat_context, turn)
            events = as_events(check.answer(target, chat_context, ask))
        else:
            events = self._asked(target, chat_context, turn)
        for event in events:
            if isinstance(event, End) and not record.counted:
                yield Counted(record.estimate(target.asked), record.response_model)
            record.note(event)
            yield event

    def _asked(
        self, target: Target, chat_context: ChatContext, turn: AttemptWindow
    ) -> Iterator[Event]:
        asked = time.monotonic()
        try:
            ask = self._streamed if target.request.stream else self._whole
            yield from ask(target, chat_context, turn)
        except ChatdError as error:
            if (
                chat_context.call.gone.is_set()
            ):  # a broken-off exchange looks like a provider's failure
                raise CallCancelledError from None
            raise _told(error, target) from None
        finally:
            chat_context.record.waited(asked)

    def _whole(
        self, target: Target, chat_context: ChatContext, turn: AttemptWindow
    ) -> Iterator[Event]:
        sent = target.adapter.build(target.request, target.route.provider, target.key)
        connect, cancel = turn.limits().connect, chat_context.call.on_cancel
        response = self._transport.send(sent, turn.begin_by, connect, cancel)
        yield from as_events(target.adapter.parse(response))

    def _streamed(
        self, target: Target, chat_context: ChatContext, turn: AttemptWindow
    ) -> Iterator[Event]:
        sent = target.adapter.build(target.request, target.route.provider, target.key)
        asked = time.monotonic()
        stream = self._transport.open(
            sent, turn.deadline, turn.limits(), chat_context.call.on_cancel
        )
        unfinished = target.request.n or 1
        begun = ended = False
        chunks = stream.chunks()
        with closing(stream):
            if stream.response.status != HTTPStatus.OK:
                refusal = replace(stream.response, body=b"".join(chunks))
                target.adapter.parse(refusal)  # raises what it means
            try:
                for event in target.adapter.events(stream.response, chunks):
                    if not begun:
                        begun = True
                        chat_context.record.begins(asked)
                        stream.begun()
                    unfinished -= isinstance(event, Finish)
                    ended = ended or isinstance(event, End)
                    if ended or unfinished <= 0:
                        stream.ended()
                    yield event
                for _rest in chunks:  # a connection that is not read to its end is not kept
                    pass
            except ChatdError as error:
                # Every choice has its end: what was to come was about the books alone.
                if unfinished > 0 and not ended:
                    error.caller_was_slow = stream.caller_was_slow
                    if not begun and isinstance(error, UpstreamError):
                        error.unusable_stream = error.malformed or _is_lost(error)
                    raise
        if not ended:
            yield End()


def _is_lost(error: UpstreamError) -> bool:
    """Whether the connection broke, or the bytes were no stream, without a limit of time."""
    return type(error) is UpstreamError and error.upstream_status is None


def _told(error: ChatdError, target: Target) -> ChatdError:
    """Return the error under its provider's name, without the key or a quote of the request."""
    from chatd.credentials.redaction import redacted  # noqa: PLC0415  # 2 ms of a start; only failures need it

    error.provider = target.served.provider
    error.message, code = redacted(
        [f"{error.provider}: {error.message}", error.code],
        secrets=[target.key.get_secret_value()] if target.key else [],
        prompts=target.request.words(),
        kept=(target.served.model, target.served.provider, REPORTED),
    )
    error.args = (error.message,)
    if error.code != code:
        error.code = error.default_code
    return error
