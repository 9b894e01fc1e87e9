"""What Bedrock refuses for Claude is left out, and the caller's own JSON is not changed."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from chatd.config.catalog import CATALOG
from chatd.dialects.vendors.bedrock_claude import correct, taken_betas
from tests.support.bedrock import claude_rules
from tests.support.bedrock.errors import BedrockError
from tests.support.bedrock.models import served

ROW = CATALOG["bedrock"]
OPUS = "us.anthropic.claude-opus-4-8"
TOOL = {"name": "read", "input_schema": {"type": "object", "properties": {}}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
MARK = {"type": "ephemeral", "scope": "global", "ttl": "1h"}
PLAIN_MARK = {"type": "ephemeral", "ttl": "1h"}
CLEAR = {"type": "clear_thinking_20251015", "keep": "all"}

# By a name: the fields sent, the fields left, and what is named.
CORRECTED: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    "custom": (
        {"tools": [{**TOOL, "custom": {"defer_loading": True}}]},
        {"tools": [{**TOOL, "defer_loading": True}]},
        (),
    ),
    "custom, unknown": ({"tools": [{**TOOL, "custom": None}]}, {"tools": [TOOL]}, ()),
    "eager input": ({"tools": [{**TOOL, "eager_input_streaming": True}]}, {"tools": [TOOL]}, ()),
    "schema of a custom tool": (
        {"tools": [{"name": "a", "input_schema": {"type": "custom"}}]},
        {"tools": [{"name": "a", "input_schema": {"type": "object"}}]},
        (),
    ),
    "hosted tool beside another": (
        {"tools": [TOOL, SEARCH], "tool_choice": {"type": "auto"}},
        {"tools": [TOOL], "tool_choice": {"type": "auto"}},
        ("tools.web_search_20250305",),
    ),
    "choice of a hosted tool": (
        {"tools": [TOOL, SEARCH], "tool_choice": {"type": "tool", "name": "web_search"}},
        {"tools": [TOOL]},
        ("tools.web_search_20250305", "tool_choice"),
    ),
    "hosted tools alone": (
        {"tools": [SEARCH], "tool_choice": {"type": "any"}},
        {},
        ("tools.web_search_20250305", "tool_choice"),
    ),
    "marks": (
        {
            "system": [{"type": "text", "text": "s", "cache_control": MARK}],
            "tools": [{**TOOL, "cache_control": MARK}],
        },
        {
            "system": [{"type": "text", "text": "s", "cache_control": PLAIN_MARK}],
            "tools": [{**TOOL, "cache_control": PLAIN_MARK}],
        },
        (),
    ),
    "effort": (
        {"output_config": {"effort": "max"}},
        {"output_config": {"effort": "xhigh"}},
        ("output_config.effort",),
    ),
    "thinking to clear": (
        {"context_management": {"edits": [CLEAR]}},
        {},
        ("context_management.clear_thinking_20251015",),
    ),
    "thinking to clear beside another edit": (
        {"context_management": {"edits": [CLEAR, {"type": "clear_tool_uses_20250919"}]}},
        {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}},
        ("context_management.clear_thinking_20251015",),
    ),
    "thinking to clear where thinking is on": (
        {"thinking": {"type": "adaptive"}, "context_management": {"edits": [CLEAR]}},
        {"thinking": {"type": "adaptive"}, "context_management": {"edits": [CLEAR]}},
        (),
    ),
}


@pytest.mark.parametrize("name", sorted(CORRECTED))
def test_a_body_is_corrected_and_bedrock_takes_it(name: str) -> None:
    sent, left, named = CORRECTED[name]
    given = {"messages": [{"role": "user", "content": "Hi"}], **sent}
    before, body = copy.deepcopy(given), dict(given)

    lost = correct(body, OPUS, ROW)

    assert body == {"messages": given["messages"], **left}
    assert lost == named
    assert given == before
    claude_rules.check(served(OPUS, "messages"), body, {"anthropic-version": "2023-06-01"})


@pytest.mark.parametrize(
    "name", sorted(set(CORRECTED) - {"thinking to clear where thinking is on"})
)
def test_bedrock_refuses_the_body_without_the_correction(name: str) -> None:
    sent, _, _ = CORRECTED[name]
    body = {"messages": [{"role": "user", "content": "Hi"}], **sent}

    with pytest.raises(BedrockError):
        claude_rules.check(served(OPUS, "messages"), body, {"anthropic-version": "2023-06-01"})


def test_marks_in_turns_and_in_tool_results_are_plain() -> None:
    inner = {"type": "text", "text": "r", "cache_control": MARK}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [inner], "cache_control": MARK}
    body: dict[str, Any] = {"messages": [{"role": "user", "content": [result]}]}

    correct(body, OPUS, ROW)

    (turn,) = body["messages"]
    (block,) = turn["content"]
    assert block["cache_control"] == block["content"][0]["cache_control"] == PLAIN_MARK


def test_unchanged_parts_are_the_callers_own_objects() -> None:
    turns = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    body: dict[str, Any] = {"messages": turns, "tools": [TOOL]}

    correct(body, OPUS, ROW)

    assert body["messages"] is turns


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        ("anthropic.claude-opus-4-5-20251101-v1:0", "max", "high"),
        ("global.anthropic.claude-opus-4-6-v1", "max", "max"),
        ("eu.anthropic.claude-sonnet-5", "max", "xhigh"),
        ("us.anthropic.claude-opus-5", "max", "max"),
        (OPUS, "low", "low"),
        (OPUS, "unheard-of", "unheard-of"),
    ],
)
def test_an_effort_is_at_most_the_models_highest(model: str, effort: str, sent: str) -> None:
    body = {"output_config": {"effort": effort}}

    correct(body, model, ROW)

    assert body["output_config"] == {"effort": sent}


@pytest.mark.parametrize(
    ("given", "taken", "lost"),
    [
        ("", "", ()),
        ("effort-2025-11-24", "effort-2025-11-24", ()),
        (
            "advanced-tool-use-2025-11-20, tool-search-tool-2025-10-19,oauth-2025-04-20",
            "tool-search-tool-2025-10-19",
            ("anthropic-beta.oauth-2025-04-20",),
        ),
        (",, fast-mode-2026-02-01 ,", "", ("anthropic-beta.fast-mode-2026-02-01",)),
    ],
)
def test_only_betas_that_bedrock_takes_are_sent(
    given: str, taken: str, lost: tuple[str, ...]
) -> None:
    assert taken_betas(given) == (taken, lost)


@pytest.mark.parametrize(
    "field",
    [{"tools": 7}, {"tools": [{}]}, {"output_config": []}, {"context_management": {"edits": 7}}],
)
def test_another_shape_is_left_to_bedrock(field: dict[str, Any]) -> None:
    body = dict(field)

    assert correct(body, OPUS, ROW) == ()
    assert body == field
