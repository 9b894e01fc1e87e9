"""The strict fakes follow the rules of their tables; the gateway reads every shape of error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chatd.dialects import load_dialect
from chatd.errors import UpstreamRefusedError
from chatd.upstream_http import HttpResponse
from tests.contract.vendor_chats import CASES
from tests.support.vendors import VENDORS, errors
from tests.support.vendors.refusals import Json, Refusal

RULES = [
    pytest.param(name, rule, id=f"{name}: {rule.name}")
    for name, vendor in VENDORS.items()
    for rule in vendor.refusals
]
_TEXT: Json = {"messages": [{"role": "user", "content": "Hi"}]}
# Bodies with fields beside OpenAI's own, or with fields for a single kind of model.
_FURTHER: list[Json] = [
    {**_TEXT, "enable_thinking": True},
    {**_TEXT, "thinking": {"type": "enabled"}, "reasoning": {"effort": "low"}, "top_k": 3},
    {**_TEXT, "thinking": {"type": "enabled"}, "reasoning_effort": "low"},
    {**_TEXT, "enable_thinking": True, "response_format": {"type": "json_object"}},
    {**_TEXT, "logit_bias": {"1": 1}, "web_search_options": {}, "service_tier": "auto"},
    {**_TEXT, "prompt_cache_key": "k", "temperature": 1.5, "modalities": ["text"]},
    {**_TEXT, "tools": [{"type": "web_search"}]},
    {**CASES["forced tool"].body, "enable_thinking": True},
    {
        **_TEXT,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "https://example.com/dot.png"}}
                ],
            }
        ],
    },
    {"messages": [{"role": "assistant", "content": "Hi", "tool_calls": None}]},
    {"messages": [{"role": "tool", "tool_call_id": "a", "content": "1", "is_error": True}]},
]
SHAPES = [
    *(errors.openai, errors.gemini, errors.mistral, errors.flat, errors.xai, errors.cohere),
    *(errors.fastapi, errors.problem, errors.minimax, errors.perplexity, errors.zai),
    *(errors.azure, errors.azure_filter, errors.huggingface, errors.siliconflow, errors.novita),
]


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_a_rule_refuses_a_chat_as_callers_send_it(name: str, rule: Refusal) -> None:
    bodies = [*(case.body for case in CASES.values()), *_FURTHER]
    models = VENDORS[name].models
    refused = [
        body
        for body in bodies
        if any(list(rule.faults({"model": model, **body})) for model in models)
    ]

    assert refused
    assert rule.source.startswith("https://")


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_a_vendor_takes_a_plain_chat(name: str) -> None:
    vendor = VENDORS[name]
    body = {"model": vendor.models[0], **_TEXT, "stream": True}

    assert [fault for rule in vendor.refusals for fault in rule.faults(body)] == []


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("status", [400, 422])
def test_the_words_of_a_refusal_reach_the_caller(
    shape: Callable[[int, str], Any], status: int
) -> None:
    body = json.dumps(shape(status, "top_k is not for this model")).encode()
    response = HttpResponse(status, {"content-type": "application/json"}, body)

    with pytest.raises(UpstreamRefusedError) as caught:
        load_dialect("openai_chat").parse(response)

    assert "top_k is not for this model" in caught.value.message
    assert caught.value.status == 400
