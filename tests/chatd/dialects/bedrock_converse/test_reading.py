"""A whole response of Converse is read as botocore reads it, and in other shapes of servers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.canonical.content import Text, Thinking
from chatd.errors import ChatdError, UpstreamError
from chatd.upstream_http import HttpResponse
from tests.chatd.dialects.bedrock_converse.converse_wire import (
    DIALECT,
    USAGE,
    choice,
    parsed,
    whole,
)
from tests.support.bedrock import service_model

CALL = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Bern", "n": 1.5}}}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}}
ANSWER = whole(THOUGHT, {"text": "I look."}, CALL, reason="tool_use")


def test_botocore_reads_the_same_answer() -> None:
    found = service_model.parsed("Converse", json.dumps(ANSWER).encode())
    response = parsed(ANSWER)

    thought, text, call = found["output"]["message"]["content"]
    mine = response.first.blocks
    assert isinstance(mine[0], Thinking)
    assert isinstance(mine[1], Text)
    reasoning = thought["reasoningContent"]["reasoningText"]
    assert (mine[0].text, mine[0].signature) == (reasoning["text"], reasoning["signature"])
    assert mine[1].text == text["text"]
    (mine_call,) = response.first.tool_calls
    assert (mine_call.id, mine_call.name) == (call["toolUse"]["toolUseId"], call["toolUse"]["name"])
    assert json.loads(mine_call.arguments) == call["toolUse"]["input"]
    assert response.usage.input_tokens == found["usage"]["inputTokens"]
    assert response.first.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("model_context_window_exceeded", "length"),
        ("novelty", "novelty"),
    ],
)
def test_a_stop_reason_is_read(given: str, canonical: str) -> None:
    assert choice({"text": "x"}, reason=given).finish_reason == canonical


def test_every_stop_reason_of_the_service_model_is_known() -> None:
    shape: Any = service_model.operation("Converse").output_shape
    for reason in shape.members["stopReason"].enum:
        try:
            found = choice({"text": "x"}, reason=reason).finish_reason
        except UpstreamError:
            assert reason.startswith("malformed")
        else:
            expected = ("stop", "length", "content_filter", "stop_sequence")
            assert found in expected


def test_an_answer_with_calls_never_stops() -> None:
    assert choice(CALL, reason="end_turn").finish_reason == "tool_calls"
    assert choice(CALL, reason="max_tokens").finish_reason == "length"


@pytest.mark.parametrize(
    ("reason", "fields", "found"),
    [
        ("stop_sequence", {"stop_sequence": "END"}, "END"),
        ("stop_sequence", {"stop_sequence": 7}, None),
        ("stop_sequence", None, None),
        ("end_turn", {"stop_sequence": "END"}, None),
    ],
)
def test_the_stop_sequence_is_read_where_bedrock_gives_it(
    reason: str, fields: Any, found: str | None
) -> None:
    answer = choice({"text": "x"}, reason=reason, additionalModelResponseFields=fields)

    assert answer.stop_sequence == found


def test_cached_tokens_are_part_of_the_input() -> None:
    details = [{"ttl": "1h", "inputTokens": 20}, {"ttl": "5m", "inputTokens": 5}]
    counts = {"cacheReadInputTokens": 100, "cacheWriteInputTokens": 25, "cacheDetails": details}

    usage = parsed(whole({"text": "x"}, usage={**USAGE, **counts})).usage

    assert usage.input_tokens == 136
    assert (usage.cached_tokens, usage.cache_write_tokens) == (100, 25)
    assert usage.cache_write_1h_tokens == 20
    assert usage.fresh_tokens == 11


@pytest.mark.parametrize(
    "usage",
    [None, [], {}, {"inputTokens": None, "outputTokens": "7"}, {"cacheDetails": [7, None]}],
)
def test_missing_counts_are_unknown(usage: Any) -> None:
    found = parsed(whole({"text": "x"}, usage=usage)).usage

    assert (found.input_tokens, found.output_tokens, found.cached_tokens) == (0, 0, None)


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ([{"text": "a", "toolUse": None, "novelty": 1}], ["a"]),
        ([{"citationsContent": {"content": [{"text": "a"}, {"text": "b"}]}}], ["ab"]),
        ([{"image": {"format": "png"}}, {"text": ""}, {"text": None}], []),
        ([{"toolUse": {"type": "server_tool_use", "name": "search", "input": {}}}], []),
        (None, []),
    ],
)
def test_other_blocks_are_left_out(content: Any, texts: list[str]) -> None:
    answer = whole()
    answer["output"]["message"]["content"] = content

    blocks = parsed(answer).first.blocks

    assert [block.text for block in blocks if isinstance(block, Text)] == texts
    assert len(blocks) == len(texts)


def test_redacted_thinking_is_read() -> None:
    (block,) = choice({"reasoningContent": {"redactedContent": "YQ=="}}).blocks

    assert isinstance(block, Thinking)
    assert block.redacted == "YQ=="


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ({"name": "f", "input": {}}, "{}"),
        ({"name": "f", "input": None}, "{}"),
        ({"name": "f"}, "{}"),
        ({"name": "f", "input": '{"a":1}'}, '{"a":1}'),
    ],
)
def test_a_call_without_id_or_input_is_completed(call: Any, arguments: str) -> None:
    (found,) = choice({"toolUse": call}, reason="tool_use").tool_calls

    assert found.id
    assert found.arguments == arguments


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"{}",
        b"<html>",
        json.dumps({**ANSWER, "stopReason": None}).encode(),
        json.dumps({**ANSWER, "output": []}).encode(),
        json.dumps({**ANSWER, "output": {"message": {"content": {}}}}).encode(),
        json.dumps({**ANSWER, "output": {"message": {"content": [7]}}}).encode(),
        json.dumps({**ANSWER, "output": {"message": {"content": [{"text": 7}]}}}).encode(),
        json.dumps(whole(*[CALL] * 1_025)).encode(),
        json.dumps(whole(*[{"text": "x"}] * 10_001)).encode(),
    ],
    ids=range(13),
)
def test_a_body_of_another_shape_is_malformed(body: bytes) -> None:
    with pytest.raises(ChatdError) as refused:
        DIALECT.parse(HttpResponse(200, {}, body))

    assert isinstance(refused.value, UpstreamError)
    assert refused.value.malformed


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_a_malformed_output_is_a_failure(reason: str) -> None:
    with pytest.raises(UpstreamError, match="malformed"):
        choice({"text": "x"}, reason=reason)
