"""Blocks, stop reasons and usage of Anthropic's Messages become the canonical form."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import Opaque, Text, Thinking, ToolCall
from chatd.canonical.response import Usage
from chatd.dialects.anthropic_messages import reading
from chatd.dialects.json_shapes import ShapeError

CALL = {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}


def choice(*content: Any, **more: Any) -> Any:
    return reading.choice({"content": list(content), **more})


def test_blocks_are_read_in_their_order() -> None:
    found = choice(
        {"type": "thinking", "thinking": "Hm.", "signature": "s", "x": 1},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "Hi", "citations": [{"url": "u"}]},
        CALL | {"caller": {"type": "direct"}},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
    ).blocks

    assert [type(block) for block in found] == [Thinking, Thinking, Text, ToolCall, Opaque]
    thought, redacted, text, call, other = found
    assert (thought.text, thought.signature, thought.extra.fields) == ("Hm.", "s", {"x": 1})
    assert (redacted.text, redacted.redacted) == ("", "d")
    assert (text.text, text.extra.fields) == ("Hi", {"citations": [{"url": "u"}]})
    assert (call.id, call.name, call.arguments) == ("c", "f", '{"a":1}')
    assert call.extra.fields == {"caller": {"type": "direct"}}
    assert (other.kind, other.extra.fields["name"]) == ("server_tool_use", "web_search")


def test_empty_fields_are_no_further_fields_and_empty_texts_no_blocks() -> None:
    found = choice(
        {"type": "text", "text": ""},
        {"type": "text", "text": "Hi", "citations": None},
        {"type": "thinking", "thinking": None, "signature": ""},
    ).blocks

    assert [block.extra for block in found] == [None, None]
    assert (found[1].text, found[1].signature) == ("", None)


@pytest.mark.parametrize(
    ("given", "arguments"), [(None, "{}"), ({}, "{}"), ('{"a": 1}', '{"a": 1}'), ([1], "[1]")]
)
def test_the_input_of_a_call_becomes_text(given: Any, arguments: str) -> None:
    (call,) = choice({**CALL, "input": given}).blocks

    assert call.arguments == arguments


def test_a_call_without_an_id_gets_one() -> None:
    (call,) = choice({"type": "tool_use"}).blocks

    assert call.id.startswith("call_")
    assert call.name == ""


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        *(("end_turn", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls")),
        *(("stop_sequence", "stop_sequence"), ("refusal", "content_filter")),
        *(("model_context_window_exceeded", "length"), ("pause_turn", "pause_turn")),
        *(("novel", "novel"), (None, None), (7, "7")),
    ],
)
def test_a_stop_reason_becomes_a_finish_reason(given: Any, reason: str | None) -> None:
    assert choice(stop_reason=given).finish_reason == reason


def test_an_answer_with_calls_ends_with_tool_calls_unless_it_is_cut_off() -> None:
    assert choice(CALL, stop_reason="end_turn").finish_reason == "tool_calls"
    assert choice(CALL, stop_reason="max_tokens").finish_reason == "length"


def test_the_matched_stop_sequence_is_kept() -> None:
    assert choice(stop_reason="stop_sequence", stop_sequence="END").stop_sequence == "END"


@pytest.mark.parametrize(
    "content",
    [
        *("text", [1], [{}], [{"type": 1}], [{"type": "text", "text": 1}], 7),
        [{"type": "thinking", "thinking": []}],
        [{"type": "redacted_thinking", "data": {}}],
        [{"type": "text", "text": "a"}] * 10_001,
        [CALL] * 1_025,
    ],
    ids=lambda value: str(value)[:30],
)
def test_content_of_another_shape_is_refused(content: Any) -> None:
    with pytest.raises(ShapeError):
        reading.choice({"content": content})


def test_cached_tokens_are_part_of_the_input() -> None:
    found = reading.usage(
        {
            "input_tokens": 3,
            "output_tokens": 7,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 50,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
            "output_tokens_details": {"thinking_tokens": 2},
        }
    )

    assert found == Usage(153, 7, 100, 2, cache_write_tokens=50, cache_write_1h_tokens=30)
    assert found.fresh_tokens == 3


def test_cache_writes_are_the_sum_of_their_parts_if_there_is_no_total() -> None:
    parts = {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}

    found = reading.usage({"input_tokens": 1, "cache_creation": parts})

    assert (found.input_tokens, found.cache_write_tokens) == (51, 50)


@pytest.mark.parametrize("given", [None, [], "7", 7])
def test_usage_of_another_shape_has_no_counts(given: Any) -> None:
    assert reading.usage(given, "0.5") == Usage(cost_usd=0.5)


@pytest.mark.parametrize("value", [-1, "7", None, [], float("nan"), True])
def test_an_invalid_count_is_zero(value: Any) -> None:
    names = ("input_tokens", "output_tokens")

    found = reading.usage({**dict.fromkeys(names, value), "cache_creation": value})

    assert (found.input_tokens, found.output_tokens) == (0, 0)


def test_huge_counts_stay_exact_integers_of_json() -> None:
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")

    assert reading.usage(dict.fromkeys(names, 10**30)).input_tokens == 2**53 - 1


def test_a_cost_within_the_usage_replaces_one_beside_it() -> None:
    assert reading.usage({"cost": 0.25}, "0.5").cost_usd == 0.25


def test_later_counts_replace_earlier_ones_unless_they_are_empty() -> None:
    before = {"input_tokens": 9, "output_tokens": 1, "service_tier": "standard"}

    found = reading.later_usage(before, {"input_tokens": 0, "output_tokens": 7, "speed": None})

    assert found == {
        "input_tokens": 9,
        "output_tokens": 7,
        "service_tier": "standard",
        "speed": None,
    }
    assert reading.later_usage(before, None) is before
