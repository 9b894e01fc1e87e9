from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message, Sampling
from chatd.canonical.response import Usage
from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from chatd.dialects import dialect_for
from chatd.errors import ChatdError, UpstreamError
from chatd.upstream_http import HttpRequest, HttpResponse
from tests.support import answers

LOCAL = CATALOG["ollama"]
CLOUD = CATALOG["ollama_cloud"]


def turn(role: str, text: str) -> Message:
    return Message(role, (Text(text),))


USER = turn("user", "Hi")
SYSTEM = turn("system", "Be brief.")


def built(row: Provider, *messages: Message, **more: Any) -> tuple[HttpRequest, dict[str, Any]]:
    request = ChatRequest(model="m", messages=messages, **more)
    sent = dialect_for(row, request).build(
        request, row, SecretStr("sk-1") if row is CLOUD else None
    )
    return sent, json.loads(sent.body or b"")


def test_a_chat_keeps_its_turns() -> None:
    sent, body = built(LOCAL, SYSTEM, USER)

    assert sent.url == "http://localhost:11434/api/chat"
    assert body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
        ],
        "stream": False,
        "think": False,
        "truncate": False,
    }
    assert "Authorization" not in sent.headers


def test_only_the_callers_options_are_sent() -> None:
    _, body = built(LOCAL, USER, sampling=Sampling(temperature=0.0), max_tokens=10)

    assert body["options"] == {"temperature": 0.0, "num_predict": 10}


@pytest.mark.parametrize(
    ("think", "sent"),
    [
        (True, True),
        (False, False),
        ("none", False),
        ("minimal", "low"),
        ("medium", "medium"),
        ("xhigh", "max"),
        ("ultra", "max"),
    ],
)
def test_thinking_is_written_as_ollamas_think_value(think: bool | str, sent: bool | str) -> None:
    assert built(LOCAL, USER, think=think)[1]["think"] == sent


@pytest.mark.parametrize("format_", ["json", {"type": "object", "properties": {}}])
def test_a_format_is_passed_on(format_: Any) -> None:
    assert built(LOCAL, USER, format=format_)[1]["format"] == format_


@pytest.mark.parametrize(("top", "sent"), [(None, 0), (0, 0), (5, 5)])
def test_log_probabilities_have_no_alternatives_unless_requested(
    top: int | None, sent: int
) -> None:
    body = built(LOCAL, USER, logprobs=True, top_logprobs=top)[1]

    assert (body["logprobs"], body["top_logprobs"]) == (True, sent)
    assert "logprobs" not in built(LOCAL, USER, logprobs=False)[1]


def test_the_cloud_gets_one_turn_on_generate_with_a_bearer_key() -> None:
    sent, body = built(CLOUD, SYSTEM, USER)

    assert sent.url == "https://ollama.com/api/generate"
    assert (body["system"], body["prompt"]) == ("Be brief.", "Hi")
    assert sent.headers["Authorization"] == "Bearer sk-1"


def test_the_cloud_gets_no_empty_system_text() -> None:
    assert "system" not in built(CLOUD, USER)[1]


@pytest.mark.parametrize(
    "messages",
    [
        (USER, turn("assistant", "Hello"), USER),
        (USER, SYSTEM),
        (turn("assistant", "Hello"),),
        (SYSTEM,),
        (SYSTEM, SYSTEM, USER),
    ],
)
def test_the_cloud_gets_turns_that_generate_would_lose_on_chat(
    messages: tuple[Message, ...],
) -> None:
    sent, body = built(CLOUD, *messages)

    assert sent.url == "https://ollama.com/api/chat"
    assert [sent["role"] for sent in body["messages"]] == [given.role for given in messages]


def test_the_endpoint_can_be_forced_to_chat() -> None:
    sent, _ = built(replace(CLOUD, endpoint="chat"), USER)

    assert sent.url.endswith("/api/chat")


def test_forcing_generate_flattens_earlier_turns() -> None:
    sent, body = built(
        replace(CLOUD, endpoint="generate"), SYSTEM, USER, turn("assistant", "Hello"), USER
    )

    assert sent.url.endswith("/api/generate")
    assert body["prompt"] == "User: Hi\n\nAssistant: Hello\n\nUser: Hi"
    assert body["system"] == "Be brief."


def parsed(body: object, status: int = 200, row: Provider = LOCAL) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = ChatRequest(model="m", messages=(USER,))
    return dialect_for(row, request).parse(HttpResponse(status, {}, content))


def test_an_answer_is_read_with_its_counts() -> None:
    answer = parsed(answers.ollama_chat("Hello"))

    assert (answer.first.content, answer.first.finish_reason, answer.model) == (
        "Hello",
        "stop",
        "llama3.2",
    )
    assert answer.usage == Usage(11, 7)


def test_a_generated_answer_is_read_with_its_thinking() -> None:
    answer = parsed(answers.ollama_generate("Hello", thinking="Hm."), row=CLOUD)

    assert (answer.first.content, answer.first.thinking, answer.usage) == (
        "Hello",
        "Hm.",
        Usage(11, 7),
    )


def test_absent_counts_are_zero() -> None:
    body = answers.ollama_chat()
    del body["prompt_eval_count"], body["eval_count"], body["done_reason"]

    answer = parsed(body)

    assert (answer.usage, answer.first.finish_reason) == (Usage(0, 0), None)


def test_thinking_is_read_apart_from_the_content() -> None:
    message = {"role": "assistant", "content": "4", "thinking": "2 + 2"}

    assert parsed(answers.ollama_chat(message=message)).first.thinking == "2 + 2"


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (500, 502, "it answered 500: CUDA out of memory"),
        (404, 502, "it answered 404: CUDA out of memory"),
        (400, 400, "it answered 400: CUDA out of memory"),
        (401, 502, "it refused the gateway's key"),
        (503, 503, "it answered 503: CUDA out of memory"),
        (200, 502, "it reported an error: CUDA out of memory"),
    ],
)
def test_an_error_quotes_the_reason_of_ollama(status: int, code: int, reason: str) -> None:
    with pytest.raises(ChatdError) as caught:
        parsed({"error": "CUDA out of memory"}, status)

    assert (code, status) == (caught.value.status, caught.value.upstream_status)
    assert reason in caught.value.message


def test_a_spent_cloud_quota_is_insufficient_quota() -> None:
    with pytest.raises(ChatdError) as caught:
        parsed({"error": "you have reached your weekly usage limit"}, 429, CLOUD)

    assert caught.value.code == "insufficient_quota"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>proxy</html>",
        b"null",
        b"[]",
        {},
        answers.ollama_chat(done=False),
        {"model": "m"},
        answers.ollama_chat(message="Hello"),
        answers.ollama_chat(done="perhaps"),
    ],
)
def test_a_malformed_answer_is_an_upstream_error(body: object) -> None:
    with pytest.raises(UpstreamError) as caught:
        parsed(body)

    assert (caught.value.status, caught.value.upstream_status) == (502, 200)


def test_the_message_of_an_error_status_contains_no_html() -> None:
    with pytest.raises(UpstreamError) as caught:
        parsed(b"<html>Bad gateway</html>", 502)

    assert caught.value.message == "it answered 502"
