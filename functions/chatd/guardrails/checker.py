"""Send texts to ApplyGuardrail, in requests of bounded size, and collect the verdicts."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chatd.call import Call
from chatd.config.provider import AwsAccess, Guardrail, Provider
from chatd.credentials.provider_key import ProviderKey
from chatd.credentials.provider_keys import Credentials
from chatd.deadline import Deadline
from chatd.errors import CallCancelledError, ChatdError, GuardrailUnavailableError
from chatd.guardrails.apply import RefusedCheckError, Source, Verdict, request_of, verdict_of
from chatd.telemetry.record import ChatRecord
from chatd.transport.http_client import RegisterCancel, Transport
from chatd.upstream_http import HttpRequest

# AWS takes 25 text units of 1,000 characters in a request by default:
# https://docs.aws.amazon.com/general/latest/gr/bedrock.html
MAX_CHARACTERS = 20_000
_SECONDS = 10.0  # for one request; a verdict takes 0.1 to 1 s
_CONNECT_SECONDS = 2.0
_PAUSE_SECONDS = 0.2  # before the one repetition


@dataclass(frozen=True, slots=True, eq=False)
class Checker:
    """Check the texts of one chat with one guardrail.

    Args:
        guardrail: The guardrail, with its region and URL.
        credentials: Looks up the signer or the bearer token for the requests.
        transport: Sends the requests.
        call: The call.
        record: Collects the time and the text units.

    """

    guardrail: Guardrail
    credentials: Credentials
    transport: Transport
    call: Call
    record: ChatRecord

    def verdict(self, source: Source, texts: Sequence[str], deadline: Deadline) -> Verdict:
        """Check some texts; the first blocked one ends the check.

        Args:
            source: Whether the texts are the caller's (INPUT) or the model's (OUTPUT).
            texts: The texts; none is empty.
            deadline: The deadline of the chat.

        Raises:
            GuardrailUnavailableError: If there is no verdict, unless the guardrail lets texts pass
                then. Texts that were checked before have their masks.
            CallCancelledError: If the call was cancelled.

        """
        started = time.monotonic()
        try:
            return self._all(source, texts, deadline)
        finally:
            self.record.add_guardrail_time(started)

    def _all(self, source: Source, texts: Sequence[str], deadline: Deadline) -> Verdict:
        pieces = [(number, piece) for number, text in enumerate(texts) for piece in _split(text)]
        masked: list[str] | None = None
        is_over = False
        passed = [""] * len(texts)
        batches = deque(_batches(pieces))
        while batches:
            batch = batches.popleft()
            given = [piece for _, piece in batch]
            found = Verdict() if is_over else self._one(source, given, deadline)
            if found is None:
                is_over, found = True, Verdict()
            self.record.guardrail_units += found.units
            if found.masked == ():  # which text has which masks is unknown
                batches.extendleft([one] for one in reversed(batch))
                continue
            if found.blocked:
                self.record.guardrail = "blocked"
                return found
            if found.masked is not None:
                masked, self.record.guardrail = passed, "masked"
            for (number, _), piece in zip(batch, found.masked or given, strict=True):
                passed[number] += piece
        return Verdict(masked=None if masked is None else tuple(masked))

    def _one(self, source: Source, texts: Sequence[str], deadline: Deadline) -> Verdict | None:
        """Return the verdict of one request; None where texts pass without one."""
        try:
            return self._repeated(source, texts, deadline)
        except GuardrailUnavailableError:
            if self.guardrail.unavailable != "pass":
                raise
            self.record.guardrail = "unavailable"
            return None

    def _repeated(self, source: Source, texts: Sequence[str], deadline: Deadline) -> Verdict:
        """Send one request, and repeat the request once after a failure that may pass."""
        request = request_of(self.guardrail, source, texts)
        # A call registers only one exchange: during an answer, the provider's exchange.
        register = self.call.on_cancel if source == "INPUT" else _unregistered
        row = self._row()
        key = self.credentials.key_of(row)
        for repeated in (False, True):
            try:
                return self._answer(key, request, texts, (deadline, register))
            except (RefusedCheckError, ChatdError) as failure:
                if self.call.cancelled.is_set():
                    raise CallCancelledError from None
                newer = None
                if getattr(failure, "unauthorized", False):
                    newer = self.credentials.renewed(row, key)
                may_pass = newer is not None or getattr(failure, "repeatable", True)
                if repeated or deadline.spent or not may_pass:
                    raise self._unavailable(failure) from None
                key = newer or key
                if self.call.cancelled.wait(_PAUSE_SECONDS):
                    raise CallCancelledError from None
        raise AssertionError  # the loop returns or raises

    def _answer(
        self,
        key: ProviderKey,
        request: HttpRequest,
        texts: Sequence[str],
        limits: tuple[Deadline, RegisterCancel],
    ) -> Verdict:
        deadline, register = limits
        if not key.is_found:
            raise RefusedCheckError("no AWS credentials")
        if key.value is not None:
            bearer = f"Bearer {key.value.get_secret_value()}"
            request = HttpRequest(
                request.url, {**request.headers, "authorization": bearer}, request.body
            )
        sent = key.signed(request)
        within = deadline.within(_SECONDS)
        return verdict_of(self.transport.send(sent, within, _CONNECT_SECONDS, register), texts)

    def _row(self) -> Provider:
        """Return a row for the lookup of credentials."""
        access = AwsAccess(region=self.guardrail.region)
        return Provider("guardrail", "bedrock_converse", self.guardrail.url, aws=access)

    def _unavailable(self, failure: Exception) -> GuardrailUnavailableError:
        reason = failure.default_code if isinstance(failure, ChatdError) else failure
        return GuardrailUnavailableError(f"the guardrail could not be applied: {reason}")


def _unregistered(_end_exchange: Callable[[], None]) -> None:
    return None


def _split(text: str) -> Iterator[str]:
    """Split a text of more than one request, at white space where there is some."""
    start = 0
    while len(text) - start > MAX_CHARACTERS:
        end = start + MAX_CHARACTERS
        space = text.rfind(" ", start + MAX_CHARACTERS // 2, end)
        end = space + 1 if space >= 0 else end
        yield text[start:end]
        start = end
    yield text[start:]


def _batches(pieces: Sequence[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    batch: list[tuple[int, str]] = []
    size = 0
    for number, piece in pieces:
        if batch and size + len(piece) > MAX_CHARACTERS:
            yield batch
            batch, size = [], 0
        batch.append((number, piece))
        size += len(piece)
    if batch:
        yield batch
