"""One provider is asked, and asked again while that may help, until its first event is there.

It knows attempts, retries and circuits, and nothing of who else might be asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from itertools import chain

from chatd.answer import Counted, End, Event, Finish, as_events
from chatd.catalog import Timeouts
from chatd.circuits import Circuits
from chatd.errors import (
    ChatdError,
    NoHealthyProviderError,
    UpstreamAuthError,
    UpstreamError,
)
from chatd.format_check import FormatCheck
from chatd.planning import Call, Plan, Planner
from chatd.redaction import redacted
from chatd.retries import Retries
from chatd.telemetry import Record
from chatd.transport import Transport


@dataclass(slots=True, eq=False)
class Errand:
    """One chat on its way through the providers.

    Attributes:
        call: Its id and deadline; each attempt tells it how it is broken off.
        record: Is told what it took.
        live: Whether the caller gets the answer while it is made, so that what was said is said.

    """

    call: Call
    record: Record
    live: bool


class Asking:
    """Asks one provider.

    Args:
        planner: Finds another key where one is refused.
        transport: Sends.
        circuits: Knows which providers have been failing.

    """

    def __init__(self, planner: Planner, transport: Transport, circuits: Circuits) -> None:
        self._planner = planner
        self._transport = transport
        self._circuits = circuits

    def begin(self, plan: Plan, errand: Errand, *, fallback: bool) -> Iterator[Event]:
        """Ask until the first event is there.

        Args:
            plan: Who is asked, and for what.
            errand: The chat.
            fallback: Whether somebody else can be asked instead.

        Returns:
            The events as they come, the first one included; the tokens are counted before the end.

        Raises:
            ChatdError: In words for the caller; also between two events, if the stream dies.

        """
        record = errand.record
        retries = Retries(fallback=fallback)
        renewed = False
        check = FormatCheck()
        while True:
            record.asks(plan.served.provider, plan.served.model if plan.route.named else None)
            try:
                return self._guarded(plan, errand, check, fallback=fallback)
            except NoHealthyProviderError as closed:
                raise _told(closed, plan) from None
            except ChatdError as error:
                refused = isinstance(error, UpstreamAuthError) and not renewed
                other = self._planner.rekeyed(plan) if refused else None
                if other is not None:
                    plan, renewed = other, True
                    record.fails(error)
                    continue
                wait = retries.pause(error, plan.deadline(errand.call))
                if wait is None or self._circuits.is_open(plan.circuit):
                    raise
                if errand.call.gone.wait(wait):
                    raise
                record.waited_ms += wait * 1000
                record.fails(error)

    def ended(self, plan: Plan) -> None:
        """Note that what was begun came whole."""
        self._circuits.ended(plan.circuit)

    def died(self, plan: Plan, death: ChatdError, errand: Errand) -> None:
        """Note that what was begun broke off."""
        if death.unwell and not _excused(death, plan, errand):
            self._circuits.died(plan.circuit)

    def _guarded(
        self, plan: Plan, errand: Errand, check: FormatCheck, *, fallback: bool
    ) -> Iterator[Event]:
        """Return the events with the first one received, unless the circuit is open."""
        limits = plan.limits(fallback=fallback)

        def ask() -> Iterator[Event]:
            events = self._events(plan, limits, errand, check)
            return chain([next(events)], events)

        return self._circuits.guarded(
            plan.circuit, ask, lambda error: _excused(error, plan, errand)
        )

    def _events(
        self, plan: Plan, limits: Timeouts, errand: Errand, check: FormatCheck
    ) -> Iterator[Event]:
        """Yield the events of one attempt; estimate the tokens if the provider reports none."""
        record = errand.record
        if plan.must_be_checked:  # only a complete answer can be checked
            ask = partial(self._asked, plan, limits, errand)
            events = as_events(check.answer(plan, errand, ask))
        else:
            events = self._asked(plan, limits, errand)
        for event in events:
            if isinstance(event, End) and not record.counted:
                yield Counted(record.estimate(plan.asked), record.response_model)
            record.note(event)
            yield event

    def _asked(self, plan: Plan, limits: Timeouts, errand: Errand) -> Iterator[Event]:
        asked = time.monotonic()
        try:
            ask = self._streamed if plan.request.stream else self._whole
            yield from ask(plan, limits, errand)
        except ChatdError as error:
            raise _told(error, plan) from None
        finally:
            errand.record.waited(asked)

    def _whole(self, plan: Plan, limits: Timeouts, errand: Errand) -> Iterator[Event]:
        sent = plan.adapter.build(plan.request, plan.route.provider, plan.key)
        deadline = plan.deadline(errand.call)
        response = self._transport.send(sent, deadline, limits.connect, errand.call.on_cancel)
        yield from as_events(plan.adapter.parse(response))

    def _streamed(self, plan: Plan, limits: Timeouts, errand: Errand) -> Iterator[Event]:
        sent = plan.adapter.build(plan.request, plan.route.provider, plan.key)
        asked = time.monotonic()
        stream = self._transport.open(
            sent, plan.deadline(errand.call), limits, errand.call.on_cancel
        )
        unfinished = plan.request.n or 1
        begun = ended = False
        chunks = stream.chunks()
        with closing(stream):
            if stream.response.status != HTTPStatus.OK:
                refusal = replace(stream.response, body=b"".join(chunks))
                plan.adapter.parse(refusal)  # raises what it means
            try:
                for event in plan.adapter.events(stream.response, chunks):
                    if not begun:
                        begun = True
                        errand.record.begins(asked)
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
                    raise
        if not ended:
            yield End()


def _excused(error: ChatdError, plan: Plan, errand: Errand) -> bool:
    """Whether a failure says nothing of what the circuit stands for.

    The caller may be gone, have had too little time, or have read so slowly that the provider gave
    up writing. And a model that chatd.toml does not name
    shares its provider's circuit with all others of that kind: if that one fails, they need not.
    """
    if errand.call.gone.is_set() or errand.call.deadline.spent or error.caller_was_slow:
        return True
    return not plan.route.named and not (isinstance(error, UpstreamError) and error.unreachable)


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
