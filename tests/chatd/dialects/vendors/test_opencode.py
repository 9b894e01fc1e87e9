"""OpenCode refuses models of other dialects by plan, and gets a session for each chat."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message
from chatd.config.catalog import CATALOG
from chatd.dialects.vendors.opencode import OpenCode
from chatd.errors import InvalidRequestError
from chatd.upstream_http import HttpRequest
from tests.support.functions import ask, post, stream
from tests.support.upstream import Upstream

ROW = CATALOG["opencode"]
HEADER = "x-opencode-session"
# Every row of the table, by plan, with names on both sides of its pattern.
ELSEWHERE = {
    ("zen", "OpenAI's Responses"): ("gpt-5", "gpt-5.5-codex", "GPT-5.6"),
    ("zen", "Anthropic's"): (
        *("claude-opus-5", "claude", "qwen3.5-plus", "qwen3.7", "qwen-3.6-coder", "Claude-Haiku"),
    ),
    ("zen", "Google's"): ("gemini-3-pro", "gemini"),
    ("go", "OpenAI's Responses"): ("grok-4.5", "gpt-5.6-luna", "muse-spark"),
    ("go", "Anthropic's"): (
        *("minimax-m2.5", "minimax-m2.7", "minimax-m3", "qwen3.6", "qwen3.8-max", "qwen-3.7"),
    ),
}
SERVED = {
    "zen": ("kimi-k3", "glm-5", "qwen3.4", "qwen3.8-max", "minimax-m3", "grok-4.5", "my-gpt-5"),
    "go": ("kimi-k3", "glm-5", "gpt-5", "claude-opus-5", "gemini-3", "minimax-m2.6", "qwen3.5"),
}


def built(model: str, plan: str | None = "zen", *turns: tuple[str, str]) -> HttpRequest:
    messages = tuple(Message(role, (Text(text),)) for role, text in turns or (("user", "Hello"),))
    row = replace(ROW, plan=plan)
    return OpenCode().build(ChatRequest(model, messages), row, SecretStr("sk-test"))


def session(*turns: tuple[str, str], model: str = "kimi-k3") -> str:
    return built(model, "go", *turns).headers[HEADER]


@pytest.mark.parametrize(
    ("plan", "dialect", "model"),
    [(plan, dialect, model) for (plan, dialect), names in ELSEWHERE.items() for model in names],
)
def test_the_error_for_a_model_of_another_dialect_names_the_dialect(
    plan: str, dialect: str, model: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        built(model, plan)

    assert dialect in caught.value.message
    assert repr(model) in caught.value.message
    assert (caught.value.param, caught.value.code) == ("model", "unsupported_dialect")


@pytest.mark.parametrize(
    ("plan", "model"), [(plan, model) for plan, names in SERVED.items() for model in names]
)
def test_a_model_of_openais_dialect_is_sent(plan: str, model: str) -> None:
    assert built(model, plan).url == f"{ROW.base_url}/chat/completions"


def test_the_default_plan_is_zen() -> None:
    with pytest.raises(InvalidRequestError):
        built("claude-opus-5", None)


BEGINNING = (("system", "Be brief."), ("user", "Hello"))


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
