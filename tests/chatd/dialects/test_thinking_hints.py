"""Hints to think go to models that are known to think; wishes go to every model."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.content import Text
from chatd.canonical.extra import Extra
from chatd.canonical.request import ChatRequest, Message, Sampling, Source, Think
from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from chatd.dialects import dialect_for, thinking_hints
from chatd.errors import UpstreamRefusedError

ROW = Provider("mine", "openai_chat", "https://h/v1", known_to_think="think")
KNOWN, UNKNOWN = "thinker", "llama"
MESSAGES, RESPONSES = "anthropic_messages", "openai_responses"


def request(model: str = KNOWN, dialect: str | None = MESSAGES, **fields: Any) -> ChatRequest:
    source = None if dialect is None else Source(dialect, {}, {})
    return ChatRequest(model, (Message("user", (Text("Hi"),)),), source=source, **fields)


def body(row: Provider, given: ChatRequest) -> Any:
    return json.loads(dialect_for(row, given).build(given, row, None).body or b"")


CHOICES: list[tuple[dict[str, Any], Think | None, Think | None]] = [
    ({}, None, None),
    ({"think": "adaptive"}, True, None),
    ({"think": "adaptive", "effort": "high"}, "high", None),
    ({"effort": "low"}, "low", None),
    ({"think": False}, False, None),
    ({"think": True}, True, True),
    ({"think": True, "think_budget": 4_095}, "low", "low"),
    ({"think": True, "think_budget": 4_096}, "medium", "medium"),
    ({"think": True, "think_budget": 16_384}, "high", "high"),
    ({"think": True, "think_budget": 1_024, "effort": "max"}, "max", "max"),
    ({"think": "high"}, "high", "high"),
]


@pytest.mark.parametrize(("fields", "known", "unknown"), CHOICES)
def test_a_hint_is_sent_to_a_model_alone_that_is_known_to_think(
    fields: dict[str, Any], known: Think | None, unknown: Think | None
) -> None:
    assert thinking_hints.wanted(request(KNOWN, **fields), ROW) == known
    assert thinking_hints.wanted(request(UNKNOWN, **fields), ROW) == unknown
    assert thinking_hints.lost(request(KNOWN, **fields), ROW) == ()


@pytest.mark.parametrize(
    ("fields", "dialect", "names"),
    [
        ({"think": "adaptive"}, MESSAGES, ("thinking",)),
        (
            {"think": "adaptive", "effort": "high"},
            MESSAGES,
            ("thinking", "output_config.effort"),
        ),
        ({"effort": "high"}, MESSAGES, ("output_config.effort",)),
        ({"think": False}, MESSAGES, ("thinking",)),
        ({"think": False}, None, ()),
        ({"think": True}, MESSAGES, ()),
        ({"think": "high"}, RESPONSES, ()),
    ],
)
def test_a_hint_that_is_left_out_is_named_in_the_callers_words(
    fields: dict[str, Any], dialect: str | None, names: tuple[str, ...]
) -> None:
    given = request(UNKNOWN, dialect, **fields)

    assert thinking_hints.lost(given, ROW) == names
    assert dialect_for(ROW, given).omitted(given, ROW) == names


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        ({"think": "adaptive", "effort": "high"}, {"reasoning_effort": "high"}),
        ({"think": "adaptive"}, {"reasoning_effort": "medium"}),
        ({"think": False}, {"reasoning_effort": "none"}),
        ({"effort": "low"}, {"reasoning_effort": "low"}),
    ],
)
def test_openais_chat_dialect_writes_an_effort(
    fields: dict[str, Any], written: dict[str, Any]
) -> None:
    assert {name: body(ROW, request(**fields)).get(name) for name in written} == written
    assert "reasoning_effort" not in body(ROW, request(UNKNOWN, **fields))


@pytest.mark.parametrize(
    ("fields", "known", "unknown"),
    [
        ({"think": "adaptive", "effort": "xhigh"}, "max", False),
        ({"think": "adaptive"}, True, False),
        ({"think": False}, False, False),
        ({"think": True, "think_budget": 32_000}, "high", "high"),
        ({"effort": "low"}, "low", False),
        ({}, False, False),
    ],
)
def test_ollama_thinks_adaptively_where_the_model_is_known_to_think(
    fields: dict[str, Any], known: Think, unknown: Think
) -> None:
    row = replace(CATALOG["ollama"], known_to_think="think")

    assert body(row, request(KNOWN, **fields))["think"] == known
    assert body(row, request(UNKNOWN, **fields))["think"] == unknown


def test_switching_thinking_off_is_no_loss_at_ollama() -> None:
    row, given = CATALOG["ollama"], request(UNKNOWN, think=False)

    assert dialect_for(row, given).omitted(given, row) == ()


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"think": "high"}, "thinking"),
        ({"effort": "high"}, "output_config.effort"),
        ({"think": True, "think_budget": 9}, "thinking"),
    ],
)
def test_a_refused_hint_is_taken_out_once(fields: dict[str, Any], name: str) -> None:
    given = request(**fields)
    refusal = UpstreamRefusedError("Unsupported parameter: 'reasoning_effort'")

    relaxed = dialect_for(ROW, given).relaxed(given, refusal)

    assert relaxed is not None
    found, hint = relaxed
    assert (found.think, found.effort, found.think_budget, hint) == (None, None, None, name)
    assert dialect_for(ROW, found).relaxed(found, refusal) is None


@pytest.mark.parametrize(
    "given",
    [
        request(think="high", think_required=True),
        request(dialect="openai_chat", think="high"),
        request(),
    ],
)
def test_a_demand_and_a_forwarded_effort_stay(given: ChatRequest) -> None:
    refusal = UpstreamRefusedError("it does not support reasoning")

    assert dialect_for(ROW, given).relaxed(given, refusal) is None


def test_another_refusal_takes_no_hint_out() -> None:
    given = request(think="high")

    assert dialect_for(ROW, given).relaxed(given, UpstreamRefusedError("bad image")) is None


def test_top_k_is_written_for_ollama_and_for_a_row_that_takes_it() -> None:
    given = request(sampling=Sampling(top_k=7))
    takes = replace(ROW, takes_top_k=True)

    assert body(CATALOG["ollama"], given)["options"] == {"top_k": 7}
    assert body(takes, given)["top_k"] == 7
    assert dialect_for(takes, given).omitted(given, takes) == ()
    assert "top_k" not in body(ROW, given)
    assert dialect_for(ROW, given).omitted(given, ROW) == ("top_k",)


@pytest.mark.parametrize("row", [ROW, CATALOG["ollama"]], ids=lambda row: row.name)
def test_further_fields_of_another_surface_are_named_where_they_may_change_the_answer(
    row: Provider,
) -> None:
    fields = {
        "metadata": {"user_id": "u"},
        "client_metadata": {"x": "y"},
        "prompt_cache_key": "k",
        "include": ["reasoning.encrypted_content"],
        "store": False,
        "truncation": "disabled",
        "context_management": {"edits": [1]},
        "max_tool_calls": 3,
        "null": None,
    }
    nested = {"reasoning": {"summary": "auto"}, "text": {"verbosity": "low"}}
    given = request(extra=Extra(RESPONSES, fields, nested))

    assert dialect_for(row, given).omitted(given, row) == (
        "context_management",
        "max_tool_calls",
        "text.verbosity",
    )
    assert "metadata" not in body(row, given)


def test_ids_and_states_of_items_are_not_named() -> None:
    extra = Extra(RESPONSES, {"id": "fc_1", "status": "completed", "other": 1})
    turns = (Message("user", (Text("Hi", extra),)),)
    given = replace(request(), messages=turns)

    assert dialect_for(ROW, given).omitted(given, ROW) == ("messages.content.other",)


def test_a_tool_choice_without_tools_is_not_sent() -> None:
    given = request(tool_choice="auto", parallel_tool_calls=True)

    assert body(ROW, given).keys().isdisjoint({"tool_choice", "parallel_tool_calls"})
