"""A chat has one log line, and metrics by provider and error kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import chat.app
from tests.support import answers
from tests.support.functions import LambdaContext, ask, post
from tests.support.upstream import Upstream, reply

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

Emits = Callable[[], "Emitted"]


def names(blob: Any) -> set[str]:
    return {metric["Name"] for metric in blob["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


def test_a_chat_is_counted_under_its_provider(provider: Upstream, emitted: Emits) -> None:
    post(ask("llama3.2"))

    (blob,) = emitted().metrics
    (directive,) = blob["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("chatd", [["Provider"]])
    assert (blob["Provider"], blob["Requests"]) == ("ollama", 1)
    assert (blob["InputTokens"], blob["OutputTokens"]) == (11, 7)
    assert {"UpstreamLatency", "GatewayOverhead"} <= names(blob)


def test_each_stack_has_a_namespace_of_its_own(
    provider: Upstream, emitted: Emits, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.script = reply({"error": "no"}, status=400)
    spaces = []
    for stack in ("chatd/chatd", "chatd/chatd-prod"):
        monkeypatch.setenv("CHATD_METRICS_NAMESPACE", stack)
        chat.app.compose.cache_clear()
        post(ask("m"))
        (blob,) = emitted().metrics
        spaces.append({part["Namespace"] for part in blob["_aws"]["CloudWatchMetrics"]})

    assert spaces == [{"chatd/chatd"}, {"chatd/chatd-prod"}]


def test_a_callers_model_is_never_a_dimension(provider: Upstream, emitted: Emits) -> None:
    post(ask("callers-own-string"))

    assert "callers-own-string" not in json.dumps(emitted().metrics)


def test_a_model_that_chatd_toml_names_is_a_dimension(
    provider: Upstream, config: Path, emitted: Emits
) -> None:
    config.write_text('[tiers]\nfast = ["ollama/llama3.2"]')
    post(ask("fast"))

    (blob,) = emitted().metrics
    assert blob["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [
        ["Provider"],
        ["Provider", "Model"],
    ]
    assert blob["Model"] == "llama3.2"


def test_an_error_is_counted_by_its_kind(provider: Upstream, emitted: Emits) -> None:
    provider.script = reply({"error": {"code": "providers_own", "message": "no"}}, status=400)
    post(ask("m"))

    output = emitted()
    (blob,), (line,) = output.metrics, output.log
    _, errors = blob["_aws"]["CloudWatchMetrics"]
    assert (blob["Requests"], blob["Errors"]) == (1, 1)
    assert (blob["Provider"], blob["Kind"]) == ("ollama", "invalid_request")
    assert errors["Dimensions"] == [["Provider"], ["Provider", "Kind"]]
    assert "Errors" not in names(blob)
    assert line["error.type"] == "invalid_request"


def test_a_refused_request_is_counted_under_no_provider(provider: Upstream, emitted: Emits) -> None:
    post("not json")

    (blob,) = emitted().metrics
    assert (blob["Provider"], blob["Requests"], blob["Errors"]) == ("none", 1, 1)


def test_a_chat_is_one_log_line_with_the_gen_ai_keys(provider: Upstream, emitted: Emits) -> None:
    provider.script = reply(answers.ollama_chat(model="llama3.2:latest"))
    post(ask("ollama/llama3.2"))

    (line,) = emitted().log
    assert line["level"] == "INFO"
    assert {name: line[name] for name in line if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": "ollama/llama3.2",
        "gen_ai.response.model": "llama3.2:latest",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
    }
    assert line["request_id"] == LambdaContext().aws_request_id


def test_overhead_is_the_total_less_the_upstream_latency(
    provider: Upstream, emitted: Emits
) -> None:
    post(ask("m"))

    output = emitted()
    (blob,), (line,) = output.metrics, output.log
    assert blob["GatewayOverhead"] >= 0
    assert line["chatd.total_ms"] == pytest.approx(
        blob["UpstreamLatency"] + blob["GatewayOverhead"], abs=0.1
    )


def test_texts_of_the_provider_are_cut_to_100_characters_in_the_log(
    provider: Upstream, emitted: Emits
) -> None:
    provider.script = reply(answers.ollama_chat(model="m" * 5000, done_reason="r" * 5000))
    post(ask("m"))

    (line,) = emitted().log
    assert line["gen_ai.response.model"] == "m" * 100
    assert line["gen_ai.response.finish_reasons"] == ["r" * 100]


def test_an_estimate_counts_the_text_of_the_prompt_alone(
    provider: Upstream, keys: str, emitted: Emits
) -> None:
    uncounted = {key: value for key, value in answers.openai_chat().items() if key != "usage"}
    provider.script = reply(uncounted)
    parts = [
        {"type": "text", "text": "x" * 40},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}},
    ]
    request = {
        "model": "kimi/k3",
        "messages": [{"role": "user", "content": parts, "further": "y" * 4000}],
        "metadata": {"note": "z" * 4000},
    }
    post(request, "/v1/chat/completions")

    assert emitted().metrics[0]["InputTokens"] == 10
