"""Try the models of a tier in order: the next one where one fails, also in mid-answer.

It knows the order, and nothing of how one model is tried.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from chatd.canonical.response import Counted, Event, Rescued, Usage
from chatd.errors import (
    AnswerTooLargeError,
    ChatdError,
    ContextTooLongError,
    DivergedError,
    InvalidRequestError,
    NoHealthyProviderError,
    UpstreamTimeoutError,
)
from chatd.resilience.attempt import Asking
from chatd.resilience.chat_context import Errand
from chatd.resilience.prefill import Continuation, prefilled, takes_prefill
from chatd.resilience.stream_failover import Repetition, Said, begun_anew, continued
from chatd.routing.targets import Plan


class Succession:
    """The models that may answer one chat, in their order.

    Args:
        asking: Tries one of them.
        plans: The models, the best first; at least one.
        errand: The chat.

    """

    def __init__(self, asking: Asking, plans: Sequence[Plan], errand: Errand) -> None:
        self._asking = asking
        self._waiting = deque(plans)
        self._errand = errand

    def begin(self) -> tuple[Plan, Iterator[Event]]:
        """Try one model after another, until the first event of one is there.

        Returns:
            The model that answers, and the events as they come, the first one included. If that
            model breaks off, another model's events follow, if they can be joined exactly.

        Raises:
            ChatdError: If no model begins; then, and between two events, in words for the caller.

        """
        failures: list[ChatdError] = []
        self._waiting = deque(self._in_time())
        if not self._waiting:
            raise UpstreamTimeoutError("the time for this chat was spent before a model was asked")
        while True:
            plan = self._waiting.popleft()
            try:
                events = self._begin(plan)
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

    def _others(self, plan: Plan, error: ChatdError, said: Said | None = None) -> Sequence[Plan]:
        """The models that can answer instead, after this failure of this one."""
        if self._errand.call.gone.is_set():
            return ()
        others = self._in_time()
        if isinstance(error, ContextTooLongError):
            return [other for other in others if _may_read_more(other, plan)]
        if isinstance(error, DivergedError) and said is not None:
            # Another answer from the start would differ as well; a continuation cannot.
            return [other for other in others if _takes_prefill(other, said)]
        return others if error.falls_through else ()

    def _in_time(self) -> list[Plan]:
        """The waiting models whose time is not spent."""
        return [plan for plan in self._waiting if not self._errand.deadline(plan).spent]

    def _begin(self, plan: Plan) -> Iterator[Event]:
        return self._asking.begin(plan, self._errand, others=self._in_time())

    def _to_the_end(self, plan: Plan, events: Iterator[Event]) -> Iterator[Event]:
        """Yield the events of the whole answer, over all models that contribute to it."""
        record, said, author = self._errand.record, Said(), plan
        while True:
            try:
                for event in events:
                    said.note(event)
                    if isinstance(event, Rescued):
                        record.note(event)
                        author = plan
                    yield _with_all_tokens(event, record.spent) if record.earlier else event
            except ChatdError as death:
                self._asking.died(plan, death, self._errand)
                lost = self._errand.live and not said.joinable
                # A long answer is long from the next model too; before its first event it is none.
                lost = lost or isinstance(death, AnswerTooLargeError)
                self._waiting = deque(self._others(plan, death, said))
                if lost or not self._waiting:
                    raise
                self._fails(plan, death)
                plan, events = self._gone_on_with(author, said, death)
            else:
                self._asking.ended(plan)
                return

    def _gone_on_with(
        self, author: Plan, said: Said, death: ChatdError
    ) -> tuple[Plan, Iterator[Event]]:
        """Another model's continuation of the answer, whose first event is there.

        Args:
            author: The model that generated the last part of the partial answer.
            said: The partial answer.
            death: The failure that ended it.

        Raises:
            ChatdError: The death, if no model continues it.

        """
        while (waiting := deque(self._in_time())) and not self._errand.call.gone.is_set():
            plan = waiting.popleft()
            self._waiting = waiting
            rescued = Rescued(plan.served.provider, plan.served.model, author.name)
            try:
                if _takes_prefill(plan, said):
                    begun = self._prefilled(plan, said.text, rescued)
                    if begun is not None:
                        return begun
                return plan, self._anew(plan, said, rescued)
            except ChatdError as failure:
                self._errand.record.fails(failure)
        raise death

    def _prefilled(
        self, plan: Plan, text: str, rescued: Rescued
    ) -> tuple[Plan, Iterator[Event]] | None:
        """The model's continuation of a prefill, up to where it is joined; None to begin anew.

        Raises:
            ChatdError: If the model fails otherwise than by refusing the prefill.

        """
        fields = plan.route.provider.prefill_fields
        attempt = plan.asking_for(prefilled(plan.request, text, fields))
        held = Continuation(text, tuple(plan.request.words()))
        try:
            events = self._begin(attempt)
        except InvalidRequestError as refusal:
            self._errand.record.fails(refusal)
            return None
        joined = continued(events, held, rescued)
        head: list[Event] = []
        try:
            for event in joined:
                head.append(event)
                if isinstance(event, Rescued):
                    break
        except DivergedError as unclear:
            self._fails(attempt, unclear)
            return None
        except ChatdError as death:
            self._asking.died(attempt, death, self._errand)
            self._estimate(attempt)
            raise
        self._errand.record.said -= held.echoed
        return attempt, chain(head, joined)

    def _anew(self, plan: Plan, said: Said, rescued: Rescued) -> Iterator[Event]:
        """The model's answer from the start, joined to what the caller has got of it."""
        events = self._begin(plan)
        if not self._errand.live:
            return begun_anew(events, rescued)
        return continued(events, Repetition(said.text if said.joinable else ""), rescued)

    def _fails(self, plan: Plan, error: ChatdError) -> None:
        """Record that an attempt failed after its first event, with its tokens."""
        self._estimate(plan)
        self._errand.record.fails(error)

    def _estimate(self, plan: Plan) -> None:
        """Estimate what the attempt took, unless the provider has counted it."""
        if not self._errand.record.counted:
            self._errand.record.estimate(plan.asked)


def _takes_prefill(plan: Plan, said: Said) -> bool:
    """Whether the model can continue this partial answer as a prefill."""
    row = plan.route.provider
    able = row.prefill and row.endpoint != "generate"
    return able and said.joinable and takes_prefill(plan.request, said.text)


def _may_read_more(other: Plan, plan: Plan) -> bool:
    """Whether the other model's context may be larger; unknown unless chatd.toml has both."""
    theirs, ours = other.route.context, plan.route.context
    return theirs is None or ours is None or theirs > ours


def _with_all_tokens(event: Event, spent: Usage) -> Event:
    if isinstance(event, Counted):
        return replace(event, usage=spent + event.usage)
    return event


def _most_telling(failures: Sequence[ChatdError]) -> ChatdError:
    """Choose the failure for the caller: the last one of a provider, if there is any."""
    real = [error for error in failures if not isinstance(error, NoHealthyProviderError)]
    if real:
        return real[-1]
    return min(failures, key=lambda error: error.retry_after or 0)
