"""Serve one request for embeddings: read it, select hosts, run the batches, write, record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chatd.call import Call
from chatd.canonical.embedding import EmbeddingRequest, Embeddings
from chatd.embeddings.batches import BatchRunner
from chatd.embeddings.context import EmbeddingContext
from chatd.errors import AnswerTooLargeError, ChatdError, UpstreamTimeoutError
from chatd.gateway import MAX_RETURNED_BYTES, after_cancellation, to_client_error
from chatd.resilience.fallback import most_informative
from chatd.routing.embedding_targets import EmbeddingTarget, EmbeddingTargets
from chatd.safe_json.finite_numbers import compact
from chatd.safe_json.request_size import within_limits
from chatd.surfaces.openai_embeddings.answer import body_of, pieces_of, size_of
from chatd.surfaces.openai_embeddings.request import embedding_request_of
from chatd.telemetry.record import ChatRecord


@dataclass(slots=True, eq=False)
class EmbeddingReply:
    """An answer to a request for embeddings.

    Attributes:
        headers: The response headers.

    """

    _request: EmbeddingRequest
    _found: Embeddings
    _target: EmbeddingTarget
    headers: dict[str, str]

    @property
    def most_bytes(self) -> int:
        """The most bytes of the body's JSON."""
        return size_of(self._found, self._request.encoding)

    def body(self) -> dict[str, Any]:
        """Return the whole body, for a direct invocation.

        Raises:
            AnswerTooLargeError: If Lambda cannot return the body.

        """
        body = body_of(self._found, self._request.encoding, self._target.served)
        large = self.most_bytes > MAX_RETURNED_BYTES
        if large and len(compact(body)) > MAX_RETURNED_BYTES:
            raise AnswerTooLargeError(
                "the answer is larger than the 6 MB that Lambda can return; send fewer inputs at"
                ' once, or encoding_format="base64"'
            )
        return body

    def pieces(self) -> Iterator[bytes]:
        """Yield the body's JSON in pieces."""
        return pieces_of(self._found, self._request.encoding, self._target.served)


class EmbeddingGateway:
    """Serve requests for embeddings.

    Args:
        targets: Selects the hosts of a model.
        runner: Runs the batches of a request at one host.
        finish: Records a request that has ended.

    """

    def __init__(
        self,
        targets: EmbeddingTargets,
        runner: BatchRunner,
        finish: Callable[[ChatRecord, Call], None],
    ) -> None:
        self._targets = targets
        self._runner = runner
        self._finish = finish

    def embed(self, body: Callable[[], bytes], call: Call) -> EmbeddingReply:
        """Answer and record one request; `call.cancel()` ends it from another thread.

        Args:
            body: Returns the body, or raises an InvalidRequestError.
            call: The id and the deadline.

        Raises:
            CallCancelledError: If the call was cancelled before there was an answer.
            ChatdError: For any other failure, with a message for the caller.

        """
        record = ChatRecord(call.request_id, operation="embeddings")
        try:
            request = embedding_request_of(within_limits(body()))
            record.request_model = request.model
            target, found = self._answer(EmbeddingContext(call, record, request))
            return EmbeddingReply(request, found, target, {**target.headers, **record.headers})
        except Exception as error:  # noqa: BLE001  # the last line: logged by place, never by words
            raise to_client_error(after_cancellation(call, error), record) from None
        finally:
            self._finish(record, call)

    def _answer(self, context: EmbeddingContext) -> tuple[EmbeddingTarget, Embeddings]:
        """Try one host after another; all vectors of an answer come from one host.

        Raises:
            ChatdError: If every host fails.

        """
        waiting = self._targets.targets(context.request, context.call)
        failures: list[ChatdError] = []
        while waiting := [host for host in waiting if not context.deadline(host).spent]:
            target, *waiting = waiting
            try:
                return target, self._runner.run(target, context, fallbacks=waiting)
            except ChatdError as error:
                failures.append(error)
                context.record.fail_attempt(error)
                if not error.allows_fallback or context.call.cancelled.is_set():
                    break
        if not failures:
            raise UpstreamTimeoutError("the time was spent before the first attempt")
        raise most_informative(failures) from None
