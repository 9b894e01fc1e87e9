"""What is told of a chat: CloudWatch metrics, and one log line.

A record holds names, counts and times. It has no field that a prompt, an answer or a key could be
put into.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any

from chatd.canonical.response import (
    CHARACTERS_A_TOKEN,
    Counted,
    Delta,
    Event,
    FailedOver,
    Finish,
    Usage,
)
from chatd.errors import ChatdError, NoHealthyProviderError
from chatd.telemetry.log import line, write

_NAMESPACE = "chatd"
_NO_PROVIDER = "none"
_UNITS = {"UpstreamLatency": "Milliseconds", "GatewayOverhead": "Milliseconds"}
# Characters of a name that a provider gives: a log line is no place for what is longer.
_NAME = 100


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """A provider that was asked, or left alone because its circuit was open, and did not answer."""

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
        usage: Its tokens.
        said: Characters of the answer, thinking included, that have come.
        first_event_ms: Milliseconds from asking the provider to the first event of a stream.
        upstream_ms: Milliseconds spent waiting for the provider.
        total_ms: Milliseconds from the first to the last moment.
        error: The failure's own code, one of finitely many; never a provider's.
        waited_ms: Milliseconds spent waiting before a provider was asked again.
        earlier: The attempts that have failed.
        under_way: Whether there is an attempt that has not failed.
        rescued: Who broke off in the middle of an answer that another went on with.
        fault: For a fault of our own: its class and the places it passed, without its words.

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
    said: int = 0
    first_event_ms: float | None = None
    upstream_ms: float | None = None
    total_ms: float = 0.0
    error: str | None = None
    fault: str | None = None
    waited_ms: float = 0.0
    earlier: list[Attempt] = field(default_factory=list)
    under_way: bool = False
    rescued: list[str] = field(default_factory=list)

    def asks(self, provider: str, named_model: str | None) -> None:
        """Record the provider and model of a new attempt."""
        self.provider = provider
        self.named_model = named_model
        self.under_way = True

    def fails(self, error: ChatdError) -> None:
        """Note that the attempt failed."""
        self.earlier.append(
            Attempt(
                self.provider, self.named_model, self.usage, self.upstream_ms, error.default_code
            )
        )
        self.usage = self.upstream_ms = self.first_event_ms = self.finish_reason = None
        self.said = 0
        self.under_way = False

    @property
    def attempts(self) -> tuple[str, ...]:
        """The story of all attempts, such as `kimi: upstream_timeout` and `ollama: ok`."""
        told = [f"{attempt.provider}: {attempt.error}" for attempt in self.earlier]
        last = [f"{self.provider}: {self.error or 'ok'}"] if self.under_way else []
        return (*told, *last)

    @property
    def headers(self) -> dict[str, str]:
        """What the caller is told of the attempts, if there was more than one."""
        attempts = self.attempts
        return {"x-chatd-attempts": ", ".join(attempts)} if len(attempts) > 1 else {}

    @property
    def spent(self) -> Usage:
        """The usage of the failed attempts."""
        return sum((attempt.usage for attempt in self.earlier if attempt.usage), Usage())

    @property
    def taken(self) -> Usage | None:
        """What all attempts took; None if not one of them was counted."""
        if not self.earlier:
            return self.usage
        if self.usage is not None:
            return self.spent + self.usage
        return self.spent if any(attempt.usage for attempt in self.earlier) else None

    @property
    def counted(self) -> bool:
        """Whether the provider has said what the attempt takes."""
        usage = self.usage
        return usage is not None and (usage.input_tokens > 0 or usage.output_tokens > 0)

    def begins(self, asked: float) -> None:
        """Note that the first event is there of what was asked at that time of the clock."""
        if self.first_event_ms is None:
            self.first_event_ms = _ms_since(asked)

    def waited(self, asked: float) -> None:
        """Note that the provider is done with what was asked at that time of the clock."""
        self.upstream_ms = (self.upstream_ms or 0.0) + _ms_since(asked)

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
            for call in event.tool_calls:
                self.said += len(call.arguments)
        elif isinstance(event, FailedOver):
            self.rescued.append(event.instead_of)

    def estimate(self, asked: int) -> Usage:
        """Estimate the tokens of an answer, or of what came of it, that nobody counted.

        Args:
            asked: Characters of the request.

        """
        self.usage = Usage(
            ceil(asked / CHARACTERS_A_TOKEN),
            ceil(self.said / CHARACTERS_A_TOKEN),
            cost_usd=self.usage.cost_usd if self.usage else None,
            estimated=True,
        )
        return self.usage


class Telemetry:
    """Writes records where CloudWatch reads them: to standard output, a JSON object a line.

    Both lines of a chat are written here and not by Powertools' Logger and Metrics, which take as
    long as the rest of chatd together (docs/decisions/0016-own-metrics-and-log-lines.md).

    Args:
        namespace: The CloudWatch namespace of the metrics: one for each stack, so that the metrics
            of two stacks do not add up.

    """

    def __init__(self, namespace: str = _NAMESPACE) -> None:
        self._namespace = namespace

    def warn(self, sentence: str) -> None:
        """Log what an operator should look at."""
        write(line("WARNING", sentence, {}))

    def record(self, record: ChatRecord) -> None:
        """Tell of one chat."""
        usage, attempts = record.taken, record.attempts
        told: dict[str, Any] = {
            "request_id": record.request_id,
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": record.provider,
            "gen_ai.request.model": record.request_model,
            "gen_ai.response.model": record.response_model,
            "gen_ai.response.finish_reasons": record.finish_reason and [record.finish_reason],
            "error.type": record.error,
            "chatd.fault": record.fault,
            "chatd.first_event_ms": record.first_event_ms and round(record.first_event_ms, 1),
            "chatd.upstream_ms": record.upstream_ms and round(record.upstream_ms, 1),
            "chatd.total_ms": round(record.total_ms, 1),
            "chatd.caller": record.caller and record.caller[:_NAME],
            "chatd.api_request_id": record.api_request_id and record.api_request_id[:_NAME],
        }
        if usage is not None:
            told["gen_ai.usage.input_tokens"] = usage.input_tokens
            told["gen_ai.usage.output_tokens"] = usage.output_tokens
            told["gen_ai.usage.cost_usd"] = usage.cost_usd
            told["chatd.usage_estimated"] = usage.estimated or None
        if len(attempts) > 1:
            told["chatd.attempts"] = ", ".join(attempts)
            told["chatd.rescued"] = record.rescued or None
        known = {name: value for name, value in told.items() if value is not None}
        write(*_metrics(record, self._namespace), line("INFO", "chat", known))

    def idempotency(self, request_id: str, outcome: str, error: str | None = None) -> None:
        """Log the outcome of an idempotency key.

        Args:
            request_id: The invocation's id.
            outcome: `replayed`, `not-stored` or `refused`.
            error: The refusal's own code.

        """
        told = {"request_id": request_id, "chatd.idempotency": outcome}
        write(line("INFO", "idempotency", {**told, "error.type": error} if error else told))


def place_of(fault: BaseException) -> str:
    """A fault's class and the places it passed, without its words, which can quote anything."""
    places = " < ".join(
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(fault.__traceback__))
    )
    return f"{type(fault).__name__} at {places}"


def _metrics(record: ChatRecord, namespace: str) -> Iterator[str]:
    """The metrics of every attempt, each under its own provider; our own time is the last one's."""
    attempts: list[Attempt | ChatRecord] = [*record.earlier]
    if record.under_way or not attempts:
        attempts.append(record)
    upstream = sum(attempt.upstream_ms or 0.0 for attempt in attempts)
    for attempt in attempts[:-1]:
        yield _blob(attempt, namespace, overhead=None)
    overhead = record.total_ms - upstream - record.waited_ms
    yield _blob(attempts[-1], namespace, overhead=overhead)


def _blob(asked: Attempt | ChatRecord, namespace: str, *, overhead: float | None) -> str:
    """The metrics of one attempt in CloudWatch's embedded format, as JSON.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    values: dict[str, float] = {}
    if asked.error != NoHealthyProviderError.default_code:
        values["Requests"] = 1
    if asked.usage is not None:
        values["InputTokens"] = asked.usage.input_tokens
        values["OutputTokens"] = asked.usage.output_tokens
    if asked.upstream_ms is not None:
        values["UpstreamLatency"] = round(asked.upstream_ms, 3)
        if overhead is not None:
            values["GatewayOverhead"] = round(overhead, 3)
    if asked.error is not None:
        values["Errors"] = 1
    names = tuple(values)
    described = _described(namespace, asked.provider, asked.named_model, asked.error, names)
    numbers = json.dumps(values)[1:]
    return f'{{"_aws": {{"Timestamp": {round(time.time() * 1000)}, {described}, {numbers}'


@lru_cache(maxsize=256)  # names of the catalog and of chatd.toml: they are few, and always the same
def _described(
    namespace: str,
    provider: str | None,
    model: str | None,
    error: str | None,
    names: tuple[str, ...],
) -> str:
    """What the numbers of these names are, and of whom: all of a blob but the numbers, as JSON."""
    who = {"Provider": provider or _NO_PROVIDER}
    if model is not None:
        who["Model"] = model
    dimensions = [["Provider"], *([list(who)] if model is not None else [])]
    asked = [name for name in names if name != "Errors"]
    directives = [_directive(namespace, dimensions, asked)] if asked else []
    if error is not None:
        who["Kind"] = error
        directives.append(_directive(namespace, [["Provider"], ["Provider", "Kind"]], ["Errors"]))
    return f'"CloudWatchMetrics": {json.dumps(directives)}}}, {json.dumps(who)[1:-1]}'


def _directive(namespace: str, dimensions: list[list[str]], names: list[str]) -> dict[str, Any]:
    metrics = [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in names]
    return {"Namespace": namespace, "Dimensions": dimensions, "Metrics": metrics}


def _ms_since(moment: float) -> float:
    return (time.monotonic() - moment) * 1000
