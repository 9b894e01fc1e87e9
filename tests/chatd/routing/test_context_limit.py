"""A prompt that certainly exceeds a known context is a 400, or goes to a larger model of a tier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import answers
from tests.support.functions import post
from tests.support.upstream import Upstream, reply

LONG = "word " * 5_000
OPTIONS = '[providers.ollama.options."llama3\\\\.2"]\nnum_ctx = 4096\n'
TIERS = """
[tiers]
sized = [{ model = "ollama/small", context = 4000 }, { model = "ollama/large", context = 6000 }]
both = [{ model = "ollama/small", context = 4000 }, { model = "ollama/llama3.2", context = 9000 }]
"""


def long_chat(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": LONG}], **more}


@pytest.fixture(autouse=True)
def options(config: Path) -> None:
    config.write_text(OPTIONS + TIERS)


def test_the_caller_gets_the_figures_and_the_remedy(provider: Upstream) -> None:
    result = post(long_chat("ollama/llama3.2"), "/v1/chat/completions")

    error = result.json["error"]
    assert (result.status, error["code"]) == (400, "context_length_exceeded")
    assert "at least 5,000 tokens" in error["message"]
    assert "4,096 tokens" in error["message"]
    assert "[providers.ollama.options]" in error["message"]
    assert error["provider"] == "ollama"
    assert provider.received == []


def test_the_context_in_the_table_of_a_model_is_a_known_one(
    provider: Upstream, config: Path
) -> None:
    config.write_text('[providers.ollama.models."small"]\ncontext = 4000\n')
    result = post(long_chat("ollama/small"), "/v1/chat/completions")

    assert (result.status, result.json["error"]["code"]) == (400, "context_length_exceeded")
    assert "4,000 tokens" in result.json["error"]["message"]
    assert provider.received == []


def test_claude_code_gets_the_words_that_make_it_compact(provider: Upstream) -> None:
    result = post(long_chat("ollama/llama3.2", max_tokens=9), "/v1/messages")

    assert result.status == 400
    assert result.json["error"]["message"].startswith("prompt is too long: ")
    assert provider.received == []


def test_a_completion_is_checked_too(provider: Upstream) -> None:
    result = post({"model": "ollama/llama3.2", "prompt": LONG}, "/v1/completions")

    assert (result.status, result.json["error"]["code"]) == (400, "context_length_exceeded")
    assert provider.received == []


@pytest.mark.parametrize("own", [{"num_ctx": 5000}, {"options": {"num_ctx": 8192}}])
def test_the_callers_larger_context_is_the_known_one(provider: Upstream, own: Any) -> None:
    assert post(long_chat("ollama/llama3.2", **own), "/v1/chat/completions").status == 200


def test_the_callers_own_smaller_context_is_known_without_chatd_toml(provider: Upstream) -> None:
    result = post(long_chat("ollama/other", num_ctx=2048), "/v1/chat/completions")

    assert (result.status, result.json["error"]["code"]) == (400, "context_length_exceeded")


def test_a_caller_who_wants_the_prompt_cut_gets_it_cut(provider: Upstream) -> None:
    body = long_chat("ollama/llama3.2", truncate=True)

    assert post(body, "/v1/chat/completions").status == 200
    assert provider.received[0].json["truncate"] is True


def test_an_unknown_context_refuses_nothing(provider: Upstream) -> None:
    assert post(long_chat("ollama/other"), "/v1/chat/completions").status == 200
    assert provider.received[0].json["truncate"] is False


def test_a_tier_goes_on_to_the_model_with_the_larger_context(provider: Upstream) -> None:
    assert post(long_chat("sized"), "/v1/chat").status == 200
    assert [received.json["model"] for received in provider.received] == ["large"]


def test_the_options_of_a_model_hold_before_the_context_of_its_tier(provider: Upstream) -> None:
    result = post(long_chat("both"), "/v1/chat")

    assert (result.status, result.json["error"]["code"]) == (400, "context_length_exceeded")
    assert provider.received == []


# The errors of Ollama 0.12.6, and of 0.34 on, where it passes its llama-server's on as a text.
SERVERS = {
    "0.12.6": {"error": "the input length exceeds the context length"},
    "0.34": {
        "error": '{"error":{"code":400,"message":"request (2622 tokens) exceeds the available'
        ' context size (512 tokens), try increasing it","type":"exceed_context_size_error",'
        '"n_prompt_tokens":2622,"n_ctx":512}}'
    },
}


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("server", sorted(SERVERS))
def test_a_refusal_of_the_server_itself_is_the_same_error(
    provider: Upstream, server: str, status: int
) -> None:
    provider.script = reply(SERVERS[server], status)

    result = post(long_chat("ollama/other"), "/v1/chat/completions")

    error = result.json["error"]
    assert (result.status, error["code"]) == (400, "context_length_exceeded")
    assert "{" not in error["message"]


def test_a_prompt_that_fits_is_served(provider: Upstream) -> None:
    provider.script = reply(answers.ollama_chat("Hello!"))
    body = {"model": "ollama/llama3.2", "messages": [{"role": "user", "content": "x" * 100_000}]}

    assert post(body, "/v1/chat/completions").status == 200
