"""The fields of a request of OpenAI's Responses surface, and requests that are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.canonical.content import Opaque
from chatd.canonical.request import CustomTool, NamedTool, OpaqueTool, Tool
from chatd.errors import InvalidRequestError
from chatd.surfaces.openai_responses.surface import OpenAIResponses
from tests.chatd.surfaces.openai_responses.answers import items, read

PATCH = {"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark"}}
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
SPACE = {"type": "namespace", "name": "ns", "description": "Agents", "tools": [WEATHER, PATCH]}
HOSTED = {"type": "web_search", "external_web_access": False}


def test_each_field_has_its_meaning() -> None:
    request = read(
        max_output_tokens=50,
        temperature=0.5,
        top_p=0.9,
        top_logprobs=2,
        include=["message.output_text.logprobs"],
        parallel_tool_calls=False,
        reasoning={"effort": "high", "summary": "auto"},
        text={"verbosity": "low", "format": {"type": "text"}},
        store=True,
        prompt_cache_key="k",
        stream=True,
    )

    assert (request.max_completion_tokens, request.max_tokens) == (50, None)
    assert (request.sampling.temperature, request.sampling.top_p) == (0.5, 0.9)
    assert (request.logprobs, request.top_logprobs) == (True, 2)
    assert (request.parallel_tool_calls, request.think, request.stream) == (False, "high", True)
    assert request.extra is not None
    assert request.extra.dialect == "openai_responses"
    assert set(request.extra.fields) == {"include", "store", "prompt_cache_key"}
    assert request.extra.nested == {
        "text": {"verbosity": "low"},
        "reasoning": {"summary": "auto"},
    }


def test_null_fields_are_as_good_as_left_out() -> None:
    names = ("tools", "tool_choice", "text", "reasoning", "include", "stream", "background")

    request = read(**dict.fromkeys((*names, "previous_response_id", "max_output_tokens")))

    assert (request.tools, request.tool_choice, request.format) == ((), None, None)
    assert not request.stream


def test_a_schema_is_the_format() -> None:
    form = {
        "type": "json_schema",
        "name": "a",
        "schema": {"type": "object"},
        "strict": True,
        "x": 1,
    }
    request = read(text={"format": form})

    assert (request.format, request.schema_name, request.strict) == ({"type": "object"}, "a", True)
    assert request.format_extra is not None
    assert request.format_extra.fields == {"x": 1}
    assert read(text={"format": {"type": "json_object"}}).format == "json"


def test_tools_of_every_kind() -> None:
    weather, patch, inner, inner_patch, hosted = read(tools=[WEATHER, PATCH, SPACE, HOSTED]).tools

    assert isinstance(weather, Tool)
    assert (weather.name, weather.namespace, weather.strict) == ("weather", None, False)
    assert isinstance(patch, CustomTool)
    assert patch.format == {"type": "grammar", "syntax": "lark"}
    assert isinstance(inner, Tool)
    assert isinstance(inner_patch, CustomTool)
    assert (inner.namespace, inner_patch.namespace) == ("ns", "ns")
    assert inner.extra is not None
    assert inner.extra.nested == {"namespace": {"description": "Agents"}}
    assert isinstance(hosted, OpaqueTool)
    assert (hosted.kind, hosted.extra.fields) == ("web_search", {"external_web_access": False})


def test_tools_in_the_input_are_tools_of_the_request() -> None:
    more = {"type": "additional_tools", "role": "developer", "tools": [SPACE]}
    request = items(more, {"role": "user", "content": "Hi"})

    names = [tool.name for tool in request.tools if not isinstance(tool, OpaqueTool)]
    assert names == ["weather", "apply_patch"]
    assert [turn.role for turn in request.messages] == ["user"]


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ({"type": "function", "name": "weather"}, "weather"),
        ({"type": "custom", "name": "apply_patch"}, "apply_patch"),
    ],
)
def test_the_choice_of_one_tool(choice: Any, name: str) -> None:
    found = read(tools=[WEATHER, PATCH], tool_choice=choice).tool_choice

    assert isinstance(found, NamedTool)
    assert (found.name, found.extra) == (name, None)


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_allowed_tools_leave_only_those(mode: str) -> None:
    allowed = [{"type": "function", "name": "weather"}, {"type": "web_search"}]
    choice = {"type": "allowed_tools", "mode": mode, "tools": allowed}
    request = read(tools=[WEATHER, PATCH, HOSTED], tool_choice=choice)

    kept = [getattr(tool, "name", None) or getattr(tool, "kind", "") for tool in request.tools]
    assert (request.tool_choice, kept) == (mode, ["weather", "web_search"])


@pytest.mark.parametrize("choice", [{"type": "web_search"}, {"x": 1}, {"type": "allowed_tools"}])
def test_any_other_choice_is_kept_for_this_dialect(choice: Any) -> None:
    assert isinstance(read(tools=[HOSTED], tool_choice=choice).tool_choice, Opaque)


def test_anthropic_s_word_for_a_required_tool_is_understood() -> None:
    assert read(tools=[WEATHER], tool_choice="any").tool_choice == "required"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"background": True}, "background"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 7}, "input"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"temperature": "warm"}, "temperature"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema"),
        ({"tools": [{"type": "function"}]}, "tools.0.name"),
        ({"tools": [{"type": "namespace", "name": "n"}]}, "tools.0.tools"),
        ({"tools": [{"type": "namespace", "tools": [WEATHER]}]}, "tools.0.name"),
        ({"tools": [{**SPACE, "tools": [{"type": "custom"}]}]}, "tools.0.tools.0.name"),
        ({"tools": [{}]}, "tools.0.type"),
        ({"tools": [{**WEATHER, "name": "n" * 129}]}, "tools.0.name"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"include": "all"}, "include"),
        ({"include": ["x"] * 300}, "include"),
        ({"tools": [HOSTED] * 3000}, "tools"),
        ({"input": [{"role": "user", "content": "x"}] * 20_001}, "input"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read(**fields)

    assert refused.value.param == param


@pytest.mark.parametrize("name", ["previous_response_id", "conversation"])
def test_a_reference_to_a_conversation_is_refused_with_the_remedy(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="store: false"):
        read(**{name: "x"})


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'"x"', b"{", b'{"model": "m"}', b"\xff"])
def test_a_body_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        OpenAIResponses().read({}, body)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_not_finite_is_refused(number: str) -> None:
    body = f'{{"model": "m", "input": "Hi", "metadata": {{"x": {number}}}}}'
    with pytest.raises(InvalidRequestError) as refused:
        OpenAIResponses().read({}, body.encode())

    assert refused.value.param == "metadata.x"


def test_no_value_of_the_caller_is_quoted() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        items({"role": "user", "content": [{"type": "input_text", "text": {"secret": 1}}]})

    assert "secret" not in refused.value.message
    assert refused.value.param == "input.0.content.0.text"


def test_unknown_fields_are_accepted_at_every_level() -> None:
    deep = {"x_new": {"a": [1, {"b": None}]}}
    item = {"role": "user", **deep, "content": [{"type": "input_text", "text": "Hi", **deep}]}
    body = {"input": [item], "tools": [{**SPACE, **deep}], "text": deep, "reasoning": deep, **deep}

    request = read(**body)

    assert request.source is not None
    assert json.loads(json.dumps(request.source.body)) == {"model": "m", **body}
