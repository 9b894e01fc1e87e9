"""Read OpenAI's chat JSON in each form that servers write."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import Text, Thinking, ToolCall
from chatd.dialects.json_shapes import ShapeError
from chatd.dialects.openai_chat import reading


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, None), ("", ""), ("a", "a"), (7, "7"), (0.5, "0.5"), ([{"text": "a"}, "b"], "ab")],
)
def test_a_content_is_a_text_a_number_or_parts(value: Any, text: str | None) -> None:
    assert reading.content({"content": value}) == text


@pytest.mark.parametrize("value", [{}, True, [""] * 10_001])
def test_another_content_is_refused(value: Any) -> None:
    with pytest.raises(ShapeError):
        reading.content({"content": value})
    assert reading.content({"content": [""] * 10_000}) == ""


@pytest.mark.parametrize(
    ("message", "thinking"),
    [
        *(({}, None), ({"reasoning_content": "a"}, "a"), ({"reasoning": "a"}, "a")),
        ({"reasoning_content": "a", "reasoning": "b"}, "a"),
        ({"reasoning_content": "", "reasoning": "b"}, "b"),
        ({"reasoning_content": [{"text": ""}], "reasoning": [{"text": "b"}]}, "b"),
        ({"reasoning_content": 7, "reasoning": {"a": 1}}, None),
        ({"content": [{"type": "thinking", "thinking": "a"}]}, "a"),
        ({"content": "a"}, None),
    ],
)
def test_thinking_is_read_under_its_three_names(message: Any, thinking: str | None) -> None:
    assert reading.thinking(message) == thinking


def test_unnamed_fields_of_a_choice_and_its_message_are_kept() -> None:
    assert reading.choice_extra({"index": 0, "finish_reason": "stop"}, {"role": "a"}) is None

    own = reading.choice_extra({"index": 0, "x": 1}, {"content": "a"})
    assert own is not None
    assert (own.dialect, own.fields, own.nested) == ("openai_chat", {"x": 1}, {})
    inner = reading.choice_extra({"logprobs": None}, {"y": 2, "tool_calls": []})
    assert inner is not None
    assert (inner.fields, inner.nested) == ({}, {"message": {"y": 2}})


def test_a_choice_is_thinking_text_and_calls_in_this_order() -> None:
    found = reading.choice(
        {
            "finish_reason": "tool_calls",
            "logprobs": {"content": []},
            "message": {
                "content": "a",
                "reasoning": "t",
                "tool_calls": [
                    {"id": "i", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                    {"type": "custom", "custom": {"name": "c", "input": "x", "y": 1}, "z": 2},
                    {"function": {"arguments": {"a": 1}}},
                    {"type": "custom"},
                ],
            },
        }
    )

    thought, text, *calls = found.blocks
    assert isinstance(thought, Thinking)
    assert isinstance(text, Text)
    assert (thought.text, text.text) == ("t", "a")
    assert (found.finish_reason, found.logprobs) == ("tool_calls", {"content": []})
    read = [call for call in calls if isinstance(call, ToolCall)]
    assert [(call.name, call.arguments, call.kind) for call in read] == [
        *(("f", "{}", "function"), ("c", "x", "custom")),
        *(("", '{"a": 1}', "function"), ("", "", "custom")),
    ]
    assert read[0].id == "i"
    assert read[0].extra is None
    assert len({call.id for call in read}) == 4
    assert read[1].extra is not None
    assert (read[1].extra.fields, read[1].extra.nested) == ({"z": 2}, {"custom": {"y": 1}})


@pytest.mark.parametrize(
    ("message", "has_content"),
    [
        *(({}, False), ({"content": ""}, False), ({"role": "assistant"}, False)),
        *(({"reasoning": ""}, False), ({"refusal": None}, False), ({"content": "a"}, True)),
        *(({"refusal": "no"}, True), ({"tool_calls": [{"id": "i"}]}, True)),
    ],
)
def test_a_choice_has_content_with_a_text_a_call_or_another_field(
    message: Any, has_content: bool
) -> None:
    assert reading.has_content(reading.choice({"message": message})) is has_content


@pytest.mark.parametrize(
    ("given", "cost", "counts"),
    [
        (None, None, (0, 0, None, None, None)),
        ("x", "0.5", (0, 0, None, None, 0.5)),
        ({"prompt_tokens": 3, "completion_tokens": 4}, None, (3, 4, None, None, None)),
        ({"cost": 0.25}, 0.5, (0, 0, None, None, 0.25)),
        ({"cost": "free"}, 0.5, (0, 0, None, None, 0.5)),
        ({"prompt_tokens_details": {"cached_tokens": 2}}, None, (0, 0, 2, None, None)),
        ({"prompt_cache_hit_tokens": 2, "cached_tokens": 1}, None, (0, 0, 2, None, None)),
        ({"cached_tokens": 1, "prompt_tokens_details": None}, None, (0, 0, 1, None, None)),
        ({"completion_tokens_details": {"reasoning_tokens": 0}}, None, (0, 0, None, 0, None)),
        ({"completion_tokens_details": []}, None, (0, 0, None, None, None)),
    ],
    ids=str,
)
def test_tokens_and_costs_are_read_wherever_servers_write_them(
    given: Any, cost: Any, counts: tuple[Any, ...]
) -> None:
    usage = reading.usage(given, cost)

    assert counts == (
        *(usage.input_tokens, usage.output_tokens, usage.cached_tokens),
        *(usage.reasoning_tokens, usage.cost_usd),
    )
    assert (usage.source is not None) == isinstance(given, dict)
