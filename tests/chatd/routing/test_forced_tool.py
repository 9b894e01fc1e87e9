"""A forced tool is a format for a dialect without a choice of tools, and its answer is a call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatd.canonical.collecting import collected
from chatd.canonical.content import Text, Thinking, ToolCall
from chatd.canonical.events import (
    Counted,
    Delta,
    End,
    Finish,
    Frame,
    ToolCallDelta,
    as_frames,
)
from chatd.canonical.request import ChatRequest, Message, NamedTool, Tool
from chatd.canonical.response import Choice, Response, Usage
from chatd.routing.forced_answers import FirstCall, ForcedCall
from chatd.routing.forced_tool import emulated
from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import Upstream, chunked, reply

OPENAI = "/v1/chat/completions"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("weather", "Get the weather.", CITY)
TIME = Tool("time", None, None)
QUESTION = Message("user", (Text("Hi"),))


def request(*tools: Tool, **fields: Any) -> ChatRequest:
    return ChatRequest("m", (QUESTION,), tools=tools, **fields)


@pytest.mark.parametrize(
    "given",
    [
        request(),
        request(tool_choice="required"),
        request(WEATHER),
        request(WEATHER, tool_choice="auto", parallel_tool_calls=True),
        request(WEATHER, tool_choice="none"),
        request(WEATHER, tool_choice=NamedTool("absent")),
        request(WEATHER, tool_choice="required", format="json"),
        request(WEATHER, tool_choice="required", n=2),
    ],
    ids=str,
)
def test_a_request_without_a_choice_that_can_be_emulated_is_the_same_one(
    given: ChatRequest,
) -> None:
    assert emulated(given) == (given, None)
    assert emulated(given)[0] is given


@pytest.mark.parametrize("choice", ["required", NamedTool("weather")])
def test_one_forced_function_is_the_format_of_its_parameters(choice: Any) -> None:
    tools = (WEATHER,) if choice == "required" else (TIME, WEATHER)

    found, answer = emulated(request(*tools, tool_choice=choice, parallel_tool_calls=False))

    assert isinstance(answer, ForcedCall)
    assert (found.format, found.tools) == (CITY, ())
    assert (found.tool_choice, found.parallel_tool_calls) == (None, None)
    assert found.messages[1] is QUESTION
    assert 'Call the function "weather"' in found.messages[0].text
    assert "Get the weather." in found.messages[0].text


def test_several_functions_are_a_choice_of_formats_with_shared_definitions() -> None:
    shared = {"$defs": {"x": {"type": "string"}}, "type": "object"}
    tools = (replace(WEATHER, parameters={**CITY, **shared}), Tool("other", None, shared), TIME)

    found, answer = emulated(request(*tools, tool_choice="required"))

    assert isinstance(answer, ForcedCall)
    assert isinstance(found.format, dict)
    assert found.format["$defs"] == shared["$defs"]
    first, _, last = found.format["anyOf"]
    assert first["properties"] == {"name": {"const": "weather"}, "arguments": CITY}
    assert last["properties"]["arguments"] == {"type": "object"}


def test_functions_with_different_definitions_of_one_name_are_not_emulated() -> None:
    one = Tool("one", None, {"$defs": {"x": {"type": "string"}}})
    two = Tool("two", None, {"$defs": {"x": {"type": "number"}}})

    assert emulated(request(one, two, tool_choice="required"))[1] is None


def response(text: str, *others: Thinking | ToolCall, reason: str = "stop") -> Response:
    return Response((Choice((*others, Text(text)), reason),), Usage(1, 2))


def pieces(*texts: str, reason: str = "stop") -> Iterator[Frame]:
    for text in texts:
        yield Frame((Delta(content=text),))
    yield Frame((Finish(0, reason), Counted(Usage(1, 2)), End()))


CASES = [
    (("weather",), '{"city": "Bern"}', "weather", '{"city": "Bern"}'),
    (("weather",), '\n {"city": "Bern"}\n', "weather", '{"city": "Bern"}'),
    (("a", "b"), '{"name": "b", "arguments": {"x": "é"}}', "b", '{"x": "é"}'),
    (("a", "b"), ' {"name": "b"}', "b", "{}"),
]
NO_CALLS = [
    (("weather",), "Hello"),
    (("weather",), ""),
    (("a", "b"), '{"name": "c", "arguments": {}}'),
    (("a", "b"), '{"name": "b", "arg'),
    (("a", "b"), "[" * 10_000),
    (("a", "b"), "Hello"),
]


@pytest.mark.parametrize(("names", "text", "name", "arguments"), CASES)
def test_the_text_of_an_answer_is_the_call(
    names: tuple[str, ...], text: str, name: str, arguments: str
) -> None:
    thinking = Thinking("Hm.")

    (choice,) = ForcedCall(names).whole(response(text, thinking)).choices
    (streamed,) = collected(ForcedCall(names).frames(pieces(*text))).choices

    assert choice.blocks[0] is thinking
    for found in (choice, streamed):
        (call,) = found.tool_calls
        assert (call.name, call.arguments.strip()) == (name, arguments)
        assert (found.finish_reason, found.content) == ("tool_calls", None)
        assert call.id.startswith("call_")


@pytest.mark.parametrize(("names", "text"), NO_CALLS)
def test_another_text_stays_a_text(names: tuple[str, ...], text: str) -> None:
    whole = ForcedCall(names).whole(response(text))
    streamed = collected(ForcedCall(names).frames(pieces(*text[:100], text[100:])))

    for found in (whole, streamed):
        assert (found.first.content, found.first.tool_calls) == (text, ())
        assert found.first.finish_reason == "stop"


def test_arguments_that_are_cut_off_keep_their_reason() -> None:
    answer = collected(ForcedCall(("weather",)).frames(pieces('{"ci', reason="length")))

    assert answer.first.finish_reason == "length"
    assert answer.first.tool_calls[0].arguments == '{"ci'


def test_the_arguments_of_one_function_are_given_as_they_arrive() -> None:
    frames = list(ForcedCall(("weather",)).frames(pieces("", ' {"city"', ': "Bern"}')))

    found = [
        [
            call.arguments
            for event in frame.events
            if isinstance(event, Delta)
            for call in event.tool_calls
        ]
        for frame in frames
    ]
    assert found == [[], ['{"city"'], [': "Bern"}'], []]


def test_a_long_text_for_several_functions_is_not_held() -> None:
    answer = collected(ForcedCall(("a", "b")).frames(pieces(*["x" * 65_536] * 20)))

    assert answer.first.content == "x" * 65_536 * 20


def test_a_response_that_came_whole_is_one_call_in_a_stream() -> None:
    forced = ForcedCall(("weather",))

    frames = list(forced.frames(as_frames(response('{"city": "Bern"}'))))

    (whole,) = collected(iter(frames)).first.tool_calls
    (streamed,) = collected(Frame(frame.events) for frame in frames).first.tool_calls
    assert (whole.id, whole.name, whole.arguments) == (
        *(streamed.id, streamed.name),
        streamed.arguments,
    )


def calls(*names: str) -> Sequence[ToolCall]:
    return [ToolCall(str(n), name, "{}") for n, name in enumerate(names)]


def test_only_the_first_call_is_kept_for_a_caller_without_parallel_calls() -> None:
    _, first = emulated(request(WEATHER, TIME, parallel_tool_calls=False))
    answer = response("Hm.", *calls("weather", "time"))
    delta = Delta(tool_calls=tuple(ToolCallDelta(n, str(n), "f") for n in range(2)))

    assert isinstance(first, FirstCall)
    assert [call.name for call in first.whole(answer).first.tool_calls] == ["weather"]
    streamed = collected(first.frames(iter([Frame((delta,)), *pieces("Hm.")])))
    assert [call.id for call in streamed.first.tool_calls] == ["0"]
    assert streamed.first.content == "Hm."


def test_an_answer_with_one_call_is_the_same_one() -> None:
    answer = response("Hm.", *calls("weather"))
    frames = list(pieces("Hm."))

    assert FirstCall().whole(answer) is answer
    assert all(
        new is old for new, old in zip(FirstCall().frames(iter(frames)), frames, strict=True)
    )


TOOL = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
PATCH = {"type": "custom", "custom": {"name": "patch"}}
pytestmark = pytest.mark.usefixtures("keys")


def test_a_forced_custom_tool_is_called_on_ollama(provider: Upstream) -> None:
    provider.script = reply(answers.ollama_chat(json.dumps({"input": "*** Begin"})))

    result = post(ask("ollama/m", tools=[TOOL, PATCH], tool_choice={**PATCH}), OPENAI)

    (choice,) = result.json["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert call["custom"] == {"name": "patch", "input": "*** Begin"}
    assert choice["finish_reason"] == "tool_calls"
    assert provider.last.json["format"]["required"] == ["input"]
    assert "tools" not in provider.last.json


def test_a_forced_tool_is_streamed_from_ollama(provider: Upstream) -> None:
    lines = answers.ollama_lines('{"city":', '"Bern"}')
    provider.script = chunked(lines, "application/x-ndjson")

    result = stream(ask("ollama/m", tools=[TOOL], tool_choice="required"), OPENAI)

    assert b'"arguments":"{\\"city\\":"' in result.body
    assert b'"finish_reason":"tool_calls"' in result.body


def test_a_provider_that_enforces_no_format_is_asked_again_once(provider: Upstream) -> None:
    body = ask("ollama_cloud/m", tools=[TOOL], tool_choice="required")
    provider.script = reply(answers.ollama_generate("It is sunny."))
    refused = post(body, OPENAI)
    provider.script = reply(answers.ollama_generate('{"city": "Bern"}'))
    answered = post(body, OPENAI)

    assert (refused.status, refused.json["error"]["code"]) == (502, "format_not_met")
    (call,) = answered.json["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "weather", "arguments": '{"city": "Bern"}'}
    assert len(provider.received) == 3


def test_a_fallback_of_another_dialect_gets_the_choice_itself(
    provider: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nfast = ["ollama/m", "openrouter/m"]')
    provider.script = reply({"error": "no such model"}, 404)

    post(ask("fast", tools=[TOOL], tool_choice="required"), OPENAI)

    first, second = provider.received
    assert (first.json.get("tools"), first.json["format"]) == (None, CITY)
    assert (second.json["tools"], second.json["tool_choice"]) == ([TOOL], "required")
