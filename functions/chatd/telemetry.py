"""What is told of a chat: CloudWatch metrics, and one log line.

A record holds names, counts and times. It has no field that a prompt, an answer or a key could be
put into.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

from chatd.answer import Counted, Delta, Event, Finish, Usage
from chatd.errors import ChatdError

NAMESPACE = "chatd"
_NO_PROVIDER = "none"
# Characters of a name that a provider gives: a log line is no place for what is longer.
_NAME = 100
# Characters of English that make a token, about:
# https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them
_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Attempt:
    """A provider that was asked and failed, before another, or the same again, was asked."""

    provider: str | None
    named_model: str | None
    usage: Usage | None
    upstream_ms: float | None
    error: str


@dataclass(slots=True)
class Record:
    """One chat, as it is told of.

    Attributes:
        request_id: The invocation's id.
        request_model: The caller's name for the model; any string, so never a dimension.
        provider: The provider's name once the chat was routed; one of finitely many.
        named_model: The provider's name for the model, if chatd.toml names that model.
        response_model: The model's name as the provider gives it.
        finish_reason: Why the answer ended.
        usage: Its tokens.
        estimated: Whether they are our estimate, because the provider never came to count them.
        said: Characters of the answer, thinking included, that a stream has brought.
        first_event_ms: Milliseconds from asking the provider to the first event of a stream.
        upstream_ms: Milliseconds spent waiting for the provider.
        total_ms: Milliseconds from the first to the last moment.
        error: The failure's own code, one of finitely many; never a provider's.
        waited_ms: Milliseconds spent waiting before a provider was asked again.
        earlier: The attempts that failed before the last.
        fault: For a fault of our own: its class and the places it passed, without its words.

    """

    request_id: str
    request_model: str | None = None
    provider: str | None = None
    named_model: str | None = None
    response_model: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    estimated: bool = False
    said: int = 0
    first_event_ms: float | None = None
    upstream_ms: float | None = None
    total_ms: float = 0.0
    error: str | None = None
    fault: str | None = None
    waited_ms: float = 0.0
    earlier: list[Attempt] = field(default_factory=list)

    def again(self, error: ChatdError) -> None:
        """Note that the attempt failed and that it is not the last."""
        self.earlier.append(
            Attempt(
                self.provider, self.named_model, self.usage, self.upstream_ms, error.default_code
            )
        )
        self.usage = self.upstream_ms = self.first_event_ms = None

    @property
    def attempts(self) -> str:
        """The story of all attempts, such as `kimi: upstream_timeout, ollama: ok`."""
        told = [f"{attempt.provider}: {attempt.error}" for attempt in self.earlier]
        return ", ".join([*told, f"{self.provider}: {self.error or 'ok'}"])

    @property
    def headers(self) -> dict[str, str]:
        """What the caller is told of the attempts, if there was more than one."""
        return {"x-chatd-attempts": self.attempts} if self.earlier else {}

    def count(self, usage: Usage, model: str | None) -> None:
        """Note what it took, and the model's name as the provider gives it; the last one holds."""
        self.usage = usage
        self.response_model = (model or "")[:_NAME] or self.response_model

    def finish(self, reason: str | None) -> None:
        """Note why the answer ended."""
        self.finish_reason = (reason or "")[:_NAME] or None

    def note(self, event: Event) -> None:
        """Note what an event of a stream tells."""
        if isinstance(event, Counted):
            self.count(event.usage, event.model)
        elif isinstance(event, Finish):
            self.finish(event.reason)
        elif isinstance(event, Delta):
            self.said += len(event.content or "") + len(event.thinking or "")

    def estimate(self, asked: int) -> None:
        """Estimate the tokens of a stream that was never counted.

        Args:
            asked: Characters of the request.

        """
        self.usage = Usage(ceil(asked / _TOKEN), ceil(self.said / _TOKEN))
        self.estimated = True


class Telemetry:
    """Writes records where CloudWatch reads them: to standard output, as JSON lines."""

    def __init__(self) -> None:
        self._log = Logger(service="chatd", location=None)

    def warn(self, sentence: str) -> None:
        """Log what an operator should look at."""
        self._log.warning(sentence)

    def record(self, record: Record) -> None:
        """Tell of one chat."""
        _emit_metrics(record)
        line = {
            "request_id": record.request_id,
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": record.provider,
            "gen_ai.request.model": record.request_model,
            "gen_ai.response.model": record.response_model,
            "gen_ai.response.finish_reasons": record.finish_reason and [record.finish_reason],
            "gen_ai.usage.input_tokens": record.usage and record.usage.input_tokens,
            "gen_ai.usage.output_tokens": record.usage and record.usage.output_tokens,
            "chatd.usage_estimated": record.estimated or None,
            "chatd.attempts": record.attempts if record.earlier else None,
            "error.type": record.error,
            "chatd.fault": record.fault,
            "gen_ai.usage.cost_usd": record.usage and record.usage.cost_usd,
            "chatd.first_event_ms": record.first_event_ms and round(record.first_event_ms, 1),
            "chatd.upstream_ms": record.upstream_ms and round(record.upstream_ms, 1),
            "chatd.total_ms": round(record.total_ms, 1),
        }
        known = {name: value for name, value in line.items() if value is not None}
        self._log.info("chat", extra=known)

    def idempotency(self, request_id: str, outcome: str, error: str | None = None) -> None:
        """Tell what became of an idempotency key.

        Args:
            request_id: The invocation's id.
            outcome: `replayed`, `not-stored` or `refused`.
            error: The refusal's own code.

        """
        line = {"request_id": request_id, "chatd.idempotency": outcome}
        self._log.info("idempotency", extra={**line, "error.type": error} if error else line)


def place_of(fault: BaseException) -> str:
    """A fault's class and the places it passed, without its words, which can quote anything."""
    places = " < ".join(
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(fault.__traceback__))
    )
    return f"{type(fault).__name__} at {places}"


def _emit_metrics(record: Record) -> None:
    """Print the metrics of every attempt, each under its own provider."""
    for attempt in record.earlier:
        _emit(attempt, overhead=None)
    upstream = sum(attempt.upstream_ms or 0.0 for attempt in record.earlier)
    _emit(record, overhead=record.total_ms - upstream - record.waited_ms)


def _emit(asked: Attempt | Record, overhead: float | None) -> None:
    """Print the metrics of one attempt in CloudWatch's embedded format.

    Powertools' shared `Metrics` keeps its state on the class; the provider below it is made anew
    for each chat. Errors have dimensions of their own, so they are a blob of their own.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    provider = asked.provider or _NO_PROVIDER
    metrics = AmazonCloudWatchEMFProvider(namespace=NAMESPACE)
    metrics.add_dimension("Provider", provider)
    if asked.named_model is not None:
        metrics.add_dimensions(Provider=provider, Model=asked.named_model)
    metrics.add_metric("Requests", MetricUnit.Count, 1)
    if asked.usage is not None:
        metrics.add_metric("InputTokens", MetricUnit.Count, asked.usage.input_tokens)
        metrics.add_metric("OutputTokens", MetricUnit.Count, asked.usage.output_tokens)
    if asked.upstream_ms is not None:
        metrics.add_metric("UpstreamLatency", MetricUnit.Milliseconds, asked.upstream_ms)
        if overhead is not None:
            own = overhead - asked.upstream_ms
            metrics.add_metric("GatewayOverhead", MetricUnit.Milliseconds, own)
    metrics.flush_metrics()
    if asked.error is not None:
        errors = AmazonCloudWatchEMFProvider(namespace=NAMESPACE)
        errors.add_dimension("Provider", provider)
        errors.add_dimensions(Provider=provider, Kind=asked.error)
        errors.add_metric("Errors", MetricUnit.Count, 1)
        errors.flush_metrics()
