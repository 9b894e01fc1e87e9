"""Conversations through the chat function: any provider gets them as if they were sent whole."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatd.aws_lambda.streaming import CallerGoneError, Collected
from tests.support import answers
from tests.support.stored_responses import TABLE, Reply, respond, stored
from tests.support.upstream import Received, Upstream, chunked, reply

pytestmark = pytest.mark.usefixtures("provider", "keys", "store", "plain")
# A model of each dialect, and of providers that get the request in its own dialect.
MODELS = ["m", "plain/m", "anthropic/claude-sonnet-4-5", "openrouter/v/m", "openai/gpt-5"]
both_stores = pytest.mark.parametrize("store", ["sqlite", "dynamodb"], indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Give the chat function a store: the file, unless the test names the table."""
    kind = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        monkeypatch.setenv("CHATD_RESPONSES_FILE", str(tmp_path / "responses"))
    else:
        request.getfixturevalue("table")
        monkeypatch.setenv("CHATD_RESPONSES_TABLE", TABLE)
    return str(kind)


class HangsUp(Collected):
    """A caller that hangs up at the piece with these bytes."""

    def __init__(self, words: bytes) -> None:
        super().__init__()
        self.words = words

    def write(self, data: bytes) -> None:
        if self.words in data:
            raise CallerGoneError
        super().write(data)


@pytest.fixture
def plain(provider: Upstream, config: Path) -> None:
    """Add a provider of OpenAI's chat dialect alone, and a tier that falls back to it."""
    config.write_text(
        f'tiers.fast = ["m", "plain/m"]\n[providers.plain]\ndialect = "openai_chat"\n'
        f'base_url = "{provider.url}"\n'
    )


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def items(sent: Any) -> list[Any]:
    """Return the items of an input; a text is a message."""
    return [{"type": "message", **user(sent)}] if isinstance(sent, str) else sent


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
INPUTS = TEXTS | st.lists(st.builds(user, TEXTS), min_size=1, max_size=3)
TURNS = st.lists(st.tuples(INPUTS, st.booleans()), min_size=1, max_size=3)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=TURNS, last=INPUTS, streamed=st.booleans())
@pytest.mark.parametrize("model", MODELS)
def test_the_provider_gets_a_stored_conversation_as_one_that_is_sent_whole(
    provider: Upstream, model: str, turns: list[tuple[Any, bool]], last: Any, streamed: bool
) -> None:
    whole: list[Any] = []
    previous: str | None = None
    for given_input, stream in turns:
        body = respond(
            model=model, input=given_input, previous_response_id=previous, stream=stream
        ).json
        previous = body["id"]
        whole += [*items(given_input), *body["output"]]

    respond(model=model, input=last, previous_response_id=previous, stream=streamed)
    by_id = provider.last.json
    respond(model=model, input=[*whole, *items(last)], store=False, stream=streamed)
    assert provider.last.json == by_id


@both_stores
def test_a_conversation_goes_on_with_another_provider(provider: Upstream) -> None:
    first = respond(model="m", input="one").json
    second = respond(model="plain/m", input="two", previous_response_id=first["id"]).json
    respond(model="openai/gpt-4.1", input="three", previous_response_id=second["id"], stream=True)

    turns = provider.last.json["input"]
    texts = [
        item["content"] if isinstance(item["content"], str) else item["content"][0]["text"]
        for item in turns
    ]
    assert texts == ["one", "Hello!", "two", "Hello!", "three"]
    assert "previous_response_id" not in provider.last.json
    assert provider.last.json["store"] is False


def test_encrypted_reasoning_returns_to_its_maker_alone(provider: Upstream) -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "SECRET"}
    answer = answers.responses()

    def script(connection: socket.socket, received: Received) -> None:
        whole = {**answer, "output": [reasoning, *answer["output"]]}
        is_own = received.path.endswith("/responses")
        reply(whole if is_own else answers.for_path(received.path))(connection, received)

    provider.script = script
    first = respond(model="openai/gpt-5", include=["reasoning.encrypted_content"]).json
    respond(model="openai/gpt-5", previous_response_id=first["id"])
    sent = [item for item in provider.last.json["input"] if item.get("type") == "reasoning"]
    assert [item["encrypted_content"] for item in sent] == ["SECRET"]

    for model in ("openai/gpt-5-mini", "openrouter/v/m"):
        respond(model=model, previous_response_id=first["id"])
        assert "SECRET" not in json.dumps(provider.last.json)


def test_a_tool_call_is_answered_by_its_result_alone(provider: Upstream) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
    }

    def script(connection: socket.socket, received: Received) -> None:
        answer = answers.openai_chat()
        if len(received.json["messages"]) == 1:
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            answer["choices"][0] = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        reply(answer)(connection, received)

    provider.script = script
    tools = [{"type": "function", "name": "weather", "parameters": {"type": "object"}}]
    first = respond(model="plain/m", tools=tools).json
    result = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
    second = respond(model="plain/m", tools=tools, input=[result], previous_response_id=first["id"])

    assert second.status == 200
    assert [turn["role"] for turn in provider.last.json["messages"]] == [
        *("user", "assistant", "tool"),
    ]
    assert provider.last.json["messages"][1]["tool_calls"] == [call]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_a_response_is_returned_as_it_was_and_then_deleted(model: str, stream: bool) -> None:
    body = respond(model=model, stream=stream).json

    assert body["store"] is True
    assert stored(body["id"]).json == body
    assert stored(body["id"], caller="other").status == 404
    assert stored(body["id"], method="DELETE").json["deleted"] is True
    assert stored(body["id"]).status == 404


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_with_store_false_is_not_found(stream: bool) -> None:
    body = respond(model="m", store=False, stream=stream).json

    assert body["store"] is False
    assert stored(body["id"]).status == 404


def test_each_output_item_is_found_by_a_reference(provider: Upstream) -> None:
    outputs = [respond(model="openai/gpt-4.1", input=text).json["output"] for text in ("a", "b")]
    references = [{"type": "item_reference", "id": output[0]["id"]} for output in outputs]
    assert references[0] != references[1]  # the upstream gives each the id msg_1
    respond(model="m", input=[user("a"), references[0], user("b"), references[1], user("c")])

    contents = [turn["content"] for turn in provider.last.json["messages"]]
    assert contents == ["a", "Hello!", "b", "Hello!", "c"]


@both_stores
def test_another_caller_s_response_cannot_be_continued_and_no_provider_is_called(
    provider: Upstream,
) -> None:
    body = respond(model="m").json
    calls = len(provider.received)
    answer = respond(model="m", caller="other", previous_response_id=body["id"])

    error = answer.json["error"]
    assert (answer.status, error["code"]) == (400, "previous_response_not_found")
    assert error["param"] == "previous_response_id"
    assert len(provider.received) == calls


def test_a_response_whose_caller_hangs_up_at_the_last_event_is_stored() -> None:
    sink = HangsUp(b"event: response.completed")
    respond(sink, model="m", stream=True)
    created = bytes(sink.body).partition(b"data: ")[2].partition(b"\n")[0]

    assert stored(json.loads(created)["response"]["id"]).json["status"] == "completed"


def test_a_stream_that_another_model_takes_over_is_stored_as_its_caller_got_it(
    provider: Upstream,
) -> None:
    def script(connection: socket.socket, received: Received) -> None:
        if received.path.endswith("/api/chat"):
            chunked(answers.ollama_lines("Hel", "lo")[:-1])(connection, received)
        else:
            chunked(answers.stream_for_path(received.path, "Hel", "lo", " there"))(
                connection, received
            )

    provider.script = script
    body = respond(model="fast", stream=True).json

    assert body["output"][0]["content"][0]["text"] == "Hello there"
    assert stored(body["id"]).json == body
    respond(model="plain/m", previous_response_id=body["id"])
    assert provider.last.json["messages"][1]["content"] == "Hello there"


def test_two_requests_may_continue_one_response(provider: Upstream) -> None:
    first = respond(model="m", input="one").json
    left = respond(model="m", input="left", previous_response_id=first["id"]).json
    right = respond(model="m", input="right", previous_response_id=first["id"]).json
    for branch, text in ((left, "left"), (right, "right")):
        respond(model="m", input="end", previous_response_id=branch["id"])
        contents = [turn["content"] for turn in provider.last.json["messages"]]
        assert contents == ["one", "Hello!", text, "Hello!", "end"]


def test_a_broken_stream_is_not_stored(provider: Upstream) -> None:
    provider.script = chunked(answers.ollama_lines("Hel", "lo")[:-1])
    failed = respond(model="m", stream=True).json

    assert (failed["status"], failed["store"]) == ("failed", False)
    assert stored(failed["id"]).status == 404


def break_store(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Make every call to the store fail."""
    if store == "sqlite":
        (tmp_path / "responses").write_bytes(b"no database" * 100)
    else:
        request.getfixturevalue("table").delete_table(TableName=TABLE)


@both_stores
def test_a_store_that_fails_costs_no_answer(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    break_store(store, tmp_path, request)
    whole, streamed = respond(model="m"), respond(model="m", stream=True)

    assert (whole.status, whole.json["status"], whole.json["store"]) == (200, "completed", False)
    assert "not stored" in whole.headers["x-chatd-warning"]
    assert (streamed.json["status"], streamed.json["store"]) == ("completed", False)


@both_stores
def test_a_store_that_fails_is_a_503_for_a_reference_and_no_provider_is_called(
    store: str, tmp_path: Path, request: pytest.FixtureRequest, provider: Upstream
) -> None:
    break_store(store, tmp_path, request)
    answers_of: list[Reply] = [
        respond(model="m", previous_response_id="resp_1"),
        respond(model="m", input=[{"type": "item_reference", "id": "msg_1"}]),
    ]

    for answer in answers_of:
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.json["error"]["code"] == "stored_responses_unavailable"
    assert provider.received == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("background", True),
        ("conversation", "conv_1"),
        ("conversation", {"id": "conv_1"}),
        ("prompt", {"id": "pmpt_1"}),
    ],
)
def test_what_is_not_stored_here_is_a_400_that_names_it(field: str, value: Any) -> None:
    answer = respond(model="m", **{field: value})

    assert (answer.status, answer.json["error"]["param"]) == (400, field)


@pytest.mark.parametrize(
    "reference",
    [
        {"previous_response_id": "resp_1"},
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
    ],
)
def test_without_a_store_a_reference_is_a_400_that_names_store(
    monkeypatch: pytest.MonkeyPatch, reference: dict[str, Any]
) -> None:
    for name in ("CHATD_RESPONSES_FILE", "CHATD_RESPONSES_TABLE"):
        monkeypatch.delenv(name, raising=False)
    assert not {"CHATD_RESPONSES_FILE", "CHATD_RESPONSES_TABLE"} & os.environ.keys()
    answer = respond(model="m", **reference)

    assert answer.status == 400
    assert "store: false" in answer.json["error"]["message"]
    assert respond(model="m").json["store"] is False
