"""The context of one request for embeddings, or of one of its batches."""

from __future__ import annotations

from dataclasses import dataclass, field

from chatd.call import Call
from chatd.canonical.embedding import EmbeddingRequest
from chatd.deadline import Deadline
from chatd.resilience.chat_context import fingerprint_of
from chatd.routing.model_target import ModelTarget
from chatd.telemetry.record import ChatRecord


@dataclass(slots=True, eq=False)
class EmbeddingContext:
    """The context of one request, as `AttemptContext` of the attempts.

    Attributes:
        call: The id, the deadline and the cancellation.
        record: Collects usage and times.
        request: The caller's request, with the caller's name for the model.

    """

    call: Call
    record: ChatRecord
    request: EmbeddingRequest
    _fingerprint: str | None = field(default=None, init=False, repr=False)

    def deadline(self, target: ModelTarget) -> Deadline:
        """Return the deadline of the request for an answer of this target."""
        return target.deadline(self.call, streamed=False)

    @property
    def fingerprint(self) -> str:
        """A keyed hash of the caller and the request, computed on first use."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint_of(self.call, [self.request.model, self.request.source])
        return self._fingerprint
