"""Limit the time of one model's attempts, and decide which failures its breaker counts.

The models of a tier share the time of the chat. Until its first event, a model may use an equal
share of the remaining time, so that its fallbacks keep theirs; after it, all of the time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import copy
from dataclasses import replace

from chatd.config.provider import Timeouts
from chatd.errors import ChatdError, UpstreamError, UpstreamTimeoutError
from chatd.resilience.chat_context import AttemptContext
from chatd.resilience.retry import is_silence
from chatd.routing.model_target import ModelTarget

# A silence counts against a model only after this part of its due time: with less, a cold start or
# an earlier model took the time.
_DUE_PART = 0.75
_NEVER = float("inf")
# The source of a failure that does not depend on the request, such as a refused connection.
ANY_REQUEST = ""


class AttemptWindow:
    """The time window of one model within one chat.

    Args:
        target: The model.
        fallbacks: The fallbacks.
        context: The call and its record.

    Attributes:
        target: The model, with the request of the current attempt.
        context: The call and its record.

    """

    def __init__(
        self, target: ModelTarget, fallbacks: Sequence[ModelTarget], context: AttemptContext
    ) -> None:
        self.target = target
        self.context = context
        self._model_count = 1 + len(fallbacks)
        self._sent_at = _NEVER
        self.fallback = bool(fallbacks)
        self.deadline = self.begin_by = context.deadline(target)
        self._limits = target.limits(fallback=self.fallback)
        if fallbacks:
            left = min(context.deadline(model).left() for model in (target, *fallbacks))
            self.begin_by = self.deadline.within(left / self._model_count)

    def for_part(self, target: ModelTarget, context: AttemptContext) -> AttemptWindow:
        """Return a window of the same time for one part of the request, with its own attempts."""
        part = copy(self)
        part.target, part.context, part._sent_at = target, context, _NEVER
        return part

    def limits(self) -> Timeouts:
        """Begin an attempt; return its limits of time, which end with the window.

        Raises:
            UpstreamTimeoutError: If the window is over; nothing may be sent.

        """
        self._sent_at = _NEVER
        if self.begin_by.spent:
            raise UpstreamTimeoutError("the time for this request is spent")
        self._sent_at = time.monotonic()
        if not self.fallback:  # the transport enforces the deadline
            return self._limits
        left = self.begin_by.left()
        if left >= max(self._limits.connect, self._limits.first_event):
            return self._limits
        return replace(
            self._limits,
            connect=min(self._limits.connect, left),
            first_event=min(self._limits.first_event, left),
        )

    def source_of(self, error: ChatdError) -> str | None:
        """Return the source of a failure before the first event, if the failure counts.

        Returns:
            ANY_REQUEST or the request's fingerprint; None if the failure does not count against the
            circuit breaker.

        """
        was_sent = self._sent_at != _NEVER
        if self.context.call.cancelled.is_set() or error.caller_was_slow or not was_sent:
            return None
        if isinstance(error, UpstreamError) and error.unreachable:
            timed_out = isinstance(error, UpstreamTimeoutError)
            return None if timed_out and not self._was_due(self._limits.connect) else ANY_REQUEST
        if self.context.record.first_event_ms is not None:  # in a checked answer
            return source_after_first_event(error, self.target, self.context)
        if is_silence(error) and not self._silence_counts():
            return None
        return _own_source(self.target, self.context)

    def _silence_counts(self) -> bool:
        """Whether the model was silent for its due time.

        A whole answer gives no sign of life, so a silence and a long answer look the same. Such a
        silence counts only where a fallback can use the time.
        """
        if self.target.streams:
            return self._was_due(self._limits.silence)
        return self.fallback and self._was_due(self._limits.first_event)

    def _was_due(self, limit: float) -> bool:
        """Whether the attempt took this limit, or the model's part of the configured total."""
        total = self.target.route.timeouts.total
        due = limit if total is None else min(limit, total / self._model_count)
        return time.monotonic() - self._sent_at >= _DUE_PART * due


def source_after_first_event(
    error: ChatdError, target: ModelTarget, context: AttemptContext
) -> str | None:
    """Return the source of a failure after the first event, if the failure counts.

    A stream that flowed until the deadline of the chat has not failed, nor has a provider that
    stopped writing to a slow reader.
    """
    timed_out = isinstance(error, UpstreamTimeoutError)
    is_over = timed_out and context.deadline(target).spent
    if context.call.cancelled.is_set() or is_over or error.caller_was_slow:
        return None
    return _own_source(target, context)


def _own_source(target: ModelTarget, context: AttemptContext) -> str | None:
    """Return the request's fingerprint if the circuit breaker is the model's own.

    All models that chatd.toml does not name share the breaker of their provider: the failure of
    one model does not count against the rest.
    """
    return context.fingerprint if target.route.named else None
