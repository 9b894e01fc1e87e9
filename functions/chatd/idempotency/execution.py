"""The story of one request with an `Idempotency-Key`: claim → answer → keep, or the answer again.

It knows the order of things, and neither what is asked nor where answers are kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace

from chatd.aws_lambda import events
from chatd.aws_lambda.events import Context, LambdaEvent
from chatd.aws_lambda.http import Dressed, Response
from chatd.aws_lambda.streaming import StreamingResponse
from chatd.errors import (
    ChatdError,
    IdempotencyUnavailableError,
    InFlightError,
    InvalidRequestError,
    KeyReusedError,
)
from chatd.idempotency import HEADER, IdempotencyKey, Record, Records, RecordsUnavailableError
from chatd.idempotency.scope import caller_of, route_of
from chatd.idempotency.stored_answer import Kept, of_response
from chatd.idempotency.stream_recording import Recorded
from chatd.telemetry.writer import Telemetry

_KEY = re.compile(r"[ -~]{1,255}")
_OUTCOME = "x-chatd-idempotency"
_NOT_STORED = {_OUTCOME: "not-stored"}
_REPLAYED = {_OUTCOME: "replayed"}
_RETRY_SECONDS = 1


class Once:
    """Answers each key once.

    Args:
        records: Where answers are kept; None where there is no such place, and then every request
            is answered anew, and told so.
        telemetry: Is told what became of a key, if it was anything but an answer that was kept.

    """

    def __init__(self, records: Records | None, telemetry: Telemetry) -> None:
        self._records = records
        self._telemetry = telemetry

    def answer(
        self,
        event: LambdaEvent,
        context: Context,
        fresh: Callable[[], Response | StreamingResponse],
        ends: Callable[[bytes], bool],
    ) -> Response | StreamingResponse:
        """Answer a request, or give the answer that was given before.

        Args:
            event: The request, with its key.
            context: Lambda's context.
            fresh: Answers it anew, or raises.
            ends: Whether a piece of a stream says that it is whole.

        Raises:
            InvalidRequestError: If the key is none.
            KeyReusedError: If it came with another body before.
            InFlightError: If its first request is still being answered.
            IdempotencyUnavailableError: If that cannot be known; then nothing was asked.
            ChatdError: What `fresh` raises; then the key is free again.

        """
        key = _key_of(event)
        if self._records is None:
            self._telemetry.idempotency(context.aws_request_id, "not-stored")
            return _dressed(fresh())
        record = self._claimed(self._records, key, context)
        if record is not None:
            self._telemetry.idempotency(context.aws_request_id, "replayed")
            return Kept.of_record(record).again(_REPLAYED)
        hold = Taken(self._records, key, self._telemetry, context.aws_request_id)
        try:
            answer = fresh()
            if not isinstance(answer, Response):
                return Recorded(answer, hold, ends)
            return answer if hold.keep(of_response(answer)) else _dressed(answer)
        except BaseException:
            hold.release()
            raise

    def _claimed(self, records: Records, key: IdempotencyKey, context: Context) -> Record | None:
        refusal: ChatdError
        try:
            return records.claim(key, context.get_remaining_time_in_millis())
        except RecordsUnavailableError as error:
            self._telemetry.warn(f"idempotency: {error}")
            refusal = IdempotencyUnavailableError(
                f"whether this {HEADER} came before cannot be known just now; nobody was asked",
                retry_after=_RETRY_SECONDS,
            )
        except (KeyReusedError, InFlightError) as error:
            refusal = error
        self._telemetry.idempotency(context.aws_request_id, "refused", refusal.default_code)
        raise refusal


class Taken:
    """A key that this request has taken, until an answer is kept under it or it is let go."""

    def __init__(
        self, records: Records, key: IdempotencyKey, telemetry: Telemetry, request_id: str
    ) -> None:
        self._records = records
        self._key = key
        self._telemetry = telemetry
        self._request_id = request_id
        self._settled = False

    def keep(self, answer: Kept | None) -> bool:
        """Keep an answer, unless it is too long, which is None; whether it is kept."""
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
        """Let the key go, if no answer was kept."""
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


def _dressed(answer: Response | StreamingResponse) -> Response | StreamingResponse:
    """The answer, marked as one that is not kept."""
    if isinstance(answer, Response):
        return replace(answer, headers={**answer.headers, **_NOT_STORED})
    return Dressed(answer, _NOT_STORED)
