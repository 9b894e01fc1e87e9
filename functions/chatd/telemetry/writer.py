"""Write the log line and the metrics of each chat."""

from __future__ import annotations

from typing import Any

from chatd.telemetry.log import line, write
from chatd.telemetry.metrics import metrics
from chatd.telemetry.record import MAX_NAME, ChatRecord

_NAMESPACE = "chatd"


class Telemetry:
    """Write records to standard output for CloudWatch: one JSON object per line.

    Powertools' Logger and Metrics are not used: they take as long for the two lines of a chat as
    the rest of the gateway together (docs/decisions/0016-own-metrics-and-log-lines.md).

    Args:
        namespace: The CloudWatch namespace of the metrics: one for each stack, so that the metrics
            of two stacks do not add up.

    """

    def __init__(self, namespace: str = _NAMESPACE) -> None:
        self._namespace = namespace

    def warn(self, sentence: str) -> None:
        """Log a warning for the operator."""
        write(line("WARNING", sentence, {}))

    def record(self, record: ChatRecord) -> None:
        """Write the metrics and the log line of one chat, or of one request for embeddings."""
        usage, attempts = record.total_usage, record.attempts
        fields: dict[str, Any] = {
            "request_id": record.request_id,
            "gen_ai.operation.name": record.operation,
            "gen_ai.provider.name": record.provider,
            "gen_ai.request.model": record.request_model,
            "gen_ai.response.model": record.response_model,
            "gen_ai.response.finish_reasons": record.finish_reason and [record.finish_reason],
            "error.type": record.error,
            "chatd.fault": record.fault,
            "chatd.first_event_ms": record.first_event_ms and round(record.first_event_ms, 1),
            "chatd.upstream_ms": record.upstream_ms and round(record.upstream_ms, 1),
            "chatd.guardrail": record.guardrail,
            "chatd.guardrail_ms": record.guardrail_ms and round(record.guardrail_ms, 1),
            "chatd.guardrail_units": record.guardrail_units or None,
            "chatd.total_ms": round(record.total_ms, 1),
            "chatd.caller": record.caller and record.caller[:MAX_NAME],
            "chatd.api_request_id": record.api_request_id and record.api_request_id[:MAX_NAME],
        }
        if usage is not None:
            fields["gen_ai.usage.input_tokens"] = usage.input_tokens
            fields["gen_ai.usage.output_tokens"] = usage.output_tokens
            fields["gen_ai.usage.cost_usd"] = usage.cost_usd
            fields["chatd.usage_estimated"] = usage.estimated or None
        if len(attempts) > 1:
            fields["chatd.attempts"] = ", ".join(attempts)
            fields["chatd.rescued"] = record.failed_over_from or None
        present = {name: value for name, value in fields.items() if value is not None}
        write(*metrics(record, self._namespace), line("INFO", record.operation, present))

    def token_count(self, request_id: str, tokens: int, provider: str | None) -> None:
        """Log a count of input tokens, which has no metrics.

        Args:
            request_id: The invocation's id.
            tokens: The number.
            provider: The provider that counted; None for an estimate.

        """
        fields: dict[str, Any] = {"request_id": request_id, "chatd.input_tokens": tokens}
        if provider is not None:
            fields["gen_ai.provider.name"] = provider
        write(line("INFO", "count_tokens", fields))

    def idempotency(self, request_id: str, outcome: str, error: str | None = None) -> None:
        """Log the outcome of an idempotency key.

        Args:
            request_id: The invocation's id.
            outcome: `replayed`, `not-stored` or `refused`.
            error: The refusal's own code.

        """
        fields = {"request_id": request_id, "chatd.idempotency": outcome}
        write(line("INFO", "idempotency", {**fields, "error.type": error} if error else fields))
