"""Run a request with an `Idempotency-Key` once: claim, answer, store; or replay the answer."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace

from chatd.aws_lambda import events
from chatd.aws_lambda.events import Context, LambdaEvent
from chatd.aws_lambda.http import Response, WithHeaders
from chatd.aws_lambda.streaming import StreamingResponse
from chatd.errors import (
    ChatdError,
    IdempotencyUnavailableError,
    InFlightError,
    InvalidRequestError,
    KeyReusedError,
)
from chatd.idempotency import HEADER, IdempotencyKey, Records, RecordsUnavailableError, StoredRecord
from chatd.idempotency.scope import caller_of, route_of
from chatd.idempotency.stored_answer import StoredAnswer, stored_answer
from chatd.idempotency.stream_recording import RecordedStream
from chatd.telemetry.writer import Telemetry

_KEY = re.compile(r"[ -~]{1,255}")
_OUTCOME = "x-chatd-idempotency"
_NOT_STORED = {_OUTCOME: "not-stored"}
_REPLAYED = {_OUTCOME: "replayed"}
_RETRY_SECONDS = 1


class IdempotentExecution:
    """Run the request of each key once.

    Args:
        records: Hold the answers; None if the deployment has no records: then each request runs
            again, and its answer has the header `x-chatd-idempotency: not-stored`.
        telemetry: Logs the outcome of a key, unless its answer was stored.

    """

    def __init__(self, records: Records | None, telemetry: Telemetry) -> None:
        self._records = records
        self._telemetry = telemetry

    def answer(
        self,
        event: LambdaEvent,
        context: Context,
        run: Callable[[], Response | StreamingResponse],
        is_end_mark: Callable[[bytes], bool],
    ) -> Response | StreamingResponse:
        """Run a request, or replay the stored answer.

        Args:
            event: The request, with its key.
            context: Lambda's context.
            run: Runs the request, or raises.
            is_end_mark: Whether a piece of a stream is its end mark.

        Raises:
            InvalidRequestError: If the key is malformed.
            KeyReusedError: If the key came with another body before.
            InFlightError: If the first request with the key is still in flight.
            IdempotencyUnavailableError: If the records cannot be read; no provider was called.
            ChatdError: As `run` raises; the key is then released.

        """
        key = _key_of(event)
        if self._records is None:
            self._telemetry.idempotency(context.aws_request_id, "not-stored")
            return _marked_not_stored(run())
        record = self._claim(self._records, key, context)
        if record is not None:
            self._telemetry.idempotency(context.aws_request_id, "replayed")
            return StoredAnswer.of_record(record).replayed(_REPLAYED)
        claimed_key = ClaimedKey(self._records, key, self._telemetry, context.aws_request_id)
        try:
            answer = run()
            if not isinstance(answer, Response):
                return RecordedStream(answer, claimed_key, is_end_mark)
            return answer if claimed_key.keep(stored_answer(answer)) else _marked_not_stored(answer)
        except BaseException:
            claimed_key.release()
            raise

    def _claim(
        self, records: Records, key: IdempotencyKey, context: Context
    ) -> StoredRecord | None:
        refusal: ChatdError
        try:
            return records.claim(key, context.get_remaining_time_in_millis())
        except RecordsUnavailableError as error:
            self._telemetry.warn(f"idempotency: {error}")
            refusal = IdempotencyUnavailableError(
                f"whether this {HEADER} came before cannot be checked now; no provider was called",
                retry_after=_RETRY_SECONDS,
            )
        except (KeyReusedError, InFlightError) as error:
            refusal = error
        self._telemetry.idempotency(context.aws_request_id, "refused", refusal.default_code)
        raise refusal


class ClaimedKey:
    """A key that this request holds until the answer is stored or the key released."""

    def __init__(
        self, records: Records, key: IdempotencyKey, telemetry: Telemetry, request_id: str
    ) -> None:
        self._records = records
        self._key = key
        self._telemetry = telemetry
        self._request_id = request_id
        self._settled = False

    def keep(self, answer: StoredAnswer | None) -> bool:
        """Store the answer; None stands for one too long. Return whether an answer is stored."""
        if answer is not None:
            try:
                self._records.keep(self._key, answer.record)
            except RecordsUnavailableError as error:
                self._telemetry.warn(f"idempotency: {error}")
            else:
                self._settled = True
                return True
        self._telemetry.idempotency(self._request_id, "not-stored")
        self.release()
        return False

    def release(self) -> None:
        """Release the key, unless an answer is stored."""
        if self._settled:
            return
        self._settled = True
        try:
            self._records.release(self._key)
        except RecordsUnavailableError as error:
            self._telemetry.warn(f"idempotency: {error}")


def _key_of(event: LambdaEvent) -> IdempotencyKey:
    sent = events.header(event, HEADER.lower())
    if sent is None or not _KEY.fullmatch(sent):
        raise InvalidRequestError(
            f"{HEADER} must be 1 to 255 printable ASCII characters", param=HEADER
        )
    parts = json.dumps([caller_of(event), route_of(event), sent])
    return IdempotencyKey(_sha256(parts.encode()), _sha256(events.body_of(event)))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _marked_not_stored(answer: Response | StreamingResponse) -> Response | StreamingResponse:
    """Add the header that marks the answer as not stored."""
    if isinstance(answer, Response):
        return replace(answer, headers={**answer.headers, **_NOT_STORED})
    return WithHeaders(answer, _NOT_STORED)
