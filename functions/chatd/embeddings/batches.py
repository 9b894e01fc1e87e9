"""Run the batches of one request at one host: the first alone, the others side by side.

So a failure of every batch, such as a refused key or an unknown model, costs one request to the
provider. The first failure ends the batches under way, and fails the whole request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from chatd.call import Call
from chatd.canonical.embedding import Embeddings, joined
from chatd.deadline import Deadline
from chatd.embeddings.context import EmbeddingContext
from chatd.errors import (
    AnswerTooLargeError,
    CallCancelledError,
    ChatdError,
    UpstreamAuthError,
    UpstreamError,
)
from chatd.resilience.attempt_loop import AttemptLoop, Steps, attributed
from chatd.resilience.attempt_window import AttemptWindow
from chatd.resilience.circuit_breaker import CircuitBreakers
from chatd.resilience.retry import Retries
from chatd.routing.embedding_targets import EmbeddingTarget, EmbeddingTargets
from chatd.telemetry.record import ChatRecord
from chatd.transport.http_client import Transport

# Batches under way at once; the transport keeps as many idle connections to a host.
PARALLEL = 4
# Retries over all batches of a request, beside those of its first batch. A provider that refuses
# more is overloaded, and each batch may wait for the provider's `Retry-After`.
MOST_RETRIES = 20
# 2,048 vectors of 4,096 numbers take 67 MB.
MAX_NUMBERS = 2_048 * 4_096


class BatchRunner:
    """Run the batches of requests.

    Args:
        targets: Finds a newer key after a refused one.
        transport: Sends the requests.
        circuits: The circuit breakers.

    """

    def __init__(
        self, targets: EmbeddingTargets, transport: Transport, circuits: CircuitBreakers
    ) -> None:
        self._targets = targets
        self._transport = transport
        self._circuits = circuits
        self._loop = AttemptLoop(circuits)

    def run(
        self,
        target: EmbeddingTarget,
        context: EmbeddingContext,
        *,
        fallbacks: Sequence[EmbeddingTarget],
    ) -> Embeddings:
        """Return the vectors of all batches, in the order of the inputs.

        Args:
            target: The host, with the whole request.
            context: The call and its record.
            fallbacks: The further hosts, which keep their share of the time.

        Raises:
            ChatdError: The failure of the first batch that failed, with a message for the caller.

        """
        window = AttemptWindow(target, fallbacks, context)
        batches = target.batches
        first = self._batch(batches[0], window, Retries(fallback=window.fallback))
        if len(batches) == 1:
            return first
        numbers = len(first.vectors[0]) * len(target.request.inputs)
        if numbers > MAX_NUMBERS:
            raise AnswerTooLargeError(
                f"the vectors have {numbers:,} numbers, and chatd returns at most {MAX_NUMBERS:,};"
                " send fewer inputs at once",
                provider=target.served.provider,
            )
        # After a refused key, the first batch has found a newer one.
        key, signer = window.target.key, window.target.signer
        batches = [replace(batch, key=key, signer=signer) for batch in batches[1:]]
        whole = joined([first, *self._side_by_side(batches, window, context)])
        context.record.set_usage(whole.usage, whole.model)
        _check_lengths(whole, target)
        return whole

    def _side_by_side(
        self, batches: Sequence[EmbeddingTarget], window: AttemptWindow, context: EmbeddingContext
    ) -> list[Embeddings]:
        """Run batches side by side, and add their figures to the record."""
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # 5 ms of a start

        group = _Group(context)
        started = time.monotonic()
        with ThreadPoolExecutor(min(PARALLEL, len(batches)), "embeddings") as pool:
            found = list(pool.map(lambda batch: self._member(batch, window, group), batches))
        group.add_to(context.record, started)
        if group.ended:
            raise group.failure or CallCancelledError
        return [one for one in found if one is not None]

    def _member(
        self, batch: EmbeddingTarget, window: AttemptWindow, group: _Group
    ) -> Embeddings | None:
        """Return the vectors of one batch; None after a failure of any batch."""
        if group.ended:
            return None
        context = group.member()
        part = window.for_part(batch, context)
        retries = _SharedRetries(group, fallback=window.fallback)
        try:
            return self._batch(batch, part, retries)
        except Exception as failure:  # noqa: BLE001  # raised again in the thread of the request
            group.fail(failure)
            return None

    def _batch(
        self, target: EmbeddingTarget, window: AttemptWindow, retries: Retries
    ) -> Embeddings:
        """Return the vectors of one batch."""
        steps = Steps(partial(self._attempt, window), self._corrected, _unchanged)
        found = self._loop.run(target, window, retries, steps)
        self._circuits.record_success(target.circuit)
        return found

    def _corrected(self, target: EmbeddingTarget, error: ChatdError) -> EmbeddingTarget | None:
        """Return the target with a newer key after a refused one."""
        return self._targets.rekeyed(target) if isinstance(error, UpstreamAuthError) else None

    def _attempt(self, window: AttemptWindow, target: EmbeddingTarget) -> Embeddings:
        """Send one request and read its answer."""
        call, record = window.context.call, window.context.record
        started = time.monotonic()
        try:
            sent, connect = target.http_request(), window.limits().connect
            response = self._transport.send(sent, window.begin_by, connect, call.on_cancel)
            found = target.dialect.parse(response, target.request)
        except ChatdError as error:
            # A cancelled exchange looks like a provider's failure.
            if call.cancelled.is_set():
                raise CallCancelledError from None
            raise attributed(error, target) from None
        finally:
            record.add_upstream_time(started)
        record.set_usage(found.usage, found.model)
        return found


class _Group:
    """The batches that run side by side, each with its own record, and cancelled together.

    Args:
        context: The context of the whole request.

    Attributes:
        ended: Whether no further batch begins: one has failed, or the caller hung up.
        failure: The first failure. The cancellation after it fails other batches too.

    """

    def __init__(self, context: EmbeddingContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self.ended = False
        self.failure: Exception | None = None
        self._members: list[EmbeddingContext] = []
        self._retries = MOST_RETRIES
        context.call.on_cancel(self.cancel)

    def member(self) -> EmbeddingContext:
        """Return the context of one batch."""
        whole = self._context
        call = Call(whole.call.request_id, Deadline(whole.call.deadline.at), whole.call.caller)
        call.started = whole.call.started
        context = EmbeddingContext(call, ChatRecord(call.request_id), whole.request)
        with self._lock:
            self._members.append(context)
            if self.ended:
                call.cancel()
        return context

    def fail(self, failure: Exception) -> None:
        """Note the failure of a batch, and cancel the others."""
        with self._lock:
            self.failure = self.failure or failure
        self.cancel()

    def cancel(self) -> None:
        """Cancel every batch, from any thread."""
        with self._lock:
            self.ended = True
            members = list(self._members)
        for member in members:
            member.call.cancel()

    def take_retry(self) -> bool:
        """Take a retry of the group; return whether one was left."""
        with self._lock:
            self._retries -= 1
            return self._retries >= 0

    def add_to(self, record: ChatRecord, started: float) -> None:
        """Add the figures of the batches, which have ended, to the record of the whole request."""
        for member in self._members:
            for attempt in member.record.earlier:
                record.earlier.append(attempt)
                record.overlapped_ms += attempt.upstream_ms or 0.0
            if record.usage is not None and member.record.usage is not None:
                record.usage += member.record.usage
        record.add_upstream_time(started)


class _SharedRetries(Retries):
    """The retries of one batch, within the limit of its group."""

    def __init__(self, group: _Group, *, fallback: bool) -> None:
        super().__init__(fallback=fallback)
        self._group = group

    def pause(self, error: ChatdError, deadline: Deadline) -> float | None:
        """Decide as for any retry; None also if the group has none left."""
        wait = super().pause(error, deadline)
        return wait if wait is not None and self._group.take_retry() else None


def _unchanged(target: EmbeddingTarget, _error: ChatdError) -> EmbeddingTarget:
    return target


def _check_lengths(whole: Embeddings, target: EmbeddingTarget) -> None:
    """Check that all batches have vectors of one length.

    Raises:
        UpstreamError: If not: the host changed the model in between.

    """
    if len({len(vector) for vector in whole.vectors}) > 1:
        raise UpstreamError(
            f"{target.served.provider}: the vectors of its answers have different lengths",
            provider=target.served.provider,
        )
