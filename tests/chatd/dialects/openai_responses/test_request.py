"""The body of a request: forwarded from the same dialect, or written from another one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.content import Text, Thinking, ToolCall, ToolResult
from chatd.canonical.extra import Extra
from chatd.canonical.request import CustomTool, Message, NamedTool, Sampling, Source, Tool
from chatd.config.provider import Provider
from chatd.errors import InvalidRequestError
from tests.chatd.dialects.openai_responses.requests import (
    DIALECT,
    HI,
    ROW,
    THINKS,
    body_of,
    chat,
    of,
    own,
)

SENT_HI = [{"type": "message", "role": "user", "content": "Hi"}]
ENCRYPTED = "reasoning.encrypted_content"


def test_a_plain_chat_has_the_model_the_input_and_no_storage() -> None:
    assert body_of(chat()) == {"model": "m", "input": SENT_HI, "store": False}
    assert body_of(chat(stream=True))["stream"] is True


def test_the_request_goes_to_responses_with_the_key() -> None:
    sent = DIALECT.build(chat(), ROW, None)
    elsewhere = replace(ROW, paths={"openai_responses": "/x"})

    assert (sent.url, sent.method) == ("http://p/v1/responses", "POST")
    assert "Authorization" not in sent.headers
    assert DIALECT.build(chat(), elsewhere, None).url == "http://p/v1/x/responses"


def test_every_option_has_its_name_here() -> None:
    request = chat(
        sampling=Sampling(temperature=0.5, top_p=0.25),
        max_tokens=100,
        top_logprobs=2,
        logprobs=True,
        tools=(Tool("f"),),
        tool_choice="required",
        parallel_tool_calls=False,
        format={"type": "object"},
        schema_name="s",
        schema_description="d",
        strict=True,
    )

    body = body_of(request)

    assert {name: body[name] for name in body if name not in ("model", "input", "store")} == {
        "temperature": 0.5,
        "top_p": 0.25,
        "max_output_tokens": 100,
        "top_logprobs": 2,
        "include": ["message.output_text.logprobs"],
        "tools": [
            {
                "type": "function",
                "name": "f",
                "parameters": {"type": "object", "properties": {}},
                "strict": False,
            }
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "text": {
            "format": {
                "type": "json_schema",
                "name": "s",
                "schema": {"type": "object"},
                "description": "d",
                "strict": True,
            }
        },
    }


def test_a_choice_without_tools_is_left_out() -> None:
    body = body_of(chat(tool_choice="auto", parallel_tool_calls=True))

    assert body.keys() == {"model", "input", "store"}


@pytest.mark.parametrize(
    ("limits", "sent"),
    [({"max_tokens": 1}, 16), ({"max_completion_tokens": 17, "max_tokens": 5}, 17)],
)
def test_a_limit_is_at_least_the_one_that_openai_takes(limits: dict[str, Any], sent: int) -> None:
    assert body_of(chat(**limits))["max_output_tokens"] == sent


def test_json_is_a_format_of_the_text() -> None:
    assert body_of(chat(format="json"))["text"] == {"format": {"type": "json_object"}}


def test_fields_of_the_chat_dialect_with_an_equal_are_written() -> None:
    fields = {"user": "u", "verbosity": "low", "service_tier": "flex", "metadata": None, "x": 1}

    body = body_of(of("openai_chat", extra=Extra("openai_chat", fields)))

    assert (body["user"], body["service_tier"]) == ("u", "flex")
    assert body["text"] == {"verbosity": "low"}
    assert not body.keys() & {"x", "metadata", "verbosity"}


CODEX: dict[str, Any] = {
    "model": "p/m",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "A"}]},
        {"type": "message", "role": "user", "content": "Hi", "id": "msg_1", "x_new": {"a": [1]}},
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA", "id": "rs_1"},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "1"},
    ],
    "instructions": "Be brief.",
    "tools": [{"type": "web_search", "external_web_access": False}],
    "include": [ENCRYPTED],
    "reasoning": {"effort": "low", "summary": "auto", "x": 1},
    "prompt_cache_key": "k",
    "client_metadata": {"a": 1},
    "stream": True,
    "store": False,
    "stream_options": {"include_obfuscation": False},
}


def test_a_request_of_this_dialect_is_forwarded_as_it_is() -> None:
    assert body_of(replace(own(CODEX), stream=True)) == {**CODEX, "model": "m"}


def test_a_whole_answer_is_requested_without_the_fields_of_a_stream() -> None:
    body = body_of(own(CODEX))

    assert body == {
        name: CODEX[name] for name in CODEX if name not in ("stream", "stream_options")
    } | {"model": "m"}


def test_nothing_is_stored_whatever_the_caller_says() -> None:
    assert body_of(own({"store": True}))["store"] is False
    assert body_of(own({}))["store"] is False


def test_encrypted_reasoning_is_requested_of_a_model_that_is_known_to_think() -> None:
    assert "include" not in body_of(own({}), THINKS)
    assert body_of(own({}, model="t-1"), THINKS)["include"] == [ENCRYPTED]
    given = own({"include": ["x"]}, model="t-1")
    assert body_of(given, THINKS)["include"] == ["x", ENCRYPTED]
    assert body_of(own({"include": [ENCRYPTED]}, model="t-1"), THINKS)["include"] == [ENCRYPTED]
    assert given.source is not None
    assert given.source.body["include"] == ["x"]


def test_reasoning_without_encrypted_content_does_not_go_to_a_model_of_openai() -> None:
    bare = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "A"}]}
    sealed = {**bare, "encrypted_content": "gAAA"}
    given = {"input": [bare, sealed]}

    assert body_of(own(given, model="t-1"), THINKS)["input"] == [sealed]
    assert body_of(own(given))["input"] == [bare, sealed]


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"sampling": Sampling(temperature=0.5)}, "temperature", 0.5),
        ({"max_completion_tokens": 7}, "max_output_tokens", 7),
        ({"think": "high"}, "reasoning", {"effort": "high"}),
        ({"tool_choice": None}, "tool_choice", None),
        ({"format": "json"}, "text", {"format": {"type": "json_object"}}),
        ({"format": None}, "text", None),
        ({"tools": (Tool("f"),)}, "tools", [{"type": "function", "name": "f"}]),
    ],
)
def test_a_field_that_the_gateway_changed_is_written_anew(
    change: dict[str, Any], field: str, value: Any
) -> None:
    read: dict[str, Any] = {
        "sampling": Sampling(temperature=1.0),
        "max_completion_tokens": 50,
        "think": "low",
        "tool_choice": "auto",
        "tools": (),
        "format": {"type": "object"},
    }
    sent = {
        "temperature": 1.0,
        "max_output_tokens": 50,
        "reasoning": {"effort": "low"},
        "tool_choice": "auto",
        "text": {"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}}},
        "x_new": 1,
    }
    request = own(sent, **read)

    body = body_of(replace(request, **change))

    assert body.get(field) == value
    assert body["x_new"] == 1
    assert body_of(request) == {**sent, "model": "m", "input": "Hi", "store": False}


CALL = ToolCall("c", "f", "{}", extra=Extra("openai_responses", {"id": 1}))
TURNS = (
    Message("system", (Text("Be brief."),)),
    HI,
    Message(
        "assistant",
        (
            Thinking("Hm.", "gAAA"),
            ToolCall("c", "f", "{}", extra=Extra("openai_responses", {"id": 1})),
        ),
    ),
    Message("tool", (ToolResult("c", (Text("1"),)),)),
)
ADDED: dict[str, Any] = {"type": "additional_tools", "tools": [{"type": "function", "name": "f"}]}


def forwarded(turns: tuple[Message, ...], **more: Any) -> dict[str, Any]:
    items = [
        ADDED,
        {"role": "user", "content": "Hi", "x_new": 1},
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA", "x_new": 2},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "x_new": 3},
        {"type": "function_call_output", "call_id": "c", "output": "1", "x_new": 4},
    ]
    given = {"model": "p/m", "input": items, "instructions": "Be brief."}
    read = {"messages": TURNS, "extra": None, "tools": ()}
    source = Source("openai_responses", given, read, owners=(None, 1, 2, 2, 3))
    return body_of(chat(*turns, source=source, **more))


def test_only_the_turn_that_changed_is_written_anew() -> None:
    changed = replace(TURNS[2], blocks=TURNS[2].blocks[1:])

    body = forwarded((TURNS[0], HI, changed, TURNS[3]))

    assert body["instructions"] == "Be brief."
    assert body["input"] == [
        ADDED,
        {"role": "user", "content": "Hi", "x_new": 1},
        {"type": "function_call", "id": 1, "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "1", "x_new": 4},
    ]


def test_instructions_that_changed_become_an_item() -> None:
    described = replace(TURNS[0], blocks=(*TURNS[0].blocks, Text(" In JSON.")))

    body = forwarded((described, *TURNS[1:]))

    assert "instructions" not in body
    assert body["input"][1] == {
        "type": "message",
        "role": "system",
        "content": [
            {"type": "input_text", "text": "Be brief."},
            {"type": "input_text", "text": " In JSON."},
        ],
    }
    assert len(body["input"]) == 6


def test_a_turn_that_is_added_or_taken_out_changes_no_other() -> None:
    added = forwarded((*TURNS, Message("assistant", (Text("So"),))))
    less = forwarded(TURNS[1:])

    assert added["input"][-1]["content"] == [
        {"type": "output_text", "annotations": [], "text": "So"}
    ]
    assert len(added["input"]) == 6
    assert "instructions" not in less
    assert len(less["input"]) == 5


def test_tools_that_changed_replace_those_in_the_input() -> None:
    body = forwarded(TURNS, tools=(Tool("g"),))

    assert ADDED not in body["input"]
    assert body["tools"] == [{"type": "function", "name": "g"}]


def test_a_text_as_input_is_written_as_an_item_if_a_turn_changed() -> None:
    request = own({"input": "Hi", "instructions": "Be brief."}, TURNS[0], HI)

    body = body_of(replace(request, messages=(*request.messages, Message("user", (Text("x"),)))))

    assert body["instructions"] == "Be brief."
    assert [item["content"] for item in body["input"]] == ["Hi", "x"]


def test_changed_unnamed_fields_are_written_from_the_canonical_form() -> None:
    extra = Extra(
        "openai_responses",
        {"user": "u", "include": ["x"]},
        {"text": {"verbosity": "low"}, "reasoning": {"summary": "auto"}},
    )
    request = replace(own({"user": "old"}, think="low"), extra=extra)

    assert body_of(request) == {
        "model": "m",
        "input": SENT_HI,
        "user": "u",
        "include": ["x", ENCRYPTED],
        "text": {"verbosity": "low"},
        "reasoning": {"summary": "auto", "effort": "low"},
        "store": False,
    }


def test_the_row_renames_and_drops_fields() -> None:
    row = replace(
        ROW, renames={"max_output_tokens": "limit"}, drops=("top_p",), developer_as_system=True
    )
    turns = (Message("developer", (Text("x"),)), HI)
    sampling = Sampling(temperature=0.5, top_p=0.5)

    body = body_of(chat(*turns, max_tokens=20, sampling=sampling), row)

    assert (body["limit"], body["temperature"]) == (20, 0.5)
    assert not body.keys() & {"max_output_tokens", "top_p"}
    assert [item["role"] for item in body["input"]] == ["system", "user"]


@pytest.mark.parametrize("model", ["o3", "gpt-5-mini", "vendor/gpt-5-pro", "gpt-5.6-sol"])
def test_a_temperature_does_not_go_to_a_model_that_refuses_it(model: str) -> None:
    sampling = Sampling(temperature=0.5, top_p=0.5)
    written = body_of(chat(model=model, sampling=sampling, top_logprobs=1))
    sent = own({"temperature": 0.5, "top_logprobs": 1}, model=model)

    assert not written.keys() & {"temperature", "top_p", "top_logprobs"}
    assert not body_of(sent).keys() & {"temperature", "top_logprobs"}


def test_a_temperature_goes_to_a_model_that_takes_it_without_an_effort() -> None:
    sampling = Sampling(temperature=0.5)

    assert body_of(chat(model="gpt-5.2", sampling=sampling))["temperature"] == 0.5
    assert "temperature" not in body_of(chat(model="gpt-5.2", sampling=sampling, think="low"))


def test_a_number_that_is_not_finite_is_the_caller_s_mistake() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        body_of(own({"x": [float("nan")]}))

    assert caught.value.param == "x.0"


def test_a_named_tool_is_a_function_or_a_custom_tool() -> None:
    tools = (Tool("f"), CustomTool("patch"))

    assert body_of(chat(tools=tools, tool_choice=NamedTool("patch")))["tool_choice"] == {
        "type": "custom",
        "name": "patch",
    }
    assert body_of(chat(tools=tools, tool_choice=NamedTool("f")))["tool_choice"] == {
        "type": "function",
        "name": "f",
    }


def test_the_list_of_models_is_that_of_the_row() -> None:
    row = Provider(name="q", dialect="openai_responses", base_url="http://q/v1")

    assert DIALECT.models_request(row, None).url == "http://q/v1/models"
