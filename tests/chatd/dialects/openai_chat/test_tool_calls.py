"""Tool calls are distinguished for every way of numbering, naming and repeating pieces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import Upstream, chunked, reply

OPENAI = "/v1/chat/completions"
pytestmark = pytest.mark.usefixtures("provider", "keys")


def openai_events(*choices: dict[str, Any]) -> list[bytes]:
    """Return a stream with one chunk for each choice, and `[DONE]`."""
    return [*(answers.sse({"choices": [choice]}) for choice in choices), b"data: [DONE]\n\n"]


def call(name: str | None = None, arguments: Any = "", **more: Any) -> dict[str, Any]:
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    return {"type": "function", "function": function, **more}


TWO_CALLS: dict[str, Sequence[dict[str, Any]]] = {
    "numbered": [
        call("add", "", index=0, id="a"),
        call(None, '{"x":', index=0),
        call(None, "1}", index=0),
        call("sub", '{"x":2}', index=1, id="b"),
    ],
    "numbered from five": [
        call("add", '{"x":1}', index=5, id="a"),
        call("sub", '{"x":2}', index=7, id="b"),
    ],
    "by new id": [
        call("add", '{"x":', id="a"),
        call(None, "1}"),
        call("sub", '{"x":2}', id="b"),
    ],
    "all of index 0": [
        call("add", '{"x":1}', index=0, id="a"),
        call("sub", '{"x":2}', index=0, id="b"),
    ],
    "neither index nor id": [call("add", '{"x":1}'), call("sub", '{"x":2}')],
    "the name in every piece": [
        call("add", '{"x":', index=0, id="a"),
        call("add", "1}", index=0, id="a"),
        call("sub", '{"x":2}', index=1, id="b"),
    ],
    "the name in every piece, no index": [
        call("add", '{"x":'),
        call("add", "1}"),
        call("sub", '{"x":2}'),
    ],
    "another id in every piece": [
        call("add", '{"x":', index=0, id="a"),
        call(None, "1}", index=0, id="c"),
        call("sub", '{"x":2}', index=1, id="b"),
    ],
    "an object": [
        call("add", {"x": 1}, index=0, id="a"),
        call("sub", {"x": 2}, index=1, id="b"),
    ],
    "null index": [
        call("add", '{"x":1}', index=None, id="a"),
        call("sub", '{"x":2}', index=None, id="b"),
    ],
}


@pytest.mark.parametrize("shape", TWO_CALLS)
@pytest.mark.parametrize("together", [False, True])
def test_streamed_tool_calls_are_distinguished(
    shape: str, together: bool, provider: Upstream
) -> None:
    calls = TWO_CALLS[shape]
    groups = [list(calls)] if together else [[piece] for piece in calls]
    provider.script = chunked(
        openai_events(
            *[{"index": 0, "delta": {"tool_calls": group}} for group in groups],
            {"index": 0, "delta": {}, "finish_reason": "tool_calls"},
        )
    )

    events = stream(ask("openrouter/v/m"), OPENAI).json

    # OpenAI's SDKs join the texts of one index, names and ids included.
    joined: dict[int, list[str]] = {}
    for event in events:
        for piece in event["choices"][0]["delta"].get("tool_calls", ()):
            into = joined.setdefault(piece["index"], ["", "", ""])
            function = piece["function"]
            into[0] += piece.get("id", "")
            into[1] += function.get("name", "")
            into[2] += function["arguments"]
    names = [(name, json.loads(arguments)) for _, name, arguments in joined.values()]
    assert names == [("add", {"x": 1}), ("sub", {"x": 2})]
    assert list(joined) == [0, 1]
    ids = [id_ for id_, _, _ in joined.values()]
    assert all(ids)
    assert ids[0] != ids[1]
    assert ids == ["a", "b"] or not all("id" in piece for piece in (calls[0], calls[-1]))


@pytest.mark.parametrize("arguments", [{"x": 1}, '{"x": 1}', None])
def test_arguments_of_a_whole_call_are_an_object_or_a_text(
    arguments: Any, provider: Upstream
) -> None:
    message = {"content": None, "tool_calls": [call("add", arguments)]}
    provider.script = reply({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
    openai = post(ask("openrouter/v/m"), OPENAI)
    provider.script = reply(answers.ollama_chat(message=message))
    ollama = post(ask("llama3.2"), OPENAI)

    for result in (openai, ollama):
        (found,) = result.json["choices"][0]["message"]["tool_calls"]
        assert json.loads(found["function"]["arguments"]) == ({"x": 1} if arguments else {})
        assert found["id"]


def test_done_finishes_a_choice_with_a_tool_call_as_tool_calls(provider: Upstream) -> None:
    provider.script = chunked(
        openai_events({"index": 0, "delta": {"tool_calls": [call("add", "{}", index=0, id="a")]}})
    )

    result = post(ask("openrouter/v/m"), OPENAI)

    assert result.json["choices"][0]["finish_reason"] == "tool_calls"
