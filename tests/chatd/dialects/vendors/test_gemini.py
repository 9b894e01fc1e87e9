"""Gemini's calls are signed, and its answers corrected; the golden files show whole chats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.canonical.collecting import collected
from chatd.canonical.content import Text, ToolCall
from chatd.canonical.request import ChatRequest, Message
from chatd.canonical.response import Response
from chatd.config.catalog import CATALOG
from chatd.dialects.vendors.gemini import SENTINEL, Gemini
from chatd.errors import ChatdError, RateLimitedError
from chatd.upstream_http import HttpResponse

ROW = CATALOG["gemini"]


def call(name: str | None = "f", arguments: str = "{}", **fields: Any) -> dict[str, Any]:
    return {**fields, "function": {"name": name, "arguments": arguments}}


def streamed(*deltas: list[dict[str, Any]], reason: str = "stop") -> list[Any]:
    """Read a stream with the calls of each delta; return the JSON of each event."""
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": None}]}
        for calls in deltas
    ]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode()
    frames = list(Gemini().events(HttpResponse(200, {}, b""), iter((body,))))
    return [frame.source.body for frame in frames if frame.source is not None]


def sent(model: str, **extra: Any) -> list[Any]:
    calls = tuple(ToolCall(f"c{number}", "f", "{}") for number in range(2))
    turns = (Message("user", (Text("Hi"),)), Message("assistant", calls))
    request = ChatRequest(model, turns, **extra)
    body = json.loads(Gemini().build(request, ROW, None).body or b"")
    found: list[Any] = body["messages"][1]["tool_calls"]
    return found


def parsed(**body: Any) -> Response:
    choice = {"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    return Gemini().parse(HttpResponse(200, {}, json.dumps({"choices": [choice], **body}).encode()))


@pytest.mark.parametrize(
    "deltas",
    [
        ([call(id="a")], [call(id="b")]),
        ([call(id="a", index=0)], [call(id="b", index=0)]),
        ([call(id="a"), call(id="b")],),
    ],
    ids=["without numbers", "with the same number", "in one event"],
)
def test_calls_of_a_stream_are_numbered_by_their_ids(deltas: tuple[Any, ...]) -> None:
    calls = [
        one
        for event in streamed(*deltas)
        for one in event["choices"][0]["delta"].get("tool_calls", ())
    ]

    assert [(one["id"], one["index"]) for one in calls] == [("a", 0), ("b", 1)]


def test_a_call_without_an_id_gets_one_that_its_pieces_share() -> None:
    first, piece, second, _ = (
        event["choices"][0]["delta"].get("tool_calls", [{}])[0]
        for event in streamed([call(arguments="{")], [call(None, "}", id="")], [call(name="g")])
    )

    assert first["id"] == piece["id"] != second["id"]
    assert [one["index"] for one in (first, piece, second)] == [0, 0, 1]


class CountedId(str):
    """An id that counts comparisons with other ids."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedId.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_the_number_of_a_call_is_found_without_comparing_all_calls() -> None:
    CountedId.compared = 0
    calls = [call(id=CountedId(number)) for number in range(500)]
    body = {"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": None}]}

    Gemini()._answer_correction()(body)

    assert [one["index"] for one in calls] == list(range(500))
    assert CountedId.compared < 1000


@pytest.mark.parametrize(("reason", "given"), [("stop", "tool_calls"), ("length", "length")])
def test_stop_after_calls_is_tool_calls(reason: str, given: str) -> None:
    assert streamed([call(id="a")], reason=reason)[-1]["choices"][0]["finish_reason"] == given
    assert parsed().choices[0].finish_reason == "stop"


@pytest.mark.parametrize("model", ["gemini-3-pro", "models/gemini-3.8-flash", "gemini-pro-latest"])
def test_the_first_call_of_a_turn_without_a_signature_gets_the_sentinel(model: str) -> None:
    first, second = sent(model)

    assert first["extra_content"] == {"google": {"thought_signature": SENTINEL}}
    assert "extra_content" not in second


@pytest.mark.parametrize("model", ["gemini-2.5-pro", "models/gemini-2.5-flash", "gemma-4-31b-it"])
def test_models_without_signatures_get_none(model: str) -> None:
    assert all("extra_content" not in one for one in sent(model))


def test_thinking_that_only_the_total_has_is_output() -> None:
    counts = {"prompt_tokens": 20, "completion_tokens": 198, "total_tokens": 623}

    usage = parsed(usage=counts).usage

    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (20, 603, 405)
    assert parsed(usage={**counts, "total_tokens": 218}).usage.output_tokens == 198


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ([{"@type": "google.rpc.RetryInfo", "retryDelay": "34.4s"}], 34.4),
        ([{"retryDelay": "1e9s"}, {"retryDelay": "7s"}], 7.0),
        ([{"retryDelay": 3}, None], None),
        ({"retryDelay": "3s"}, None),
    ],
)
def test_the_wait_is_read_from_the_details_of_an_error(details: Any, seconds: float | None) -> None:
    body = [{"error": {"code": 429, "message": "Quota.", "details": details}}]

    error = refusal(429, body)

    assert isinstance(error, RateLimitedError)
    assert (error.retry_after, "Quota." in error.message) == (seconds, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"[1]", b"7", b'{"error": 1}'])
def test_an_error_without_details_has_no_wait(body: bytes) -> None:
    assert refusal(503, body).retry_after is None


def refusal(status: int, body: object) -> ChatdError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(ChatdError) as caught:
        Gemini().parse(HttpResponse(status, {}, content))
    return caught.value


@pytest.mark.parametrize(
    "choices", [None, 7, [7], [{"delta": 7}], [{"message": {"tool_calls": [7]}}]]
)
def test_an_answer_of_another_shape_is_a_failure_of_the_provider(choices: Any) -> None:
    with pytest.raises(ChatdError):
        Gemini().parse(HttpResponse(200, {}, json.dumps({"choices": choices}).encode()))


def test_a_stream_that_is_collected_has_its_calls() -> None:
    body = b'data: {"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f"}}]}}]}\n\n'
    end = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    frames = Gemini().events(HttpResponse(200, {}, b""), iter((body, end)))

    (choice,) = collected(frames).choices

    assert (choice.tool_calls[0].id, choice.finish_reason) == ("a", "tool_calls")


def test_models_are_listed_without_their_folder() -> None:
    body = json.dumps({"data": [{"id": "models/gemini-3-pro"}, {"id": "gemma"}]}).encode()

    assert Gemini().models(HttpResponse(200, {}, body)) == ["gemini-3-pro", "gemma"]
