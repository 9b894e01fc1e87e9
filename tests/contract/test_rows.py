"""Every provider's row meets the contract: a new row of the catalog is tested at once.

Each case runs through the chat function against a provider on a real socket; the rows are the
catalog's, and one of a chatd.toml.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import chat.app
from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from tests.support import answers
from tests.support.functions import HttpResult, ask, get, post
from tests.support.upstream import Received, Script, Upstream, reply, reset, upstream

KEY = "sk-contract-0123456789"
MADE_UP = Provider(
    name="made_up", dialect="openai_chat", base_url="", key_variable="MADE_UP_API_KEY"
)
# The credentials that sign the requests to a provider on AWS.
AWS = {
    "AWS_ACCESS_KEY_ID": "AKIAMADEUP",
    "AWS_SECRET_ACCESS_KEY": KEY,
    "AWS_REGION": "us-east-1",
}
ROWS = [*CATALOG.values(), MADE_UP]


@dataclass(frozen=True, slots=True)
class Subject:
    """A provider under test."""

    row: Provider
    server: Upstream

    @property
    def model(self) -> str:
        """A model of OpenAI's chat dialect, where the row has one for some models alone."""
        return "openai.gpt-oss-1" if self.row.aws else "model-1"

    def ask(self, content: str = "Say hello.", **more: Any) -> HttpResult:
        return post(ask(f"{self.row.name}/{self.model}", content, **more))


@pytest.fixture(params=ROWS, ids=lambda row: row.name)
def subject(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Subject]:
    row: Provider = request.param
    with upstream(lambda *_: None) as server:
        server.script = in_its_dialect
        config = tmp_path / "chatd.toml"
        table = f"[providers.{row.name}]\nbase_url = '{server.url}'\n"
        if row is MADE_UP:
            table += f"dialect = '{row.dialect}'\nkey_variable = '{row.key_variable}'\n"
        config.write_text(table)
        monkeypatch.setenv("CHATD_CONFIG", str(config))
        monkeypatch.delenv("CHATD_SECRET_ID", raising=False)
        if row.base_url_variable:
            monkeypatch.delenv(row.base_url_variable, raising=False)
        if row.key_variable:
            monkeypatch.setenv(row.key_variable, KEY)
        for name, value in AWS.items() if row.aws else ():
            monkeypatch.setenv(name, value)
        chat.app.compose.cache_clear()
        yield Subject(row, server)
        chat.app.compose.cache_clear()


def in_its_dialect(connection: socket.socket, received: Received) -> None:
    reply(answers.for_path(received.path))(connection, received)


def test_an_answer_has_text_counts_and_the_providers_name(subject: Subject) -> None:
    result = subject.ask()

    assert result.status == 200
    assert result.json["content"] == "Hello!"
    assert (result.json["input_tokens"], result.json["output_tokens"]) == (11, 7)
    assert (result.json["provider"], result.json["finish_reason"]) == (subject.row.name, "stop")


def test_the_provider_gets_the_model_name_without_prefix(subject: Subject) -> None:
    subject.ask()

    assert subject.server.last.json["model"] == subject.model


def test_the_provider_gets_its_key_in_one_header(subject: Subject) -> None:
    subject.ask()

    sent = subject.server.last.headers
    expected = {"authorization": f"Bearer {KEY}"} if subject.row.key_variable else {}
    if subject.row.dialect in subject.row.key_headers:
        expected = {"x-api-key": KEY}
    assert {name: value for name, value in sent.items() if KEY in value} == expected


def test_the_provider_gets_the_text_of_every_message(subject: Subject) -> None:
    turns = [("system", "S-1"), ("user", "U-1 ☃"), ("assistant", "A-1"), ("user", "U-2")]
    body = {
        "model": f"{subject.row.name}/{subject.model}",
        "messages": [{"role": role, "content": content} for role, content in turns],
    }

    post(body)

    sent = subject.server.last.json
    system = [("system", sent["system"])] if "system" in sent else []
    assert turns == [*system, *((turn["role"], turn["content"]) for turn in sent["messages"])]


def test_the_provider_gets_no_invented_parameter(subject: Subject) -> None:
    subject.ask()

    known = {"model", "messages", "prompt", "stream", "stream_options", "think"}
    if subject.row.dialect == "anthropic_messages":  # which requires a limit
        known.add("max_tokens")
    if subject.row.dialect == "ollama":  # which else cuts a long prompt silently
        known |= {"truncate", "shift"}
    assert set(subject.server.last.json) <= known


def test_the_provider_gets_the_sampling_parameters(subject: Subject) -> None:
    result = subject.ask(temperature=0.25, max_tokens=33)

    sent = json.dumps(subject.server.last.json)
    dropped = result.headers.get("x-chatd-dropped-params")
    assert '"temperature": 0.25' in sent or dropped == "temperature"
    assert '": 33' in sent


@pytest.mark.parametrize("format_", ["json", {"title": "T-1"}])
def test_the_provider_gets_the_format(subject: Subject, format_: Any) -> None:
    subject.ask(format=format_)

    sent = json.dumps(subject.server.last.json).lower()
    assert ("t-1" if isinstance(format_, dict) else "json") in sent


@pytest.mark.parametrize("think", [True, False, "low", "medium", "high", "max"])
def test_the_provider_gets_the_thinking_level(subject: Subject, think: bool | str) -> None:
    subject.ask()
    plain = subject.server.last.json
    result = subject.ask(think=think)

    sent = subject.server.last.json
    named = "reasoning_effort" in result.headers.get("x-chatd-dropped-params", "")
    assert sent != plain or named or (think is False and plain["think"] is False)


@pytest.mark.parametrize(
    ("status", "ours", "code"),
    [
        (400, 400, "invalid_request"),
        (401, 502, "upstream_auth_error"),
        (402, 429, "insufficient_quota"),
        (403, 502, "upstream_access_denied"),
        (404, 502, "upstream_error"),
        (422, 400, "invalid_request"),
        (429, 429, "rate_limit_exceeded"),
        (500, 502, "upstream_error"),
        (502, 502, "upstream_error"),
        (503, 503, "upstream_overloaded"),
    ],
)
def test_a_providers_error_maps_to_the_callers(
    subject: Subject, status: int, ours: int, code: str
) -> None:
    subject.server.script = reply({"error": "no"}, status, {"Retry-After": "3000"})

    result = subject.ask()

    error = result.json["error"]
    assert (result.status, error["code"]) == (ours, code)
    assert (error["provider"], error["upstream_status"]) == (subject.row.name, status)
    assert result.headers["retry-after"] == "3000"


INVALID_RESPONSES: dict[str, Script] = {
    "an empty body": reply(b""),
    "html": reply(b"<html>"),
    "an empty object": reply({}),
    "an error under 200": reply({"error": "boom"}),
    "a reset": reset,
}


@pytest.mark.parametrize("fault", INVALID_RESPONSES)
def test_an_invalid_response_is_a_502(subject: Subject, fault: str) -> None:
    subject.server.script = INVALID_RESPONSES[fault]

    result = subject.ask()

    assert (result.status, result.json["error"]["provider"]) == (502, subject.row.name)


@pytest.mark.parametrize(
    ("status", "times"),
    [(400, 1), (401, 1), (402, 1), (403, 1), (404, 1), (429, 3), (500, 3), (502, 3), (503, 3)],
)
def test_only_transient_errors_are_retried(subject: Subject, status: int, times: int) -> None:
    subject.server.script = reply({"error": "boom"}, status)
    subject.ask()

    assert len(subject.server.received) == times


def test_a_provider_without_its_key_is_not_registered(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "AWS_ACCESS_KEY_ID" if subject.row.aws else subject.row.key_variable
    if variable is None or subject.row.key_optional:
        assert subject.ask().status == 200
        return
    monkeypatch.setenv(variable, "")

    # A row on AWS that chatd.toml names stays registered.
    assert subject.ask().status == (503 if subject.row.aws else 404)
    assert subject.server.received == []


def test_the_provider_is_listed(subject: Subject) -> None:
    import providers.app  # noqa: PLC0415  # after the environment is set

    providers.app.compose.cache_clear()
    listed = get("/v1/chat/providers").json["providers"]
    providers.app.compose.cache_clear()

    (entry,) = [entry for entry in listed if entry["name"] == subject.row.name]
    assert (entry["available"], entry["dialect"]) == (True, subject.row.dialect)
