"""Collect the figures of one chat: names, counts and times, without prompts, answers and keys."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from chatd.canonical.events import Counted, Delta, Event, Finish
from chatd.canonical.response import CHARACTERS_A_TOKEN, FailedOver, Usage
from chatd.errors import ChatdError

MAX_NAME = 100
"""Characters of a name that a provider gives; the log cuts longer ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """A failed attempt, or one that an open circuit breaker refused."""

    provider: str | None
    named_model: str | None
    usage: Usage | None
    upstream_ms: float | None
    error: str


@dataclass(slots=True)
class ChatRecord:
    """The figures of one chat for its metrics and log line.

    Attributes:
        request_id: The invocation's id.
        request_model: The caller's name for the model; any string, so never a dimension.
        api_request_id: API Gateway's id of the request; None for a direct invocation.
        caller: The caller's name, or IAM's user or role and session; None if neither was checked.
        provider: The provider's name once the chat was routed; one of finitely many.
        named_model: The provider's name for the model, if chatd.toml names that model.
        response_model: The model's name as the provider gives it.
        finish_reason: Why the answer ended.
        usage: The tokens of the current attempt.
        received_characters: Characters of the answer received so far, thinking included.
        first_event_ms: Milliseconds from the attempt's start to the first event of a stream.
        upstream_ms: Milliseconds spent waiting for the provider.
        total_ms: Milliseconds from the start of the chat to its end.
        error: The code of the failure, one of ours; never a provider's.
        waited_ms: Milliseconds spent waiting between retries.
        overlapped_ms: Milliseconds of failed attempts that ran beside others; in `upstream_ms` too.
        earlier: The failed attempts.
        under_way: Whether an attempt is running or has succeeded.
        failed_over_from: The models of streams that broke off, as `<provider>/<model>`.
        fault: For an internal error: its class and traceback, without its message.
        guardrail: The outcome of a guardrail: `blocked`, `masked`, `unavailable`, or None.
        guardrail_ms: Milliseconds spent waiting for a guardrail.
        guardrail_units: The text units that a guardrail's checks cost.
        operation: `chat` or `embeddings`, as OpenTelemetry names the operation.

    """

    request_id: str
    request_model: str | None = None
    api_request_id: str | None = None
    caller: str | None = None
    provider: str | None = None
    named_model: str | None = None
    response_model: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    received_characters: int = 0
    first_event_ms: float | None = None
    upstream_ms: float | None = None
    total_ms: float = 0.0
    error: str | None = None
    fault: str | None = None
    waited_ms: float = 0.0
    overlapped_ms: float = 0.0
    earlier: list[Attempt] = field(default_factory=list)
    under_way: bool = False
    failed_over_from: list[str] = field(default_factory=list)
    guardrail: str | None = None
    guardrail_ms: float | None = None
    guardrail_units: int = 0
    operation: str = "chat"

    def start_attempt(self, provider: str, named_model: str | None) -> None:
        """Record the provider and model of a new attempt."""
        self.provider = provider
        self.named_model = named_model
        self.under_way = True

    def fail_attempt(self, error: ChatdError) -> None:
        """Note that the attempt failed."""
        self.earlier.append(
            Attempt(
                self.provider, self.named_model, self.usage, self.upstream_ms, error.default_code
            )
        )
        self.usage = self.upstream_ms = self.first_event_ms = self.finish_reason = None
        self.received_characters = 0
        self.under_way = False

    @property
    def attempts(self) -> tuple[str, ...]:
        """Describe each attempt, such as `kimi: upstream_timeout` and `ollama: ok`."""
        failed = [f"{attempt.provider}: {attempt.error}" for attempt in self.earlier]
        last = [f"{self.provider}: {self.error or 'ok'}"] if self.under_way else []
        return (*failed, *last)

    @property
    def headers(self) -> dict[str, str]:
        """The `x-chatd-attempts` header, if there was more than one attempt."""
        attempts = self.attempts
        return {"x-chatd-attempts": ", ".join(attempts)} if len(attempts) > 1 else {}

    @property
    def failed_usage(self) -> Usage:
        """The usage of the failed attempts."""
        return sum((attempt.usage for attempt in self.earlier if attempt.usage), Usage())

    @property
    def total_usage(self) -> Usage | None:
        """The usage of all attempts; None if no attempt has a usage."""
        if not self.earlier:
            return self.usage
        if self.usage is not None:
            return self.failed_usage + self.usage
        return self.failed_usage if any(attempt.usage for attempt in self.earlier) else None

    @property
    def has_usage(self) -> bool:
        """Whether the provider has reported the usage of the attempt."""
        usage = self.usage
        return usage is not None and (usage.input_tokens > 0 or usage.output_tokens > 0)

    def note_first_event(self, started: float) -> None:
        """Note the time to the first event of the attempt that started at this monotonic time."""
        if self.first_event_ms is None:
            self.first_event_ms = _ms_since(started)

    def add_upstream_time(self, started: float) -> None:
        """Add the time spent on the provider since this monotonic time."""
        self.upstream_ms = (self.upstream_ms or 0.0) + _ms_since(started)

    def add_guardrail_time(self, started: float) -> None:
        """Add the time spent on a guardrail since this monotonic time."""
        self.guardrail_ms = (self.guardrail_ms or 0.0) + _ms_since(started)

    def set_usage(self, usage: Usage, model: str | None) -> None:
        """Set the usage and the provider's name for the model; the last call counts."""
        self.usage = usage
        self.response_model = (model or "")[:MAX_NAME] or self.response_model

    def set_finish_reason(self, reason: str | None) -> None:
        """Note why the answer ended."""
        self.finish_reason = (reason or "")[:MAX_NAME] or None

    def note(self, event: Event) -> None:
        """Note the content of a stream's event."""
        if isinstance(event, Counted):
            self.set_usage(event.usage, event.model)
        elif isinstance(event, Finish):
            self.set_finish_reason(event.reason)
        elif isinstance(event, Delta):
            self.received_characters += len(event.content or "") + len(event.thinking or "")
            for call in event.tool_calls:
                self.received_characters += len(call.arguments)
        elif isinstance(event, FailedOver):
            self.failed_over_from.append(event.instead_of)

    def estimate(self, prompt_size: int) -> Usage:
        """Estimate the tokens of an answer, or of a part of one, without a count by the provider.

        Args:
            prompt_size: Characters of the request.

        """
        self.usage = Usage(
            ceil(prompt_size / CHARACTERS_A_TOKEN),
            ceil(self.received_characters / CHARACTERS_A_TOKEN),
            cost_usd=self.usage.cost_usd if self.usage else None,
            estimated=True,
        )
        return self.usage


def place_of(fault: BaseException) -> str:
    """Describe an exception by its class and traceback, without its message."""
    places = " < ".join(
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(fault.__traceback__))
    )
    return f"{type(fault).__name__} at {places}"


def _ms_since(started: float) -> float:
    return (time.monotonic() - started) * 1000
