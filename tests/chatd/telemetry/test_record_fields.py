"""The log line and the metrics of a chat, field by field, from its record."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from chatd.canonical.events import Counted, Delta, Finish, ToolCallDelta
from chatd.canonical.response import FailedOver, Usage
from chatd.errors import NoHealthyProviderError, UpstreamOverloadedError, UpstreamTimeoutError
from chatd.telemetry.record import ChatRecord
from chatd.telemetry.writer import Telemetry

Written = Callable[[ChatRecord], tuple[list[Any], Any]]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Written:
    """Record a chat; return the metrics and the log line."""

    def write(record: ChatRecord) -> tuple[list[Any], Any]:
        Telemetry("a-namespace").record(record)
        *metrics, line = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
        return metrics, line

    return write


def answered(**fields: Any) -> ChatRecord:
    """Return the record of a chat that one provider answered."""
    record = ChatRecord("an-id", **fields)
    record.start_attempt("kimi", None)
    record.set_usage(Usage(11, 7), "k3")
    record.set_finish_reason("stop")
    record.upstream_ms = 80.12345
    record.total_ms = 100.5678
    return record


def test_the_line_has_every_figure_of_the_chat(written: Written) -> None:
    record = answered(
        request_model="fast", api_request_id="gateway-id", caller="ann", fault="E at a.py:1"
    )
    record.usage = Usage(11, 7, cost_usd=0.25, estimated=True)
    record.first_event_ms = 12.3456
    record.error = "internal_error"
    _, line = written(record)

    assert {name: line[name] for name in line if name not in ("timestamp", "service")} == {
        "level": "INFO",
        "message": "chat",
        "request_id": "an-id",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "kimi",
        "gen_ai.request.model": "fast",
        "gen_ai.response.model": "k3",
        "gen_ai.response.finish_reasons": ["stop"],
        "error.type": "internal_error",
        "chatd.fault": "E at a.py:1",
        "chatd.first_event_ms": 12.3,
        "chatd.upstream_ms": 80.1,
        "chatd.total_ms": 100.6,
        "chatd.caller": "ann",
        "chatd.api_request_id": "gateway-id",
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cost_usd": 0.25,
        "chatd.usage_estimated": True,
    }


def test_unknown_fields_are_left_out_of_the_line(written: Written) -> None:
    _, line = written(ChatRecord("an-id"))

    assert set(line) == {
        *("level", "message", "timestamp", "service", "request_id"),
        *("gen_ai.operation.name", "chatd.total_ms"),
    }
    assert line["chatd.total_ms"] == 0.0


def test_a_chat_that_reached_no_provider_has_no_attempt_and_counts_under_none(
    written: Written,
) -> None:
    record = ChatRecord("an-id", error="invalid_request")
    (blob,), _ = written(record)

    assert record.attempts == ()
    assert (blob["Provider"], blob["Requests"], blob["Errors"]) == ("none", 1, 1)


def test_a_counted_answer_is_not_marked_as_estimated(written: Written) -> None:
    _, line = written(answered())

    assert "chatd.usage_estimated" not in line
    assert "gen_ai.usage.cost_usd" not in line
    assert "chatd.attempts" not in line


def test_the_line_of_a_fallback_names_each_attempt_and_adds_up_their_tokens(
    written: Written,
) -> None:
    record = ChatRecord("an-id")
    record.start_attempt("kimi", None)
    record.set_usage(Usage(3, 2, cost_usd=0.5), "k3")
    record.upstream_ms = 30.0
    record.fail_attempt(UpstreamTimeoutError("no answer", provider="kimi"))
    record.start_attempt("ollama", "llama")
    record.set_usage(Usage(11, 7, cost_usd=0.25), "llama")
    record.note(FailedOver("ollama", "llama", "kimi"))
    record.upstream_ms, record.total_ms, record.waited_ms = 40.0, 100.0, 20.0
    (first, second), line = written(record)

    assert line["chatd.attempts"] == "kimi: upstream_timeout, ollama: ok"
    assert line["chatd.rescued"] == ["kimi"]
    assert (line["gen_ai.usage.input_tokens"], line["gen_ai.usage.output_tokens"]) == (14, 9)
    assert line["gen_ai.usage.cost_usd"] == 0.75
    assert (first["Provider"], first["InputTokens"], first["OutputTokens"]) == ("kimi", 3, 2)
    assert (first["UpstreamLatency"], first["Errors"], first["Requests"]) == (30.0, 1, 1)
    assert "GatewayOverhead" not in first
    assert (second["Provider"], second["Model"], second["Requests"]) == ("ollama", "llama", 1)
    assert (second["UpstreamLatency"], second["GatewayOverhead"]) == (40.0, 10.0)
    assert "Errors" not in second


def test_an_attempt_without_a_request_adds_to_the_gateways_overhead(written: Written) -> None:
    record = ChatRecord("an-id")
    record.start_attempt("kimi", None)
    record.fail_attempt(NoHealthyProviderError("open", provider="kimi"))
    record.start_attempt("ollama", None)
    record.upstream_ms, record.total_ms = 40.0, 100.0
    (first, second), line = written(record)

    assert "UpstreamLatency" not in first
    assert second["GatewayOverhead"] == 60.0
    assert line["chatd.attempts"] == "kimi: no_healthy_provider, ollama: ok"
    assert "chatd.rescued" not in line


def test_the_metrics_name_their_units_and_dimensions(written: Written) -> None:
    before = round(time.time() * 1000)
    record = answered()
    record.named_model, record.error = "k3", "upstream_timeout"
    (blob,), _ = written(record)

    assert before <= blob["_aws"]["Timestamp"] <= round(time.time() * 1000)
    requests, errors = blob["_aws"]["CloudWatchMetrics"]
    assert requests == {
        "Namespace": "a-namespace",
        "Dimensions": [["Provider"], ["Provider", "Model"]],
        "Metrics": [
            {"Name": "Requests", "Unit": "Count"},
            {"Name": "InputTokens", "Unit": "Count"},
            {"Name": "OutputTokens", "Unit": "Count"},
            {"Name": "UpstreamLatency", "Unit": "Milliseconds"},
            {"Name": "GatewayOverhead", "Unit": "Milliseconds"},
        ],
    }
    assert errors == {
        "Namespace": "a-namespace",
        "Dimensions": [["Provider"], ["Provider", "Kind"]],
        "Metrics": [{"Name": "Errors", "Unit": "Count"}],
    }
    assert {name: blob[name] for name in blob if name != "_aws"} == {
        "Provider": "kimi",
        "Model": "k3",
        "Kind": "upstream_timeout",
        "Requests": 1,
        "InputTokens": 11,
        "OutputTokens": 7,
        "Errors": 1,
        "UpstreamLatency": 80.123,
        "GatewayOverhead": 20.444,
    }


def test_an_open_circuit_counts_an_error_and_no_request(written: Written) -> None:
    record = ChatRecord("an-id")
    record.start_attempt("kimi", None)
    record.fail_attempt(NoHealthyProviderError("open", provider="kimi"))
    (blob,), line = written(record)

    assert (blob["Provider"], blob["Errors"]) == ("kimi", 1)
    assert "Requests" not in blob
    (errors,) = blob["_aws"]["CloudWatchMetrics"]
    assert [metric["Name"] for metric in errors["Metrics"]] == ["Errors"]
    assert "gen_ai.usage.input_tokens" not in line


def test_a_failed_attempt_leaves_no_figures_to_the_next() -> None:
    record = answered()
    record.first_event_ms, record.received_characters = 5.0, 40
    record.fail_attempt(UpstreamOverloadedError("busy", provider="kimi"))

    left: list[object] = [record.usage, record.upstream_ms, record.first_event_ms]
    assert [*left, record.finish_reason] == [None] * 4
    assert (record.received_characters, record.under_way) == (0, False)
    assert record.attempts == ("kimi: upstream_overloaded",)
    assert record.headers == {}


def test_the_callers_header_names_the_attempts_if_there_was_more_than_one() -> None:
    record = answered()
    assert record.headers == {}

    record.fail_attempt(UpstreamOverloadedError("busy", provider="kimi"))
    record.start_attempt("ollama", None)
    assert record.headers == {"x-chatd-attempts": "kimi: upstream_overloaded, ollama: ok"}

    record.error = "upstream_timeout"
    assert record.attempts[-1] == "ollama: upstream_timeout"


def test_the_tokens_of_all_attempts_are_unknown_only_if_none_was_counted() -> None:
    record = ChatRecord("an-id")
    record.start_attempt("kimi", None)
    record.fail_attempt(UpstreamOverloadedError("busy", provider="kimi"))
    assert record.total_usage is None

    record.start_attempt("kimi", None)
    record.set_usage(Usage(3, 2), None)
    record.fail_attempt(UpstreamOverloadedError("busy", provider="kimi"))
    assert record.total_usage == record.failed_usage == Usage(3, 2)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [(None, False), (Usage(0, 0), False), (Usage(1, 0), True), (Usage(0, 1), True)],
)
def test_an_attempt_is_counted_once_the_provider_names_a_token(
    usage: Usage | None, counted: bool
) -> None:
    assert ChatRecord("an-id", usage=usage).has_usage is counted


def test_only_the_first_event_sets_the_first_events_time() -> None:
    record, requested = ChatRecord("an-id"), time.monotonic()
    before = time.monotonic()
    record.note_first_event(requested)
    after = time.monotonic()
    record.note_first_event(requested - 9)

    assert record.first_event_ms is not None
    assert (before - requested) * 1000 <= record.first_event_ms <= (after - requested) * 1000


def test_the_time_spent_waiting_for_a_provider_adds_up() -> None:
    record, requested = ChatRecord("an-id"), time.monotonic()
    before = time.monotonic()
    record.add_upstream_time(requested - 2)
    record.add_upstream_time(requested - 3)
    after = time.monotonic()

    assert record.upstream_ms is not None
    assert 2 * (before - requested) <= record.upstream_ms / 1000 - 5 <= 2 * (after - requested)


def test_a_later_count_without_a_name_keeps_the_models_name() -> None:
    record = ChatRecord("an-id")
    record.note(Counted(Usage(1, 1), "k3"))
    record.note(Counted(Usage(2, 2), None))
    record.note(Finish(0, "length"))

    assert (record.response_model, record.usage, record.finish_reason) == (
        "k3",
        Usage(2, 2),
        "length",
    )
    for reason in ("", None):
        record.set_finish_reason(reason)
        assert record.finish_reason is None


def test_an_estimate_counts_four_characters_a_token_and_keeps_the_cost() -> None:
    record = ChatRecord("an-id", usage=Usage(0, 0, cost_usd=0.5))
    record.note(Delta(content="1234"))
    record.note(Delta(thinking="123"))
    record.note(Delta(tool_calls=(ToolCallDelta(0, arguments="12"),)))

    estimate = Usage(3, 3, cost_usd=0.5, estimated=True)
    assert (record.received_characters, record.estimate(9), record.usage) == (9, estimate, estimate)
    assert ChatRecord("an-id").estimate(8) == Usage(2, 0, estimated=True)


def test_names_of_any_length_are_cut_to_a_hundred_characters(written: Written) -> None:
    record = answered(caller="c" * 101, api_request_id="i" * 101)
    record.set_usage(Usage(1, 1), "m" * 101)
    record.set_finish_reason("f" * 101)
    _, line = written(record)

    assert (line["chatd.caller"], line["chatd.api_request_id"]) == ("c" * 100, "i" * 100)
    assert line["gen_ai.response.model"] == "m" * 100
    assert line["gen_ai.response.finish_reasons"] == ["f" * 100]
