"""Read whole responses of OpenAI's Responses dialect, also of servers that depart from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.canonical.content import Opaque, ToolCall
from chatd.errors import AnswerTooLargeError, UpstreamError
from chatd.safe_json.item_limits import MAX_TOOL_CALLS
from chatd.upstream_http import HttpResponse
from tests.chatd.dialects.openai_responses.wire import (
    DIALECT,
    blocks,
    call,
    custom_call,
    message,
    parsed,
    reasoning,
    sse,
    text_part,
    whole,
)


def test_items_are_blocks_in_their_order() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    response = parsed(
        whole(
            reasoning(),
            message("One", "two"),
            search,
            call(namespace="ns"),
            custom_call(),
            call(""),
        )
    )

    assert blocks(response.first) == [
        ("Thinking", "Hm.", "gAAA"),
        ("Text", "One"),
        ("Text", "two"),
        ("Opaque", "web_search_call"),
        ("ToolCall", "call_1", "weather", '{"city":"Bern"}', "function", "ns"),
        ("ToolCall", "call_c", "patch", "*** Begin", "custom", "None"),
        ("ToolCall", "call_1", "weather", "{}", "function", "None"),
    ]
    assert response.first.finish_reason == "tool_calls"
    assert (response.id, response.model) == ("resp_1", "model-1")


def test_an_item_of_an_unknown_kind_is_kept_whole() -> None:
    item = {"type": "mcp_call", "id": "mcp_1", "name": "x", "output": None, "more": [1]}

    (block,) = parsed(whole(item)).first.blocks

    assert isinstance(block, Opaque)
    assert {**block.extra.fields, "type": block.kind} == item


def test_a_refusal_is_a_block_of_its_own() -> None:
    item = message()
    item["content"] = [{"type": "refusal", "refusal": "No."}, text_part("But")]

    choice = parsed(whole(item)).first

    assert blocks(choice) == [("Refusal", "No."), ("Text", "But")]
    assert (choice.refusal, choice.finish_reason) == ("No.", "stop")


@pytest.mark.parametrize(
    ("item", "text", "token"),
    [
        (reasoning("A"), "A", "gAAA"),
        (reasoning("A", None), "A", "None"),
        (reasoning(""), "", "gAAA"),
        ({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "B"}]}, "B", "None"),
        ({"type": "reasoning", "summary": "C"}, "C", "None"),
        ({"type": "reasoning", "summary": [{"text": "A"}, {"text": "B"}]}, "A\n\nB", "None"),
    ],
)
def test_reasoning_is_read_from_its_summary_or_else_from_its_text(
    item: dict[str, Any], text: str, token: str
) -> None:
    assert blocks(parsed(whole(item)).first) == [("Thinking", text, token)]


def test_reasoning_without_text_and_token_is_no_block() -> None:
    assert parsed(whole({"type": "reasoning", "summary": []}, message("Hi"))).first.thinking is None


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, "stop"),
        ({"status": "incomplete", "incomplete_details": None}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            "content_filter",
        ),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "steered"),
        ({"status": None}, "stop"),
    ],
)
def test_the_status_is_the_finish_reason(more: dict[str, Any], reason: str) -> None:
    assert parsed(whole(message("Hi"), **more)).first.finish_reason == reason


def test_a_call_that_the_limit_cut_ends_with_length() -> None:
    details = {"reason": "max_output_tokens"}
    cut = whole(call('{"ci'), status="incomplete", incomplete_details=details)

    assert parsed(cut).first.finish_reason == "length"


def test_tokens_are_counted_with_cache_reads_writes_and_reasoning() -> None:
    usage = {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 29,
    }

    found = parsed(whole(message("Hi"), usage=usage)).usage

    assert (found.input_tokens, found.output_tokens, found.fresh_tokens) == (20, 9, 12)
    assert (found.cached_tokens, found.cache_write_tokens, found.reasoning_tokens) == (5, 3, 4)
    assert found.source is not None
    assert found.source.body == usage


@pytest.mark.parametrize("usage", [None, {}, [], "x", {"input_tokens": None}])
def test_missing_tokens_are_zero(usage: Any) -> None:
    found = parsed(whole(message("Hi"), usage=usage)).usage

    assert (found.input_tokens, found.cached_tokens, found.reasoning_tokens) == (0, None, None)


@pytest.mark.parametrize(
    "more", [{"cost": "0.25"}, {"cost": 0.25}, {"usage": {"cost": 0.25}, "cost": "9"}]
)
def test_a_cost_is_read_beside_the_tokens_or_among_them(more: dict[str, Any]) -> None:
    assert parsed(whole(message("Hi"), **more)).usage.cost_usd == 0.25


def test_log_probabilities_of_all_parts_have_the_form_of_the_chat_dialect() -> None:
    item = message()
    item["content"] = [text_part("a", logprobs=[{"token": "a"}]), text_part("b", logprobs=None)]

    assert parsed(whole(item)).first.logprobs == {"content": [{"token": "a"}]}


def test_citations_are_unnamed_fields_of_the_message() -> None:
    note = {"type": "url_citation", "url": "https://h", "title": "T"}
    item = message()
    item["content"] = [text_part("a", annotations=[note])]

    extra = parsed(whole(item)).first.extra

    assert extra is not None
    assert (extra.dialect, extra.nested) == (
        "openai_responses",
        {"message": {"annotations": [note]}},
    )


def test_fields_that_repeat_the_request_are_no_fields_of_the_response() -> None:
    extra = parsed(
        whole(message("Hi"), tools=[], instructions="x", temperature=1, service_tier="flex", new=1)
    ).extra

    assert extra is not None
    assert extra.fields == {"service_tier": "flex", "new": 1}


def test_a_call_without_an_id_gets_one() -> None:
    first, second = parsed(
        whole({"type": "function_call", "name": "f", "arguments": {"a": 1}}, call(id_=""))
    ).first.tool_calls

    assert first.id.startswith("call_")
    assert (first.name, json.loads(first.arguments)) == ("f", {"a": 1})
    assert second.id == "fc_"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"output": [{"role": "assistant", "content": "Hi"}]}, "Hi"),
        ({"output": [{"type": "message", "content": [{"text": "Hi"}]}]}, "Hi"),
        (
            {"output": [{"type": "message", "content": [{"type": "text", "text": ["H", "i"]}]}]},
            "Hi",
        ),
        ({"output": [], "output_text": "Hi"}, "Hi"),
        ({"output": []}, ""),
        ({"output": [{"type": "message", "content": None}]}, ""),
    ],
)
def test_other_shapes_of_an_answer_are_read(body: dict[str, Any], text: str) -> None:
    assert parsed(body).first.content == text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"output": None},
        {"output": {}},
        {"output": [1]},
        {"output": [{"type": "message", "content": [1]}]},
        {"output": [{"type": "reasoning", "summary": {}}]},
        {"object": "chat.completion", "choices": []},
        whole(message("Hi"), status="in_progress"),
        whole(status="queued"),
    ],
)
def test_a_body_that_is_no_ended_response_is_malformed(body: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError) as caught:
        parsed(body)

    assert caught.value.malformed


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"null", b'"x"'])
def test_a_body_that_is_no_object_is_malformed(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        DIALECT.parse(HttpResponse(200, {}, body))


def test_too_many_calls_are_refused() -> None:
    calls = [call(id_=str(number)) for number in range(MAX_TOOL_CALLS + 1)]

    assert len(parsed(whole(*calls[:-1])).first.tool_calls) == MAX_TOOL_CALLS
    with pytest.raises(AnswerTooLargeError):
        parsed(whole(*calls))


def test_a_stream_that_comes_unasked_is_collected() -> None:
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_text.delta", "delta": "Hi"},
        {"type": "response.completed", "response": whole(message("Hi"))},
    ]

    response = DIALECT.parse(HttpResponse(200, {}, sse(events)))

    assert (response.first.content, response.id) == ("Hi", "resp_1")


def test_a_call_s_unnamed_fields_are_kept() -> None:
    (block,) = parsed(whole(call(caller={"type": "direct"}))).first.blocks

    assert isinstance(block, ToolCall)
    assert block.extra is not None
    assert block.extra.fields == {"id": "fc_call_1", "caller": {"type": "direct"}}
