"""Write the metrics of a chat in CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from chatd.errors import NoHealthyProviderError
from chatd.telemetry.record import Attempt, ChatRecord

_NO_PROVIDER = "none"
_UNITS = {"UpstreamLatency": "Milliseconds", "GatewayOverhead": "Milliseconds"}


def metrics(record: ChatRecord, namespace: str) -> Iterator[str]:
    """Yield a line for each attempt; the last one has the gateway's overhead."""
    attempts: list[Attempt | ChatRecord] = [*record.earlier]
    if record.under_way or not attempts:
        attempts.append(record)
    upstream = sum(attempt.upstream_ms or 0.0 for attempt in attempts)
    for attempt in attempts[:-1]:
        yield _line(attempt, namespace, overhead=None)
    overhead = record.total_ms - upstream + record.overlapped_ms - record.waited_ms
    yield _line(attempts[-1], namespace, overhead=overhead)


def _line(attempt: Attempt | ChatRecord, namespace: str, *, overhead: float | None) -> str:
    """Write the metrics of one attempt as JSON."""
    values: dict[str, float] = {}
    if attempt.error != NoHealthyProviderError.default_code:
        values["Requests"] = 1
    if attempt.usage is not None:
        values["InputTokens"] = attempt.usage.input_tokens
        values["OutputTokens"] = attempt.usage.output_tokens
    if attempt.upstream_ms is not None:
        values["UpstreamLatency"] = round(attempt.upstream_ms, 3)
        if overhead is not None:
            values["GatewayOverhead"] = round(overhead, 3)
    if attempt.error is not None:
        values["Errors"] = 1
    names = tuple(values)
    described = _described(namespace, attempt.provider, attempt.named_model, attempt.error, names)
    numbers = json.dumps(values)[1:]
    return f'{{"_aws": {{"Timestamp": {round(time.time() * 1000)}, {described}, {numbers}'


@lru_cache(maxsize=256)  # the names of the catalog and of chatd.toml: few, and always the same
def _described(
    namespace: str,
    provider: str | None,
    model: str | None,
    error: str | None,
    names: tuple[str, ...],
) -> str:
    """Write the directives and dimensions, without the values, as a part of a JSON object."""
    dimension_values = {"Provider": provider or _NO_PROVIDER}
    if model is not None:
        dimension_values["Model"] = model
    dimensions = [["Provider"], *([list(dimension_values)] if model is not None else [])]
    requested = [name for name in names if name != "Errors"]
    directives = [_directive(namespace, dimensions, requested)] if requested else []
    if error is not None:
        dimension_values["Kind"] = error
        directives.append(_directive(namespace, [["Provider"], ["Provider", "Kind"]], ["Errors"]))
    return f'"CloudWatchMetrics": {json.dumps(directives)}}}, {json.dumps(dimension_values)[1:-1]}'


def _directive(namespace: str, dimensions: list[list[str]], names: list[str]) -> dict[str, Any]:
    metrics = [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in names]
    return {"Namespace": namespace, "Dimensions": dimensions, "Metrics": metrics}
