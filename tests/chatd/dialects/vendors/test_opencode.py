"""OpenCode gets each model in its dialect, by plan, and a session for each conversation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message
from chatd.config.catalog import CATALOG
from chatd.dialects import dialect_for, dialect_name, next_dialect
from chatd.upstream_http import HttpRequest
from tests.support.functions import ask, post, stream
from tests.support.upstream import Upstream

ROW = CATALOG["opencode"]
HEADER = "x-opencode-session"
RESPONSES, MESSAGES, CHAT = "openai_responses", "anthropic_messages", "openai_chat"
# Every row of the table, by plan, with names on both sides of its pattern.
SERVED = {
    ("zen", RESPONSES): ("gpt-5", "gpt-5.5-codex", "GPT-5.6"),
    ("zen", MESSAGES): (
        *("claude-opus-5", "claude", "qwen3.5-plus", "qwen3.7", "qwen-3.6-coder", "Claude-Haiku"),
    ),
    ("zen", CHAT): (
        *("kimi-k3", "glm-5", "qwen3.4", "qwen3.8-max", "minimax-m3", "grok-4.5", "my-gpt-5"),
        *("gemini-3-pro", "gemini"),
    ),
    ("go", RESPONSES): ("grok-4.5", "gpt-5.6-luna", "muse-spark"),
    ("go", MESSAGES): (
        *("minimax-m2.5", "minimax-m2.7", "minimax-m3", "qwen3.6", "qwen3.8-max", "qwen-3.7"),
    ),
    ("go", CHAT): (
        *("kimi-k3", "glm-5", "gpt-5", "claude-opus-5", "gemini-3", "minimax-m2.6", "qwen3.5"),
    ),
}
PATHS = {RESPONSES: "/responses", MESSAGES: "/messages", CHAT: "/chat/completions"}
BEGINNING = (("system", "Be brief."), ("user", "Hello"))


def built(model: str, plan: str = "zen", *turns: tuple[str, str]) -> HttpRequest:
    messages = tuple(Message(role, (Text(text),)) for role, text in turns or (("user", "Hello"),))
    row = replace(ROW, plan=plan, model_dialects=ROW.plan_dialects[plan])
    request = ChatRequest(model, messages)
    return dialect_for(row, request).build(request, row, SecretStr("sk-test"))


def session(*turns: tuple[str, str], model: str = "kimi-k3") -> str:
    return built(model, "go", *turns).headers[HEADER]


@pytest.mark.parametrize(
    ("plan", "dialect", "model"),
    [(plan, dialect, model) for (plan, dialect), names in SERVED.items() for model in names],
)
def test_each_model_is_sent_in_its_dialect_with_the_header_of_that_dialect(
    plan: str, dialect: str, model: str
) -> None:
    sent = built(model, plan)

    assert sent.url == f"{ROW.base_url}{PATHS[dialect]}"
    assert len(sent.headers[HEADER]) == 32
    assert (sent.headers.get("x-api-key") == "sk-test") == (dialect == MESSAGES)
    assert (sent.headers.get("Authorization") == "Bearer sk-test") == (dialect != MESSAGES)


def test_the_default_plan_is_zen() -> None:
    assert dialect_name(ROW, ChatRequest("claude-opus-5", ())) == MESSAGES


@pytest.mark.parametrize(
    ("tried", "following"), [(CHAT, RESPONSES), (RESPONSES, MESSAGES), (MESSAGES, CHAT)]
)
def test_the_dialects_follow_each_other_in_a_circle(tried: str, following: str) -> None:
    assert next_dialect(ROW, tried) == following


def test_a_row_of_one_dialect_has_no_next_one() -> None:
    assert next_dialect(CATALOG["kimi"], CHAT) is None
    assert next_dialect(CATALOG["kimi"], MESSAGES) == CHAT


def test_a_session_is_32_hexadecimal_digits() -> None:
    name = session(*BEGINNING)

    assert len(name) == 32
    assert set(name) <= set("0123456789abcdef")


def test_a_session_is_equal_for_all_turns() -> None:
    later = (*BEGINNING, ("assistant", "Hi."), ("user", "And now?"))

    assert session(*BEGINNING) == session(*later)


@pytest.mark.parametrize(
    "other",
    [
        (("system", "Be long."), ("user", "Hello")),
        (("system", "Be brief."), ("user", "Bye")),
        (("user", "Hello"),),
        (("system", "Be brief.\0user\0Hello"), ("user", "x")),
        (("developer", "Be brief."), ("user", "Hello")),
        (("user", "\ud800"),),
    ],
)
def test_another_first_turn_changes_the_session(other: tuple[tuple[str, str], ...]) -> None:
    assert session(*other) != session(*BEGINNING)


def test_another_model_changes_the_session() -> None:
    assert session(*BEGINNING, model="glm-5") != session(*BEGINNING)


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions"])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_session_is_sent_with_every_chat_and_only_to_opencode(
    provider: Upstream, keys: str, path: str, streamed: bool
) -> None:
    send: Any = stream if streamed else post

    assert send(ask("opencode/kimi-k3"), path).status == 200
    sent = provider.last.headers[HEADER]
    assert send(ask("kimi/k3"), path).status == 200

    assert len(sent) == 32
    assert HEADER not in provider.last.headers
