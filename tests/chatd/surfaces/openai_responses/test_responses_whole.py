"""Whole responses of OpenAI's Responses surface."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import Block, Opaque, Refusal, Text, Thinking, ToolCall
from chatd.canonical.extra import Extra
from chatd.canonical.maker import tagged
from chatd.canonical.response import Choice, FailedOver, Response, UpstreamJson, Usage
from tests.chatd.surfaces.openai_responses.answers import ID, read, whole

OWN = "openai_responses"


def answer(*blocks: Block, reason: str = "stop", **fields: Any) -> Response:
    return Response((Choice(blocks, reason),), Usage(3, 5), "m-1", **fields)


def test_a_text_is_a_message() -> None:
    body = whole(answer(Text("Hello")))

    assert (body["id"], body["object"], body["status"]) == (ID, "response", "completed")
    assert (body["model"], body["store"], body["error"]) == ("m-1", False, None)
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": "Hello"}
    assert body["output"] == [
        {
            "id": "msg_request1_0",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [part],
        }
    ]
    assert body["completed_at"] >= body["created_at"]


def test_blocks_become_items_in_their_order_each_with_its_own_id() -> None:
    blocks = (
        Thinking("Because", "sig"),
        Text("Look"),
        Refusal("No."),
        ToolCall("call_1", "weather", "{}", namespace="ns"),
        ToolCall("call_2", "apply_patch", "***", "custom"),
        Thinking(redacted="Zz"),
        Text(""),
    )

    output = whole(answer(*blocks, reason="tool_calls"))["output"]

    assert [item["type"] for item in output] == [
        *("reasoning", "message", "function_call", "custom_tool_call", "reasoning"),
    ]
    thought, message, call, custom, redacted = output
    assert thought["summary"] == [{"type": "summary_text", "text": "Because"}]
    assert thought["encrypted_content"] == tagged("p/m", "sig")
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]
    assert (call["call_id"], call["name"], call["namespace"]) == ("call_1", "weather", "ns")
    assert (custom["input"], "namespace" in custom) == ("***", False)
    assert redacted["encrypted_content"] == tagged("p/m", "redacted_thinking:Zz")
    assert len({item["id"] for item in output}) == len(output)


def test_what_a_response_gives_is_read_back_as_it_was() -> None:
    blocks = (Thinking("Because", "sig"), Text("Look"), ToolCall("c", "f", "{}", namespace="n"))
    output = whole(answer(*blocks))["output"]

    (turn, _) = read(input=[*output, {"role": "user", "content": "Go on"}]).messages

    thought, text, call = turn.blocks
    assert isinstance(thought, Thinking)
    assert (thought.text, thought.signature, thought.maker) == ("Because", "sig", "p/m")
    assert isinstance(text, Text)
    assert isinstance(call, ToolCall)
    assert (call.id, call.name, call.namespace) == ("c", "f", "n")


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("stop_sequence", "completed", None),
        ("tomorrow", "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
    ],
)
def test_the_finish_reason_is_the_status(reason: str, status: str, details: Any) -> None:
    body = whole(answer(Text("Hel"), reason=reason))

    assert (body["status"], body["incomplete_details"]) == (status, details)
    assert body["output"][0]["status"] == status
    assert (body["completed_at"] is None) == (status == "incomplete")


def test_an_answer_without_content_has_no_items() -> None:
    assert whole(answer())["output"] == []


def test_usage_has_every_count() -> None:
    usage = Usage(10, 7, cached_tokens=4, reasoning_tokens=3, cost_usd=0.5, estimated=True)
    body = whole(Response((Choice(),), usage))

    assert body["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 17,
        "cost": 0.5,
        "estimated": True,
    }


def test_a_response_repeats_its_request() -> None:
    tools = [{"type": "web_search"}]
    request = read(
        instructions="Brief.",
        tools=tools,
        tool_choice="none",
        temperature=0.5,
        metadata={"a": "b"},
        text={"verbosity": "low"},
        reasoning={"effort": "low"},
        user="u",
    )

    body = whole(answer(Text("Hi")), request)

    assert (body["instructions"], body["tools"], body["tool_choice"]) == ("Brief.", tools, "none")
    assert (body["temperature"], body["top_p"], body["metadata"]) == (0.5, None, {"a": "b"})
    assert body["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert body["reasoning"] == {"effort": "low", "summary": None}
    assert (body["user"], body["parallel_tool_calls"]) == ("u", True)


def test_a_large_request_is_not_repeated() -> None:
    body = whole(answer(Text("Hi")), read(instructions="x" * 300_000, temperature=0.5))

    assert (body["instructions"], body["temperature"], body["tools"]) == (None, None, [])


def test_citations_and_log_probabilities_belong_to_the_first_text() -> None:
    notes = Extra(OWN, {}, {"message": {"annotations": [{"type": "url_citation"}]}})
    logprobs = {"content": [{"token": "Hi", "logprob": -0.1}]}
    choice = Choice((Thinking("A"), Text("Hi"), Text("!")), "stop", logprobs, notes)

    _, message = whole(Response((choice,), Usage()))["output"]

    first, second = message["content"]
    assert (first["annotations"], first["logprobs"]) == (
        [{"type": "url_citation"}],
        [{"token": "Hi", "logprob": -0.1}],
    )
    assert (second["annotations"], second["logprobs"]) == ([], [])


def test_an_item_of_this_dialect_is_written_and_that_of_another_left_out() -> None:
    own = Opaque("web_search_call", Extra(OWN, {"id": "ws_1", "status": "completed"}))
    other = Opaque("server_tool_use", Extra("anthropic_messages", {"id": "srv_1"}))

    output = whole(answer(own, other, Text("Hi")))["output"]

    assert output[0] == {"id": "ws_1", "status": "completed", "type": "web_search_call"}
    assert [item["type"] for item in output] == ["web_search_call", "message"]


def test_a_response_of_the_same_dialect_is_forwarded() -> None:
    item = {"type": "reasoning", "id": "rs_up", "summary": [], "encrypted_content": "gAAA", "x": 1}
    source = UpstreamJson(
        OWN, {"id": "resp_up", "created_at": 7, "status": "completed", "output": [item], "new": [1]}
    )

    body = whole(answer(source=source))

    assert (body["id"], body["created_at"], body["new"]) == (ID, 7, [1])
    assert body["output"] == [{**item, "encrypted_content": tagged("p/m", "gAAA")}]


def test_the_maker_of_a_token_is_the_model_that_took_over() -> None:
    failed_over = FailedOver("q", "n", "p/m")
    body = whole(answer(Thinking("A", "sig"), failovers=(failed_over,)))

    assert body["output"][0]["encrypted_content"] == tagged("q/n", "sig")
    assert body["rescued"] == {"from": ["p/m"], "by": "q/n"}
