"""Who may answer a chat is asked in order: the next where one fails, also in mid-answer.

It knows the order of things, and nothing of how one of them is asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from chatd.answer import Counted, Event, Rescued, Usage
from chatd.asking import Asking, Errand
from chatd.errors import (
    ChatdError,
    ContextTooLongError,
    InvalidRequestError,
    NoHealthyProviderError,
)
from chatd.planning import Plan
from chatd.rescue import Said, begun_anew, continued, prefilled, takes_prefill


class _Join(Protocol):
    """Puts what another model says behind what there is."""

    def __call__(self, events: Iterator[Event], *, rescued: Rescued) -> Iterator[Event]: ...


class Succession:
    """The models that may answer one chat, in their order.

    Args:
        asking: Asks one of them.
        plans: Who may be asked, the best first; at least one.
        errand: The chat.

    """

    def __init__(self, asking: Asking, plans: Sequence[Plan], errand: Errand) -> None:
        self._asking = asking
        self._waiting = deque(plans)
        self._errand = errand

    def begin(self) -> tuple[Plan, Iterator[Event]]:
        """Ask one after the other, until somebody's first event is there.

        Returns:
            Who answers, and the events as they come, the first one included. Should that model
            break off in the middle, they go on with another's, if it can be joined exactly.

        Raises:
            ChatdError: If nobody begins; then, and between two events, in words for the caller.

        """
        failures: list[ChatdError] = []
        while True:
            plan = self._waiting.popleft()
            try:
                events = self._asking.begin(plan, self._errand, fallback=bool(self._waiting))
            except ChatdError as error:
                failures.append(error)
                self._errand.record.fails(error)
                self._waiting = deque(self._others(plan, error))
                if not self._waiting:
                    raise _most_telling(failures) from None
            else:
                # Their tracebacks hold this frame, and so the stream, when the caller has gone.
                failures.clear()
                return plan, self._to_the_end(plan, events)

    def _others(self, plan: Plan, error: ChatdError) -> Sequence[Plan]:
        """Who can be asked instead, after this failure of this one."""
        if self._errand.call.gone.is_set():
            return ()
        if isinstance(error, ContextTooLongError):
            return [other for other in self._waiting if _may_read_more(other, plan)]
        return self._waiting if error.falls_through else ()

    def _to_the_end(self, plan: Plan, events: Iterator[Event]) -> Iterator[Event]:
        """The whole stream, whoever says which part of it."""
        record, said = self._errand.record, Said()
        while True:
            try:
                for event in events:
                    said.note(event)
                    if isinstance(event, Rescued):
                        record.note(event)
                    yield _with_all_tokens(event, record.spent) if record.earlier else event
            except ChatdError as death:
                self._asking.died(plan, death, self._errand)
                lost = self._errand.live and not said.joinable
                if lost or not self._others(plan, death):
                    raise
                if not record.counted:
                    record.estimate(plan.asked)
                record.fails(death)
                plan, events = self._gone_on_with(plan, said, death)
            else:
                self._asking.ended(plan)
                return

    def _gone_on_with(
        self, dead: Plan, said: Said, death: ChatdError
    ) -> tuple[Plan, Iterator[Event]]:
        """Somebody else's continuation of the answer, whose first event is there.

        Raises:
            ChatdError: The death, if nobody goes on.

        """
        while self._waiting and not self._errand.call.gone.is_set():
            plan = self._waiting.popleft()
            rescued = Rescued(plan.served.provider, plan.served.model, dead.name)
            for attempt, join in _ways(plan, said, live=self._errand.live):
                try:
                    events = self._asking.begin(attempt, self._errand, fallback=bool(self._waiting))
                except InvalidRequestError as refusal:
                    self._errand.record.fails(refusal)
                except ChatdError as failure:
                    self._errand.record.fails(failure)
                    break
                else:
                    return attempt, join(events, rescued=rescued)
        raise death


def _ways(plan: Plan, said: Said, *, live: bool) -> Iterator[tuple[Plan, _Join]]:
    """How a model can go on with an answer: who is asked for what, and how it is joined."""
    row = plan.route.provider
    text = said.text if said.joinable else ""
    if text and row.prefill and row.endpoint != "generate" and takes_prefill(plan.request):
        yield plan.asking_for(prefilled(plan.request, text)), partial(continued, said="")
    yield plan, partial(continued, said=text) if live else begun_anew


def _may_read_more(other: Plan, plan: Plan) -> bool:
    """Whether the other model's context may be larger; unknown unless chatd.toml has both."""
    theirs, ours = other.route.context, plan.route.context
    return theirs is None or ours is None or theirs > ours


def _with_all_tokens(event: Event, spent: Usage) -> Event:
    if isinstance(event, Counted):
        return replace(event, usage=spent + event.usage)
    return event


def _most_telling(failures: Sequence[ChatdError]) -> ChatdError:
    """The failure that the caller is told: the last that came from a provider, if one did."""
    real = [error for error in failures if not isinstance(error, NoHealthyProviderError)]
    if real:
        return real[-1]
    return min(failures, key=lambda error: error.retry_after or 0)
