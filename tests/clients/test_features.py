"""Every client has every feature with every provider, except for the gaps in features.py."""

from __future__ import annotations

import os

import pytest

from tests.clients.conftest import Clients, every
from tests.clients.features import BEYOND, CLIENTS, FEATURES, Case, holds, is_explained
from tests.clients.page import COMMAND, page
from tests.clients.providers import MODELS, Providers
from tests.clients.scripts.cases import HELLO
from tests.local.conftest import ROOT

PAGE = ROOT / "docs/compatibility.md"


@pytest.mark.parametrize(("client", "provider", "feature"), every(CLIENTS, MODELS, FEATURES))
def test_a_client_has_the_feature(
    clients: Clients, client: str, provider: str, feature: str
) -> None:
    outcome = clients(CLIENTS[client]).outcomes[f"{feature} {provider}"]

    assert holds(outcome, FEATURES[feature], provider), outcome


@pytest.mark.parametrize(
    ("case", "provider"),
    every(BEYOND, MODELS),
    ids=lambda value: f"{value.client} {value.name}" if isinstance(value, Case) else value,
)
def test_a_case_succeeds_or_has_its_gap(clients: Clients, case: Case, provider: str) -> None:
    outcome = clients(CLIENTS[case.client]).outcomes[f"{case.name} {provider}"]
    gap = case.gaps.get(provider)

    if gap is None:
        assert holds(outcome, case.expected, provider), outcome
    else:
        assert is_explained(outcome, gap, provider), outcome


@pytest.mark.parametrize(
    ("client", "provider"), every([name for name in CLIENTS if name != "`llm` command"], MODELS)
)
def test_a_stream_has_a_piece_per_word(clients: Clients, client: str, provider: str) -> None:
    pieces = clients(CLIENTS[client]).result(f"stream {provider}")["pieces"]

    assert pieces == len(f"{provider} echoes: {HELLO}".split())


@pytest.mark.parametrize("provider", MODELS)
def test_a_stream_has_openais_order(clients: Clients, provider: str) -> None:
    stream = clients("use_openai").result(f"stream {provider}")

    assert stream["role comes first"]
    assert stream["usage comes last"]
    assert stream["finish"] == ["stop"]
    assert stream["ids"] == 1


def test_ollama_gets_a_tool_result_by_name_and_arguments_as_an_object(
    clients: Clients,
) -> None:
    chats = clients("use_openai").chats
    question, called, result = next(
        chat.body["messages"]
        for chat in chats
        if chat.provider == "ollama" and len(chat.body.get("messages", [])) == 3
    )

    assert question["role"] == "user"
    (call,) = called["tool_calls"]
    assert call["function"]["arguments"] == {"city": "Zürich"}
    assert (result["tool_name"], result["tool_call_id"]) == ("weather", call["id"])


@pytest.mark.parametrize("client", CLIENTS)
def test_no_provider_got_an_invalid_request(
    clients: Clients, provider_log: Providers, client: str
) -> None:
    clients(CLIENTS[client])

    assert [
        text for text in provider_log.refused if "reasoning_content is missing" not in text
    ] == []


def test_the_page_matches_this_run(clients: Clients) -> None:
    text = page(clients)
    assert "**no**" not in text, text
    if os.environ.get("CHATD_WRITE_COMPATIBILITY") == "1":
        PAGE.write_text(text, "utf-8")

    assert PAGE.read_text("utf-8") == text, f"docs/compatibility.md is out of date: {COMMAND}"
