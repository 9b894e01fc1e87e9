"""The fields besides the conversation fit AWS's service model, and losses are named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.extra import Extra
from chatd.canonical.request import Sampling
from chatd.config.provider import Guardrail
from chatd.errors import InvalidRequestError
from tests.chatd.dialects.bedrock_converse.converse_requests import (
    CLAUDE,
    GPT,
    LLAMA,
    MISTRAL,
    NEW_CLAUDE,
    NOVA,
    OTHER,
    ROW,
    chat,
    omitted,
    written,
)
from tests.chatd.dialects.bedrock_converse.converse_wire import DIALECT

ARN = "arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.amazon.nova-pro-v1:0"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "minLength": 2}}}
OWN = {
    "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1"},
    "requestMetadata": {"team": "x"},
    "performanceConfig": {"latency": "optimized"},
    "serviceTier": {"type": "flex"},
    "additionalModelRequestFields": {"top_k": 5},
    "additionalModelResponseFieldPaths": ["/stop_sequence"],
    "promptVariables": {"a": {"text": "b"}},
}


def of_chat(**fields: Any) -> Extra:
    """Return further fields of OpenAI's chat API."""
    return Extra("openai_chat", fields)


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        ("amazon.nova-pro-v1:0", False, "/model/amazon.nova-pro-v1%3A0/converse"),
        ("us.meta.llama4", True, "/model/us.meta.llama4/converse-stream"),
        (
            ARN,
            True,
            "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A111122223333%3Ainference-profile%2F"
            "eu.amazon.nova-pro-v1%3A0/converse-stream",
        ),
        ("a/../b?c#d", False, "/model/a%2F..%2Fb%3Fc%23d/converse"),
    ],
)
def test_the_model_is_quoted_in_the_path(model: str, stream: bool, path: str) -> None:
    sent = DIALECT.build(chat(model=model, stream=stream), ROW, None)

    assert sent.url == ROW.base_url + path


def test_limits_and_sampling_are_inference_config() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, stop=("END", " "))
    request = chat(max_tokens=100, sampling=sampling)

    assert written(request)["inferenceConfig"] == {
        "maxTokens": 100,
        "temperature": 0.5,
        "topP": 0.9,
        "stopSequences": ["END"],
    }
    assert omitted(request) == ("stop",)


def test_the_newer_name_of_the_limit_comes_first() -> None:
    request = chat(max_tokens=100, max_completion_tokens=50)

    assert written(request)["inferenceConfig"] == {"maxTokens": 50}


def test_nothing_is_invented() -> None:
    assert written(chat()) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (CLAUDE, {"top_k": 5}),
        (MISTRAL, {"top_k": 5}),
        (NOVA, {"inferenceConfig": {"topK": 5}}),
        (LLAMA, None),
    ],
)
def test_top_k_has_the_name_of_the_vendor(model: str, fields: Any) -> None:
    request = chat(model=model, sampling=Sampling(top_k=5))

    assert written(request).get("additionalModelRequestFields") == fields
    assert omitted(request) == (() if fields else ("top_k",))


def test_sampling_that_the_model_refuses_is_named() -> None:
    request = chat(model=NEW_CLAUDE, sampling=Sampling(temperature=0.5, top_p=0.5, top_k=3))

    assert written(request).keys() == {"messages"}
    assert omitted(request) == ("temperature", "top_p", "top_k")


def test_fields_that_the_row_refuses_are_named() -> None:
    request = chat(max_tokens=9, sampling=Sampling(temperature=0.5, stop=("a",)))
    row = replace(ROW, drops=("stop",), model_drops=(("qwen", ("temperature",)),))

    assert written(request, row)["inferenceConfig"] == {"maxTokens": 9}
    assert omitted(request, row) == ("stop", "temperature")


def test_fields_without_an_equal_are_named() -> None:
    sampling = Sampling(seed=1, presence_penalty=0.5, frequency_penalty=0.5)
    request = chat(sampling=sampling, extra=of_chat(verbosity="low", user="u", logit_bias={}))

    assert omitted(request) == ("seed", "presence_penalty", "frequency_penalty", "verbosity")
    assert written(request).keys() == {"messages"}


def test_fields_that_change_the_kind_of_answer_are_refused() -> None:
    extra = of_chat(logit_bias={"1": 1}, modalities=["text"], audio={"voice": "x"})
    request = chat(n=2, logprobs=True, extra=extra)

    assert DIALECT.refused(request, ROW) == ("n", "logprobs", "logit_bias", "audio")


def test_a_schema_is_a_text_format() -> None:
    request = chat(format=SCHEMA, schema_name="thing", schema_description="A thing.", strict=True)

    config = written(request)["outputConfig"]["textFormat"]
    definition = config["structure"]["jsonSchema"]
    assert config["type"] == "json_schema"
    assert (definition["name"], definition["description"]) == ("thing", "A thing.")
    assert json.loads(definition["schema"]) == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "additionalProperties": False,
    }
    assert omitted(request) == ("response_format.minLength",)


def test_a_model_that_enforces_no_format_gets_none() -> None:
    request = chat(format=SCHEMA)

    assert "outputConfig" not in written(request, replace(ROW, formatless="qwen"))
    assert "outputConfig" in written(request, replace(ROW, formatless="meta"))


def test_bedrocks_own_fields_are_sent_as_they_are() -> None:
    request = chat(extra=of_chat(**OWN))

    body = written(request)
    assert {name: body[name] for name in OWN} == OWN
    assert omitted(request) == ()


@pytest.mark.parametrize("value", [7, "x", None, [], {}, [7], {"a": 7}])
def test_bedrocks_own_fields_of_another_type_are_not_sent(value: Any) -> None:
    for name, known in OWN.items():
        if name == "guardrailConfig" and value:  # an error, below
            continue
        if not isinstance(value, type(known)) or not value:
            sent = DIALECT.build(chat(extra=of_chat(**{name: value})), ROW, None)
            assert name not in json.loads(sent.body or b"")


@pytest.mark.parametrize("name", sorted(OWN))
def test_bedrocks_own_fields_of_another_type_are_named(name: str) -> None:
    assert omitted(chat(extra=of_chat(**{name: "x"}))) == (name,)
    assert omitted(chat(extra=of_chat(**{name: None}))) == ()


@pytest.mark.parametrize("surface", ["anthropic_messages", "ollama", "openai_responses"])
@pytest.mark.parametrize("name", sorted(OWN))
def test_bedrocks_own_fields_from_another_surface_are_named(surface: str, name: str) -> None:
    request = chat(extra=Extra(surface, {name: OWN[name]}))

    assert name not in written(request)
    assert omitted(request) == (name,)


@pytest.mark.parametrize("surface", ["anthropic_messages", "ollama", "openai_responses"])
@pytest.mark.parametrize("name", ["audio", "functions", "logit_bias"])
def test_fields_of_chats_from_another_surface_are_named(surface: str, name: str) -> None:
    assert omitted(chat(extra=Extra(surface, {name: {"a": 1}}))) == (name,)


def test_a_name_that_begins_as_a_field_of_bedrock_is_named() -> None:
    assert omitted(chat(extra=of_chat(**{"guardrailConfig.x": 1}))) == ("guardrailConfig.x",)


@pytest.mark.parametrize("value", ["x", 7, [OWN["guardrailConfig"]]], ids=str)
def test_a_guardrail_of_another_type_is_an_error(value: Any) -> None:
    with pytest.raises(InvalidRequestError) as found:
        written(chat(extra=of_chat(guardrailConfig=value)))
    assert found.value.param == "guardrailConfig"


def test_own_fields_join_those_of_the_gateway() -> None:
    extra = of_chat(additionalModelRequestFields={"x": 1, "reasoning_effort": "low"})
    request = chat(model=GPT, think="high", extra=extra)

    fields = written(request)["additionalModelRequestFields"]
    assert fields == {"reasoning_effort": "low", "x": 1}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("flex", {"type": "flex"}),
        ("priority", {"type": "priority"}),
        ("default", {"type": "default"}),
        ("auto", None),
        ("standard_only", None),
        (7, None),
    ],
)
def test_the_service_tier_of_openais_api_is_carried(given: Any, sent: Any) -> None:
    request = chat(extra=of_chat(service_tier=given))

    assert written(request).get("serviceTier") == sent


def test_the_rows_fields_replace_the_callers() -> None:
    row = replace(
        ROW,
        service_tier="priority",
        latency="standard",
        guardrail=Guardrail("xyz", "2", trace="enabled", stream="async"),
        caller_metadata=True,
    )
    request = chat(extra=of_chat(**OWN), stream=True)
    request.caller = "Ünit <7>"
    guardrail = {"guardrailIdentifier": "xyz", "guardrailVersion": "2", "trace": "enabled"}

    body = written(request, row)
    assert body["serviceTier"] == {"type": "priority"}
    assert body["performanceConfig"] == {"latency": "standard"}
    assert body["guardrailConfig"] == {**guardrail, "streamProcessingMode": "async"}
    assert body["requestMetadata"] == {"caller": "_nit _7_", "team": "x"}
    whole = request.to(OTHER, stream=False)
    assert written(whole, row)["guardrailConfig"] == guardrail


def test_metadata_has_at_most_16_entries_with_the_caller() -> None:
    given = {"caller": "forged", **{f"k{n}": "v" for n in range(16)}}
    request = chat(extra=of_chat(requestMetadata=given))
    request.caller = "x" * 300

    metadata = written(request, replace(ROW, caller_metadata=True))["requestMetadata"]
    assert len(metadata) == 16
    assert metadata["caller"] == "x" * 256


def test_a_whole_answer_has_no_mode_of_processing_streams() -> None:
    given = {**OWN["guardrailConfig"], "streamProcessingMode": "sync"}  # type: ignore[dict-item]  # a dict, as written above
    request = chat(extra=of_chat(guardrailConfig=given))

    assert written(request)["guardrailConfig"] == OWN["guardrailConfig"]
    assert written(request.to(OTHER, stream=True))["guardrailConfig"] == given
