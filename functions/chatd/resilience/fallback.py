"""Fall back to the next model of a tier after a failure, also in mid-stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from chatd.canonical.events import Counted, Frame, recounted
from chatd.canonical.extra import Extra
from chatd.canonical.response import FailedOver, Usage
from chatd.dialects import continues_prompt, dialect_name
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
from chatd.resilience.prefill import Continuation, LongerPrompt, prefilled, takes_prefill
from chatd.resilience.stream_failover import PartialAnswer, Repetition, begun_anew, continued
from chatd.routing.target_selection import Target


class FallbackChain:
    """The fallback chain of one chat.

    Args:
        runner: Runs the attempts at one model.
        targets: The models in the order of preference; at least one.
        chat_context: The chat.

    """

    def __init__(
        self, runner: AttemptRunner, targets: Sequence[Target], chat_context: ChatContext
    ) -> None:
        self._runner = runner
        self._waiting = deque(targets)
        self._chat_context = chat_context

    def begin(self) -> tuple[Target, Iterator[Frame]]:
        """Try one model after another until the first event of one arrives.

        Returns:
            The model that answers, and the events as they arrive, including the first. If its
            stream breaks off, the events of another model follow, if they can be joined exactly.

        Raises:
            ChatdError: If no model begins an answer; also between two events. The message is for
                the caller.

        """
        failures: list[ChatdError] = []
        self._waiting = deque(self._in_time())
        if not self._waiting:
            raise UpstreamTimeoutError("the time for this chat was spent before the first attempt")
        while True:
            target = self._waiting.popleft()
            try:
                events = self._begin(target)
            except ChatdError as error:
                failures.append(error)
                self._chat_context.record.fail_attempt(error)
                self._waiting = deque(self._eligible(target, error))
                if not self._waiting:
                    raise most_informative(failures) from None
            else:
                # Their tracebacks hold this frame, and so the stream, after the caller hung up.
                failures.clear()
                return target, self._across_failovers(target, events)

    def _eligible(
        self, target: Target, error: ChatdError, partial: PartialAnswer | None = None
    ) -> Sequence[Target]:
        """Return the models that can answer after this failure of this target."""
        if self._chat_context.call.cancelled.is_set():
            return ()
        eligible = self._in_time()
        if isinstance(error, ContextTooLongError):
            return [fallback for fallback in eligible if _may_read_more(fallback, target)]
        if isinstance(error, DivergedError) and partial is not None:
            # A new answer from the start would differ as well; a continuation of a prefill cannot.
            return [fallback for fallback in eligible if _takes_prefill(fallback, partial)]
        return eligible if error.allows_fallback else ()

    def _in_time(self) -> list[Target]:
        """Return the waiting models with time left."""
        return [target for target in self._waiting if not self._chat_context.deadline(target).spent]

    def _begin(self, target: Target) -> Iterator[Frame]:
        return self._runner.begin(target, self._chat_context, fallbacks=self._in_time())

    def _across_failovers(self, target: Target, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield the events of the whole answer, across failovers."""
        record, partial, author = self._chat_context.record, PartialAnswer(), target
        while True:
            try:
                for frame in frames:
                    for event in frame.events:
                        partial.note(event)
                        if isinstance(event, FailedOver):
                            record.note(event)
                            author = target
                    yield _with_all_tokens(frame, record.failed_usage) if record.earlier else frame
            except ChatdError as stream_error:
                self._runner.record_failure(target, stream_error, self._chat_context)
                unrecoverable = self._chat_context.streamed and not partial.joinable
                # An answer that is too long will be too long from the next model as well.
                unrecoverable = unrecoverable or isinstance(stream_error, AnswerTooLargeError)
                self._waiting = deque(self._eligible(target, stream_error, partial))
                if unrecoverable or not self._waiting:
                    raise
                self._record_broken_stream(target, stream_error)
                target, frames = self._failed_over(author, partial, stream_error)
            else:
                self._runner.record_success(target)
                return

    def _failed_over(
        self, author: Target, partial: PartialAnswer, stream_error: ChatdError
    ) -> tuple[Target, Iterator[Frame]]:
        """Start the next model that can continue the answer; return the model and its events.

        Args:
            author: The model that generated the last part of the partial answer.
            partial: The partial answer.
            stream_error: The failure that ended the stream.

        Raises:
            ChatdError: The same failure, if no model continues the answer.

        """
        cancelled = self._chat_context.call.cancelled
        while (waiting := deque(self._in_time())) and not cancelled.is_set():
            target = waiting.popleft()
            self._waiting = waiting
            failed_over = FailedOver(target.served.provider, target.served.model, author.name)
            try:
                if _takes_prefill(target, partial):
                    continuation = self._prefilled(target, partial.text, failed_over)
                    if continuation is not None:
                        return continuation
                return target, self._restarted(target, partial, failed_over)
            except ChatdError as failure:
                self._chat_context.record.fail_attempt(failure)
        raise stream_error

    def _prefilled(
        self, target: Target, text: str, failed_over: FailedOver
    ) -> tuple[Target, Iterator[Frame]] | None:
        """Continue the answer from a prefill; return None if a restart is needed.

        Raises:
            ChatdError: If the model fails for another reason than a refused prefill.

        """
        row = target.route.provider
        extra = Extra(row.dialect, row.prefill_fields) if row.prefill_fields else None
        request = prefilled(target.request, text, extra)
        attempt = replace(target.with_request(request), continues=True)
        held: Continuation | LongerPrompt = LongerPrompt()
        if request.completion is None:
            held = Continuation(text, tuple(target.request.words()))
        try:
            events = self._begin(attempt)
        except InvalidRequestError as refusal:
            self._chat_context.record.fail_attempt(refusal)
            return None
        joined = continued(events, held, failed_over)
        head: list[Frame] = []
        try:
            for frame in joined:
                head.append(frame)
                if any(isinstance(event, FailedOver) for event in frame.events):
                    break
        except DivergedError as unclear:
            self._record_broken_stream(attempt, unclear)
            return None
        except ChatdError as stream_error:
            self._runner.record_failure(attempt, stream_error, self._chat_context)
            self._estimate(attempt)
            raise
        self._chat_context.record.received_characters -= held.echoed
        return attempt, chain(head, joined)

    def _restarted(
        self, target: Target, partial: PartialAnswer, failed_over: FailedOver
    ) -> Iterator[Frame]:
        """Restart the answer; hold the stream back while the caller's part repeats."""
        events = self._begin(target)
        if not self._chat_context.streamed:
            return begun_anew(events, failed_over)
        return continued(events, Repetition(partial.text if partial.joinable else ""), failed_over)

    def _record_broken_stream(self, target: Target, error: ChatdError) -> None:
        """Record the failure and the tokens of an attempt with a first event."""
        self._estimate(target)
        self._chat_context.record.fail_attempt(error)

    def _estimate(self, target: Target) -> None:
        """Estimate the usage of the attempt, unless the provider has reported the usage."""
        if not self._chat_context.record.has_usage:
            self._chat_context.record.estimate(target.prompt_size)


def _takes_prefill(target: Target, partial: PartialAnswer) -> bool:
    """Whether the model can continue this partial answer as a prefill."""
    row, request = target.route.provider, target.request
    if not partial.joinable or not takes_prefill(request, partial.text):
        return False
    if request.completion is not None:
        return continues_prompt(row, request)
    if row.endpoint == "generate" or dialect_name(row, request) != row.dialect:
        return False  # the row's facts hold for its own dialect alone
    return row.takes_prefill(request.model)


def _may_read_more(fallback: Target, target: Target) -> bool:
    """Whether the fallback's context may be larger; either size may be unknown."""
    fallback_context, context = _context(fallback), _context(target)
    return fallback_context is None or context is None or fallback_context > context


def _context(target: Target) -> int | None:
    """Return the tokens of context by chatd.toml's tier, else by the table of models."""
    route = target.route
    if route.context is not None:
        return route.context
    facts = route.provider.facts_of(route.model)
    return None if facts is None else facts.context


def _with_all_tokens(frame: Frame, spent: Usage) -> Frame:
    """Add the tokens of the failed attempts to those that a frame counts."""
    for event in frame.events if spent != Usage() else ():
        if isinstance(event, Counted):
            return recounted(frame, replace(event, usage=spent + event.usage))
    return frame


def most_informative(failures: Sequence[ChatdError]) -> ChatdError:
    """Choose the failure for the caller: the last one from a provider, if there is one."""
    real = [error for error in failures if not isinstance(error, NoHealthyProviderError)]
    if real:
        return real[-1]
    return min(failures, key=lambda error: error.retry_after or 0)
