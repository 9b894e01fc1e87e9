"""Try the models of a tier in order: the next one where one fails, also in mid-answer.

It knows the order, and nothing of how one model is tried.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from chatd.canonical.extra import Extra
from chatd.canonical.response import Counted, Event, FailedOver, Usage
from chatd.errors import (
    AnswerTooLargeError,
    ChatdError,
    ContextTooLongError,
    DivergedError,
    InvalidRequestError,
    NoHealthyProviderError,
    UpstreamTimeoutError,
)
from chatd.resilience.attempt import AttemptRunner
from chatd.resilience.chat_context import ChatContext
from chatd.resilience.prefill import Continuation, prefilled, takes_prefill
from chatd.resilience.stream_failover import PartialAnswer, Repetition, begun_anew, continued
from chatd.routing.targets import Target


class FallbackChain:
    """The models that may answer one chat, in their order.

    Args:
        runner: Tries one of them.
        targets: The models, the best first; at least one.
        chat_context: The chat.

    """

    def __init__(
        self, runner: AttemptRunner, targets: Sequence[Target], chat_context: ChatContext
    ) -> None:
        self._runner = runner
        self._waiting = deque(targets)
        self._chat_context = chat_context

    def begin(self) -> tuple[Target, Iterator[Event]]:
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
            target = self._waiting.popleft()
            try:
                events = self._begin(target)
            except ChatdError as error:
                failures.append(error)
                self._chat_context.record.fails(error)
                self._waiting = deque(self._others(target, error))
                if not self._waiting:
                    raise _most_telling(failures) from None
            else:
                # Their tracebacks hold this frame, and so the stream, when the caller has gone.
                failures.clear()
                return target, self._to_the_end(target, events)

    def _others(
        self, target: Target, error: ChatdError, said: PartialAnswer | None = None
    ) -> Sequence[Target]:
        """The models that can answer instead, after this failure of this one."""
        if self._chat_context.call.gone.is_set():
            return ()
        others = self._in_time()
        if isinstance(error, ContextTooLongError):
            return [other for other in others if _may_read_more(other, target)]
        if isinstance(error, DivergedError) and said is not None:
            # Another answer from the start would differ as well; a continuation cannot.
            return [other for other in others if _takes_prefill(other, said)]
        return others if error.allows_fallback else ()

    def _in_time(self) -> list[Target]:
        """The waiting models whose time is not spent."""
        return [target for target in self._waiting if not self._chat_context.deadline(target).spent]

    def _begin(self, target: Target) -> Iterator[Event]:
        return self._runner.begin(target, self._chat_context, others=self._in_time())

    def _to_the_end(self, target: Target, events: Iterator[Event]) -> Iterator[Event]:
        """Yield the events of the whole answer, over all models that contribute to it."""
        record, said, author = self._chat_context.record, PartialAnswer(), target
        while True:
            try:
                for event in events:
                    said.note(event)
                    if isinstance(event, FailedOver):
                        record.note(event)
                        author = target
                    yield _with_all_tokens(event, record.spent) if record.earlier else event
            except ChatdError as death:
                self._runner.died(target, death, self._chat_context)
                lost = self._chat_context.live and not said.joinable
                # A long answer is long from the next model too; before its first event it is none.
                lost = lost or isinstance(death, AnswerTooLargeError)
                self._waiting = deque(self._others(target, death, said))
                if lost or not self._waiting:
                    raise
                self._fails(target, death)
                target, events = self._gone_on_with(author, said, death)
            else:
                self._runner.ended(target)
                return

    def _gone_on_with(
        self, author: Target, said: PartialAnswer, death: ChatdError
    ) -> tuple[Target, Iterator[Event]]:
        """Another model's continuation of the answer, whose first event is there.

        Args:
            author: The model that generated the last part of the partial answer.
            said: The partial answer.
            death: The failure that ended it.

        Raises:
            ChatdError: The death, if no model continues it.

        """
        while (waiting := deque(self._in_time())) and not self._chat_context.call.gone.is_set():
            target = waiting.popleft()
            self._waiting = waiting
            rescued = FailedOver(target.served.provider, target.served.model, author.name)
            try:
                if _takes_prefill(target, said):
                    begun = self._prefilled(target, said.text, rescued)
                    if begun is not None:
                        return begun
                return target, self._anew(target, said, rescued)
            except ChatdError as failure:
                self._chat_context.record.fails(failure)
        raise death

    def _prefilled(
        self, target: Target, text: str, rescued: FailedOver
    ) -> tuple[Target, Iterator[Event]] | None:
        """The model's continuation of a prefill, up to where it is joined; None to begin anew.

        Raises:
            ChatdError: If the model fails otherwise than by refusing the prefill.

        """
        row = target.route.provider
        extra = Extra(row.dialect, row.prefill_fields) if row.prefill_fields else None
        attempt = target.asking_for(prefilled(target.request, text, extra))
        held = Continuation(text, tuple(target.request.words()))
        try:
            events = self._begin(attempt)
        except InvalidRequestError as refusal:
            self._chat_context.record.fails(refusal)
            return None
        joined = continued(events, held, rescued)
        head: list[Event] = []
        try:
            for event in joined:
                head.append(event)
                if isinstance(event, FailedOver):
                    break
        except DivergedError as unclear:
            self._fails(attempt, unclear)
            return None
        except ChatdError as death:
            self._runner.died(attempt, death, self._chat_context)
            self._estimate(attempt)
            raise
        self._chat_context.record.said -= held.echoed
        return attempt, chain(head, joined)

    def _anew(self, target: Target, said: PartialAnswer, rescued: FailedOver) -> Iterator[Event]:
        """The model's answer from the start, joined to what the caller has got of it."""
        events = self._begin(target)
        if not self._chat_context.live:
            return begun_anew(events, rescued)
        return continued(events, Repetition(said.text if said.joinable else ""), rescued)

    def _fails(self, target: Target, error: ChatdError) -> None:
        """Record that an attempt failed after its first event, with its tokens."""
        self._estimate(target)
        self._chat_context.record.fails(error)

    def _estimate(self, target: Target) -> None:
        """Estimate what the attempt took, unless the provider has counted it."""
        if not self._chat_context.record.counted:
            self._chat_context.record.estimate(target.asked)


def _takes_prefill(target: Target, said: PartialAnswer) -> bool:
    """Whether the model can continue this partial answer as a prefill."""
    row = target.route.provider
    able = row.prefill and row.endpoint != "generate"
    return able and said.joinable and takes_prefill(target.request, said.text)


def _may_read_more(other: Target, target: Target) -> bool:
    """Whether the other model's context may be larger; unknown unless chatd.toml has both."""
    theirs, ours = other.route.context, target.route.context
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
