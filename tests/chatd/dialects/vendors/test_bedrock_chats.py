"""Chats of every surface reach Bedrock's models as Bedrock takes them, and survive its faults."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.stub_model import Answer, ChatRequest
from tests.support.answers import for_path, stream_for_path
from tests.support.bedrock.errors import BedrockError
from tests.support.bedrock.fake import FakeBedrock, Midway, fake_bedrock
from tests.support.bedrock.models import APPLICATION_PROFILE
from tests.support.bedrock.signatures import Key, environment
from tests.support.dialect_streams import words
from tests.support.functions import HttpResult, Streamed, get, post, stream
from tests.support.upstream import Received, Upstream, chunked, reply, upstream

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
OPUS = "us.anthropic.claude-opus-4-8"
MODELS = (
    "anthropic.claude-3-haiku-20240307-v1:0",
    "amazon.nova-lite-v1:0",
    "eu.anthropic.claude-opus-5",
    "global.openai.gpt-6-sol",
    "openai.gpt-oss-120b-1:0",
    OPUS,
    "us.openai.gpt-5.5",
    "us.openai.gpt-5.6-sol",
    "us.xai.grok-4.6",
)
# One model of each dialect of the row.
FOUR = ("amazon.nova-lite-v1:0", OPUS, "us.openai.gpt-6-sol", "us.xai.grok-4.6")
TEXT = "The sky is blue because air scatters short waves most."
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeBedrock]:
    with fake_bedrock() as running:
        yield running


@pytest.fixture
def bedrock(server: FakeBedrock, monkeypatch: pytest.MonkeyPatch, config: Path) -> FakeBedrock:
    for name, value in environment(Key(), server.access.region).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
    server.fault = None
    for kept in (server.log, server.refused, server.upcoming):
        kept.clear()
    return server


@pytest.fixture
def other(bedrock: FakeBedrock, config: Path) -> Iterator[Upstream]:
    """Run another vendor, the second in a tier `<model>-then` for each of four models."""
    tiers = [f'"{model}-then" = ["bedrock/{model}", "other/model"]' for model in FOUR]

    def script(connection: socket.socket, received: Received) -> None:
        path = received.path
        if received.json.get("stream"):
            chunked(stream_for_path(path, *words(TEXT)))(connection, received)
        else:
            reply(for_path(path, TEXT))(connection, received)

    with upstream(script) as server:
        table = f'[providers.other]\ndialect = "openai_chat"\nbase_url = "{server.url}"\n'
        config.write_text("\n".join([table, "[tiers]", *tiers]))
        yield server


def says(content: str, model: str, **more: Any) -> dict[str, Any]:
    return {"model": f"bedrock/{model}", "messages": [{"role": "user", "content": content}], **more}


@pytest.mark.parametrize("effort", [None, "none", "low"])
@pytest.mark.parametrize("model", MODELS)
def test_bedrock_refuses_no_option_of_openais_chats(
    bedrock: FakeBedrock, model: str, effort: str | None
) -> None:
    options: dict[str, Any] = {
        "temperature": 0.5,
        "top_p": 0.9,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.1,
        "seed": 7,
        "max_tokens": 2000,
        "tools": [TOOL],
        "user": "u",
        "stream": False,
    }
    if effort:
        options["reasoning_effort"] = effort

    answer = post(says("Hi", model, **options), CHAT)

    assert (answer.status, bedrock.refused) == (200, []), answer.json


@pytest.mark.parametrize("model", MODELS)
def test_a_stop_sequence_is_sent_refused_or_dropped_and_named(
    bedrock: FakeBedrock, model: str
) -> None:
    answer = post(says("Hi", model, stop=["END"]), CHAT)

    assert bedrock.refused == []
    if answer.status == 400:
        assert answer.json["error"]["param"] == "stop"
    else:
        sent = "END" in json.dumps(bedrock.last.body)
        assert sent != ("stop" in answer.headers.get("x-chatd-dropped-params", ""))


@pytest.mark.parametrize("model", MODELS)
def test_a_schema_is_answered_by_every_model(bedrock: FakeBedrock, model: str) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}

    answer = post(says("Where?", model, response_format=form), CHAT)

    assert bedrock.refused == []
    content = answer.json["choices"][0]["message"]["content"]
    assert json.loads(content) == {"city": "Zürich"}


@pytest.mark.parametrize("model", MODELS)
def test_a_cache_mark_is_refused_by_no_model(bedrock: FakeBedrock, model: str) -> None:
    mark = {"type": "ephemeral", "scope": "global"}
    part = {"type": "text", "text": "Hi", "cache_control": mark}
    body = {**says("", model), "messages": [{"role": "user", "content": [part]}]}

    chat = post(body, CHAT)
    messages = post({**body, "max_tokens": 2000}, MESSAGES)

    assert (chat.status, messages.status, bedrock.refused) == (200, 200, [])
    assert "scope" not in json.dumps([logged.body for logged in bedrock.log])


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_a_cache_mark_that_a_model_does_not_take_is_named(bedrock: FakeBedrock, path: str) -> None:
    mark = {"type": "ephemeral"}
    part = {"type": "text", "text": "Hi", "cache_control": mark}
    named = {"name": "weather", "input_schema": SCHEMA} if path == MESSAGES else TOOL
    body = {
        **says("", "us.xai.grok-4.6", tools=[{**named, "cache_control": mark}], max_tokens=2000),
        "messages": [{"role": "user", "content": [part]}],
    }

    answer = post(body, path)

    assert "cache_control" not in json.dumps(bedrock.last.body)
    lost = answer.headers["x-chatd-dropped-params"].split(", ")
    assert sorted(lost) == ["messages.content.cache_control", "tools.cache_control"]


def test_a_second_turn_of_calls_has_unique_ids(bedrock: FakeBedrock) -> None:
    body = says("Weather?", "us.xai.grok-4.6", tools=[TOOL])
    for _ in range(2):
        called = post(body, CHAT).json["choices"][0]["message"]
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": "rain"}
            for call in called["tool_calls"]
        ]
        again = {"role": "user", "content": "And now?"}
        body = {**body, "messages": [*body["messages"], called, *results, again]}

    ids = [
        call["id"]
        for turn in body["messages"]
        if turn["role"] == "assistant"
        for call in turn["tool_calls"]
    ]
    assert post(body, CHAT).status == 200
    assert len(set(ids)) == len(ids) == 2
    assert [call for call in ids if call in json.dumps(bedrock.last.body)] == ids


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
@pytest.mark.parametrize("model", FOUR)
def test_another_vendor_answers_for_a_throttled_model(
    bedrock: FakeBedrock, other: Upstream, path: str, model: str
) -> None:
    bedrock.fault = BedrockError("ThrottlingException", "Too many tokens, please wait.")

    answer = post(_body(path, model), path)

    assert answer.status == 200, answer.json
    assert TEXT in json.dumps(answer.json)
    assert other.last.json["model"] == "model"


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
@pytest.mark.parametrize("model", FOUR)
def test_another_vendor_continues_a_stream_that_an_exception_ends(
    bedrock: FakeBedrock, other: Upstream, path: str, model: str
) -> None:
    bedrock.reply = _sky
    bedrock.fault = Midway(BedrockError("ModelStreamErrorException", "broken"), pieces=6)

    answer = stream(_body(path, model), path)

    assert answer.status == 200
    assert other.received
    assert "".join(map(_text, answer.json)) == TEXT


@pytest.mark.parametrize("model", FOUR)
def test_an_exception_alone_ends_a_stream_with_an_error(bedrock: FakeBedrock, model: str) -> None:
    bedrock.reply = _sky
    bedrock.fault = Midway(BedrockError("ThrottlingException", "Too many tokens"), pieces=6)

    answer = stream(says("Why?", model), CHAT)

    *_, last = answer.data
    assert "error" in json.loads(last)
    assert not any(
        choice.get("finish_reason") for one in answer.json for choice in one.get("choices", ())
    )


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_model_that_its_route_lacks_is_tried_with_converse(
    bedrock: FakeBedrock, *, streamed: bool
) -> None:
    body = says("Hi", "openai.gpt-oss-20b-1:0")

    status = stream(body, CHAT).status if streamed else post(body, CHAT).status

    assert status == 200
    assert [chat.path.removesuffix("-stream") for chat in bedrock.chats()] == [
        "/openai/v1/chat/completions",
        "/model/openai.gpt-oss-20b-1%3A0/converse",
    ]


def test_claudes_tokens_are_counted_by_bedrock(bedrock: FakeBedrock) -> None:
    body = says("Count this.", OPUS, system="Be brief.", tools=[])
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "claude-code-20250219"}

    counted = post(body, f"{MESSAGES}/count_tokens", headers=headers)

    assert counted.status == 200
    assert "x-chatd-estimated" not in counted.headers
    assert bedrock.last.path == "/model/anthropic.claude-opus-4-8/count-tokens"
    assert bedrock.refused == []


@pytest.mark.parametrize("model", ["eu.anthropic.claude-opus-5", "amazon.nova-lite-v1:0"])
def test_a_count_that_bedrock_refuses_is_an_estimate(bedrock: FakeBedrock, model: str) -> None:
    counted = post(says("Count this.", model), f"{MESSAGES}/count_tokens")

    assert counted.status == 200
    assert counted.headers["x-chatd-estimated"] == "input_tokens"


def test_models_and_profiles_are_listed_without_an_account(bedrock: FakeBedrock) -> None:
    listed = get("/v1/models").json["data"]

    names = [model["id"] for model in listed if model["owned_by"] == "bedrock"]
    assert f"bedrock/{OPUS}" in names
    assert "bedrock/amazon.nova-lite-v1:0" in names
    assert "bedrock/anthropic.claude-opus-4-8" not in names  # only a profile can be called
    assert "bedrock/amazon.titan-embed-text-v2:0" in names
    assert not any("arn:" in name or "111122223333" in name for name in names)
    assert {logged.way for logged in bedrock.log} == {"sigv4"}


def test_an_application_profile_is_called_by_its_name_and_shows_no_account(
    bedrock: FakeBedrock, config: Path
) -> None:
    names = f'model_ids = {{ team-blue = "{APPLICATION_PROFILE}" }}'
    config.write_text(f"[providers.bedrock]\n{names}\n")

    answers: list[HttpResult | Streamed] = [
        post(says("Hi", "team-blue"), CHAT),
        post(says("Hi", APPLICATION_PROFILE), "/v1/chat"),
        stream(says("Hi", "team-blue"), CHAT),
    ]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert {logged.path.rpartition("/")[0] for logged in bedrock.log} == {
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A111122223333%3A"
        "application-inference-profile%2Fa1b2c3d4e5f6"
    }
    assert "111122223333" not in repr(answers)
    assert "bedrock/team-blue" in {model["id"] for model in get("/v1/models").json["data"]}


def _body(path: str, model: str) -> dict[str, Any]:
    tier = f"{model}-then"
    if path == RESPONSES:
        return {"model": tier, "input": "Why is the sky blue?"}
    body = {"model": tier, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
    return {**body, "max_tokens": 1000} if path == MESSAGES else body


def _text(event: dict[str, Any]) -> str:
    """Return the text in an event of any surface."""
    if event.get("type") == "response.output_text.delta":
        return str(event["delta"])
    if event.get("type") == "content_block_delta":
        return str(event["delta"]["text"])
    choices = event.get("choices", ())
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def _sky(_request: ChatRequest) -> Answer:
    return Answer(TEXT)
