"""What a row's fields change in the body of a request, forwarded or translated."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.content import Text, Thinking, ToolCall
from chatd.canonical.request import ChatRequest, Message, NamedTool, Sampling, Source, Tool
from chatd.config.provider import Provider
from chatd.dialects.openai_chat.dialect import OpenAIChat
from chatd.surfaces.openai_chat.surface import OpenAI

PLAIN = Provider("mine", "openai_chat", "http://h/v1", known_to_think="thinker")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = Tool("weather", parameters=SCHEMA)
WIRE_TOOL = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
ASK = {"role": "user", "content": "Hi"}


def row(**fields: Any) -> Provider:
    return replace(PLAIN, **fields)


def forwarded(row: Provider, *turns: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Build the body of a caller's own JSON."""
    return built(own(*turns, **fields), row)


def own(*turns: dict[str, Any], **fields: Any) -> ChatRequest:
    body = {"model": "m", "messages": turns or (ASK,), **fields}
    request = OpenAI().read({}, json.dumps(body).encode())
    return request.to(request.model, stream=request.stream)


def translated(row: Provider, **fields: Any) -> dict[str, Any]:
    """Build the body of a request of another surface."""
    return built(foreign(**fields), row)


def foreign(**fields: Any) -> ChatRequest:
    given = {"model": "m", "messages": (Message("user", (Text("Hi"),)),), **fields}
    return ChatRequest(**given, source=Source("anthropic_messages", {}, {}))


def built(request: ChatRequest, row: Provider) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(OpenAIChat().build(request, row, None).body or b"")
    return found


def named(request: ChatRequest, row: Provider) -> tuple[str, ...]:
    return OpenAIChat().omitted(request, row)


def test_a_model_s_own_drops_are_left_out_and_named() -> None:
    picky = row(model_drops=(("thinker", ("top_p",)), (".*", ("stop",))))

    assert "top_p" not in forwarded(picky, model="thinker-1", top_p=0.5)
    assert forwarded(picky, top_p=0.5)["top_p"] == 0.5
    assert named(own(model="Thinker-1", top_p=0.5, stop="a"), picky) == ("top_p",)
    assert named(foreign(sampling=Sampling(stop=("a",))), picky) == ("stop",)


def test_only_the_fields_that_the_row_takes_are_sent_and_others_are_named() -> None:
    strict = row(
        takes_only=("model", "messages", "max_tokens", "random_seed"),
        renames={"seed": "random_seed"},
        max_tokens_name="max_tokens",
    )
    fields = {"seed": 7, "max_completion_tokens": 9, "store": True, "verbosity": "low", "n": None}

    body = forwarded(strict, **fields)

    assert body == {"model": "m", "messages": [ASK], "random_seed": 7, "max_tokens": 9}
    assert named(own(**fields), strict) == ("store", "verbosity")
    assert named(foreign(sampling=Sampling(seed=7, top_p=0.1)), strict) == ("top_p",)


def test_a_stream_stays_a_stream_where_only_some_fields_are_taken() -> None:
    body = forwarded(row(takes_only=("model",)), stream=True)

    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_stream_options_are_left_out_unnamed_where_they_are_refused() -> None:
    refusing = row(refuses=("stream_options",))

    assert "stream_options" not in forwarded(refusing, stream=True)
    assert named(own(stream=True, stream_options={"include_usage": True}), refusing) == ()


@pytest.mark.parametrize(("given", "sent", "names"), [(1.5, 1.0, ("temperature",)), (1, 1, ())])
def test_a_temperature_above_the_highest_is_lowered_and_named(
    given: float, sent: float, names: tuple[str, ...]
) -> None:
    cool = row(max_temperature=1.0)

    assert forwarded(cool, temperature=given)["temperature"] == sent
    assert translated(cool, sampling=Sampling(temperature=given))["temperature"] == sent
    assert named(own(temperature=given), cool) == names


@pytest.mark.parametrize(
    ("fields", "effort", "sent"),
    [
        (("thinking",), "high", {"thinking": {"type": "enabled"}}),
        (("thinking",), "none", {"thinking": {"type": "disabled"}}),
        (("enable_thinking",), "low", {"enable_thinking": True}),
        (("enable_thinking",), "none", {"enable_thinking": False}),
        (
            ("thinking", "reasoning_effort"),
            "high",
            {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
        ),
        (("thinking", "reasoning_effort"), "none", {"thinking": {"type": "disabled"}}),
    ],
)
def test_thinking_is_written_in_the_fields_of_the_row(
    fields: Any, effort: str, sent: dict[str, Any]
) -> None:
    switched = row(thinking_fields=fields)
    want = False if effort == "none" else effort

    for body in (
        forwarded(switched, model="thinker", reasoning_effort=effort),
        translated(switched, model="thinker", think=want),
    ):
        rest = {name: value for name, value in body.items() if name not in ("model", "messages")}
        assert rest == sent


def test_the_caller_s_own_switch_of_thinking_stays() -> None:
    own_switch = {"type": "disabled", "more": 1}

    body = forwarded(
        row(thinking_fields=("thinking",)), reasoning_effort="high", thinking=own_switch
    )

    assert body["thinking"] == own_switch


def test_an_effort_that_only_switches_thinking_on_is_named() -> None:
    switched = row(thinking_fields=("thinking",))

    assert named(own(reasoning_effort="high"), switched) == ("reasoning_effort",)
    assert named(own(reasoning_effort="none"), switched) == ()
    assert named(foreign(think="high"), switched) == ("output_config.effort",)


@pytest.mark.parametrize(
    ("efforts", "given", "sent"),
    [
        (("none", "high"), "low", "high"),
        (("none", "high"), "none", "none"),
        (("high", "max"), "xhigh", "max"),
        (("low", "high"), "ultra", "high"),
    ],
)
def test_an_effort_becomes_the_next_higher_one_that_the_row_takes(
    efforts: tuple[str, ...], given: str, sent: str
) -> None:
    assert forwarded(row(efforts=efforts), reasoning_effort=given)["reasoning_effort"] == sent


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "x"}}])
def test_a_forced_tool_switches_thinking_off_where_both_are_refused(choice: Any) -> None:
    refusing = row(
        thinking_fields=("thinking", "reasoning_effort"), refuses=("tool_choice_while_thinking",)
    )
    fields = {"tools": [WIRE_TOOL], "tool_choice": choice, "reasoning_effort": "high"}

    body = forwarded(refusing, model="thinker", **fields)

    assert (body["thinking"], body["tool_choice"]) == ({"type": "disabled"}, choice)
    assert "reasoning_effort" not in body
    assert "thinking" not in forwarded(refusing, model="thinker", tools=[WIRE_TOOL])
    assert forwarded(refusing, model="other", **fields)["reasoning_effort"] == "high"


def test_tools_are_refused_by_name_and_left_out_with_drop_params() -> None:
    without = row(refuses=("tools",))
    fields = {"tools": [WIRE_TOOL], "parallel_tool_calls": True}

    assert OpenAIChat().refused(own(**fields), without) == ("tools",)
    assert OpenAIChat().refused(own(**fields, tool_choice="none"), without) == ()
    assert OpenAIChat().refused(own(**fields), PLAIN) == ()
    assert forwarded(without, **fields, tool_choice="auto").keys() == {"model", "messages"}


def test_the_choice_of_a_tool_has_the_row_s_name() -> None:
    renamed = row(tool_choices={"required": "any"})
    one = {"type": "function", "function": {"name": "weather"}}

    assert forwarded(renamed, tools=[WIRE_TOOL], tool_choice="required")["tool_choice"] == "any"
    assert translated(renamed, tools=(TOOL,), tool_choice="required")["tool_choice"] == "any"
    assert translated(renamed, tools=(TOOL,), tool_choice="auto")["tool_choice"] == "auto"
    assert (
        translated(renamed, tools=(TOOL,), tool_choice=NamedTool("weather"))["tool_choice"] == one
    )


def test_any_object_is_a_schema_where_a_json_object_is_refused() -> None:
    form = forwarded(row(refuses=("json_object",)), response_format={"type": "json_object"})

    assert form["response_format"]["json_schema"] == {
        "name": "answer",
        "schema": {"type": "object"},
    }


def test_thinking_that_cannot_be_switched_off_is_left_out_and_named() -> None:
    thinking = row(efforts=("low", "high"))

    assert "reasoning_effort" not in forwarded(thinking, reasoning_effort="none")
    assert named(own(reasoning_effort="none"), thinking) == ("reasoning_effort",)
    assert named(foreign(think=False, think_required=True), thinking) == ("output_config.effort",)
    assert named(own(reasoning_effort="low"), thinking) == ()


def test_a_refused_effort_of_another_surface_is_named() -> None:
    refusing = row(model_drops=((".*", ("reasoning_effort",)),))

    assert "reasoning_effort" not in translated(refusing, think="high")
    assert named(foreign(think="high"), refusing) == ("output_config.effort",)


def test_refused_keywords_of_tools_are_left_out_at_every_level_and_named() -> None:
    strict = row(tool_schema_drops=("$schema", "additionalProperties", "strict", "title"))
    inner = {"type": "object", "additionalProperties": False, "enum": [{"strict": 1}]}
    by_name = {"type": "object", "additionalProperties": {"type": "string", "title": "T"}}
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"strict": inner, "many": {"items": [by_name]}},
    }
    function = {"name": "f", "strict": True, "parameters": schema}
    tool = {"type": "function", "function": function}

    body = forwarded(strict, tools=[tool])

    assert body["tools"][0]["function"] == {
        "name": "f",
        "parameters": {
            "properties": {
                "strict": {"type": "object", "enum": [{"strict": 1}]},
                "many": {"items": [{"type": "object", "additionalProperties": {"type": "string"}}]},
            }
        },
    }
    names = ("tools.$schema", "tools.additionalProperties", "tools.strict", "tools.title")
    assert named(own(tools=[tool]), strict) == names
    assert named(own(tools=[WIRE_TOOL]), strict) == ()


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"schema_models": "other"}, {"type": "json_object"}),
        ({"schema_models": "M"}, "unchanged"),
        ({"refuses": ("format_beside_tools",)}, None),
    ],
)
def test_a_format_is_weakened_or_left_out_where_it_is_not_enforced(
    fields: dict[str, Any], sent: Any
) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}

    body = forwarded(row(**fields), response_format=form, tools=[WIRE_TOOL])

    assert body.get("response_format") == (form if sent == "unchanged" else sent)
    without_tools = forwarded(row(**fields), response_format=form)["response_format"]
    assert without_tools == (form if sent is None or sent == "unchanged" else sent)


def test_thinking_of_another_surface_goes_back_in_the_row_s_field() -> None:
    turn = Message("assistant", (Thinking("Hm."), ToolCall("call_1", "f", "{}")))

    body = translated(row(returns_reasoning="reasoning"), messages=(turn,))

    assert body["messages"][0]["reasoning"] == "Hm."
