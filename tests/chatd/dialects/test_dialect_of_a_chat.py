"""The dialect of a chat follows from the provider's row, the model and the caller's dialect."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message, Source
from chatd.config.provider import Provider
from chatd.dialects import dialect_for, dialect_name
from tests.support import answers
from tests.support.functions import ask, post
from tests.support.upstream import Upstream, reply

OPENAI = "/v1/chat/completions"
ROW = Provider(
    "mine",
    "openai_chat",
    "https://provider.example/v1",
    variants={"openai_chat": "openrouter"},
    model_dialects=(("gpt-5", "first"), ("gpt-", "second"), (r"qwen-?3\.[5-7]", "third")),
)


def request(model: str, dialect: str | None = None) -> ChatRequest:
    source = None if dialect is None else Source(dialect, {}, {})
    return ChatRequest(model, (Message("user", (Text("Hi"),)),), source=source)


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        ("gpt-5.6", "first"),
        ("gpt-4o", "second"),
        ("GPT-4o", "second"),
        ("qwen3.6-max", "third"),
        ("qwen-3.6-max", "third"),
        ("qwen3.8", "openai_chat"),
        ("openai/gpt-5", "openai_chat"),
    ],
)
def test_the_first_pattern_that_matches_the_beginning_of_the_model_holds(
    model: str, dialect: str
) -> None:
    assert dialect_name(ROW, request(model)) == dialect


@pytest.mark.parametrize(
    ("dialect", "chosen"), [("own", "own"), ("openai_chat", "first"), (None, "first")]
)
def test_the_callers_own_dialect_comes_before_that_of_the_model(
    dialect: str | None, chosen: str
) -> None:
    row = replace(ROW, own_dialects=("own",))

    assert dialect_name(row, request("gpt-5", dialect)) == chosen


def test_the_rows_own_dialect_has_the_vendors_differences_and_another_has_none() -> None:
    row = replace(ROW, own_dialects=("ollama",))

    assert type(dialect_for(row, request("m"))).__name__ == "OpenRouter"
    assert type(dialect_for(row, request("m", "ollama"))).__name__ == "Ollama"


def test_the_endpoint_of_ollamas_dialect_holds_in_that_dialect_alone() -> None:
    row = Provider("mine", "ollama", "https://h", endpoint="auto", own_dialects=("openai_chat",))

    assert type(dialect_for(row, request("m"))).__name__ == "OllamaGenerate"
    assert type(dialect_for(row, request("m", "openai_chat"))).__name__ == "OpenAIChat"


@pytest.mark.usefixtures("keys")
def test_a_provider_gets_a_request_in_the_callers_own_dialect(
    provider: Upstream, config: Path
) -> None:
    config.write_text(
        '[providers.ollama]\nown_dialects = ["openai_chat"]\npaths = { openai_chat = "/v1" }'
    )

    provider.script = reply(answers.openai_chat("Hello!"))
    own = post(ask("ollama/m", logit_bias={"1": 5}), OPENAI)
    provider.script = reply(answers.ollama_chat("Hello!"))
    translated = post(ask("ollama/m"))

    assert [received.path for received in provider.received] == [OPENAI, "/api/chat"]
    assert provider.received[0].json["logit_bias"] == {"1": 5}
    assert own.json["choices"][0]["message"]["content"] == "Hello!"
    assert translated.json["content"] == "Hello!"


@pytest.mark.usefixtures("keys")
def test_a_table_of_models_replaces_that_of_the_row(provider: Upstream, config: Path) -> None:
    config.write_text(
        f'[providers.mine]\ndialect = "openai_chat"\nbase_url = "{provider.url}/v1"\n'
        'model_dialects = { "llama3" = "openai_chat", "llama" = "ollama" }\n'
        'key_variable = "OPENROUTER_API_KEY"\n'
        'key_headers = { ollama = "x-api-key", openai_chat = "authorization" }'
    )
    provider.script = reply(answers.openai_chat("Hello!"))
    assert post(ask("mine/llama3.2")).status == 200
    provider.script = reply(answers.ollama_chat("Hello!"))
    assert post(ask("mine/Llama-2")).status == 200

    chat, ollama = provider.received
    assert (chat.path, ollama.path) == (OPENAI, "/v1/api/chat")
    assert chat.headers["authorization"].startswith("Bearer ")
    assert f"Bearer {ollama.headers['x-api-key']}" == chat.headers["authorization"]
    assert "authorization" not in ollama.headers
