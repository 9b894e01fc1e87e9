"""Some failures fall back to a tier's next model, others reach the caller."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import Received, Script, Upstream, chunked, reply, silent, upstream

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


@pytest.fixture
def spare(monkeypatch: pytest.MonkeyPatch, config: Path, keys: str) -> Iterator[Upstream]:
    """Serve OpenRouter, the fallback of the tier `fast`."""
    config.write_text('[tiers]\nfast = ["ollama/llama3.2", "openrouter/v/m"]\n')

    def respond(connection: socket.socket, received: Received) -> None:
        if received.json.get("stream"):
            chunked(answers.stream_for_path(received.path))(connection, received)
        else:
            reply(answers.for_path(received.path))(connection, received)

    with upstream(respond) as server:
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.url)
        yield server


FAULTS: dict[str, Any] = {
    "500": (reply({"error": "x"}, 500), 3),
    "429 with a long wait": (reply({"error": "x"}, 429, {"Retry-After": "60"}), 1),
    "a spent quota": (reply({"error": "x"}, 402), 1),
    "a refused key": (reply({"error": "x"}, 401), 1),
    "a body too large for it": (reply({"error": "x"}, 413), 1),
    "no such model": (reply({"error": "x"}, 404), 1),
    "garbage": (reply(b"<html>"), 3),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_model_of_a_tier_answers(provider: Upstream, spare: Upstream, fault: str) -> None:
    provider.script, requested = FAULTS[fault]

    result = post(ask("fast"))

    assert (result.status, result.json["provider"]) == (200, "openrouter")
    assert (len(provider.received), len(spare.received)) == (requested, 1)
    assert result.headers["x-chatd-attempts"].endswith("openrouter: ok")


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_model_of_a_tier_streams(provider: Upstream, spare: Upstream, fault: str) -> None:
    provider.script, _ = FAULTS[fault]

    streamed = stream(ask("fast"))

    assert streamed.json[-1]["provider"] == "openrouter"
    assert streamed.headers["x-chatd-attempts"].endswith("openrouter: ok")


def test_a_silent_provider_falls_back_without_a_retry(
    provider: Upstream, spare: Upstream, config: Path
) -> None:
    text = config.read_text("utf-8")
    config.write_text(f"{text}[providers.ollama.timeouts]\nsilence_with_fallback = 0.2\n")
    provider.script = silent(provider)

    streamed = stream(ask("fast"))

    assert streamed.json[-1]["provider"] == "openrouter"
    assert len(provider.received) == 1


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_request_does_not_fall_back(
    provider: Upstream, spare: Upstream, status: int
) -> None:
    provider.script = reply({"error": "the reason"}, status)

    result = post(ask("fast"))

    assert result.status == 400
    assert "the reason" in result.json["error"]["message"]
    assert spare.received == []


def test_a_failure_outside_a_tier_does_not_fall_back(provider: Upstream, spare: Upstream) -> None:
    provider.script = reply({"error": "x"}, 500)

    assert post(ask("ollama/llama3.2")).status == 502
    assert spare.received == []


def test_the_last_failure_of_a_tier_is_returned_with_all_attempts(
    provider: Upstream, spare: Upstream
) -> None:
    provider.script = reply({"error": "x"}, 402)
    spare.script = reply({"error": "x"}, 403)

    result = post(ask("fast"))

    assert result.json["error"]["provider"] == "openrouter"
    assert result.headers["x-chatd-attempts"] == (
        "ollama: insufficient_quota, openrouter: upstream_auth_error"
    )


def test_each_provider_gets_only_its_own_key_and_model(
    provider: Upstream, spare: Upstream, keys: str
) -> None:
    provider.script = reply({"error": "x"}, 402)
    post(ask("fast"))

    assert "authorization" not in provider.last.headers
    assert spare.last.headers["authorization"] == f"Bearer {keys}"
    assert spare.last.json["model"] == "v/m"


def test_attempts_of_a_tier_are_counted_under_their_own_providers(
    provider: Upstream, spare: Upstream, emitted: Callable[[], Emitted]
) -> None:
    provider.script = reply({"error": "x"}, 402)
    post(ask("fast"))

    output = emitted()
    requests = [(blob["Provider"], blob["Model"]) for blob in output.metrics if "Requests" in blob]
    assert requests == [("ollama", "llama3.2"), ("openrouter", "v/m")]


TOO_LONG: dict[str, dict[str, Any]] = {
    "openai's code": {"error": {"message": "x", "code": "context_length_exceeded"}},
    "openrouter's words": {
        "error": {"message": "maximum context length is 8192 tokens", "code": 400}
    },
    "ollama's words": {"error": "the input length exceeds the context length"},
    "kimi's words": {"error": {"message": "Your request exceeded model token limit: 8192"}},
}


@pytest.mark.parametrize("words", TOO_LONG)
def test_a_conversation_too_long_goes_to_the_next_model_with_a_larger_context(
    words: str, provider: Upstream, spare: Upstream, config: Path
) -> None:
    config.write_text(
        """[tiers]
        fast = [
          { model = "kimi/small", context = 8192 },
          { model = "kimi/smaller", context = 4096 },
          { model = "kimi/equal", context = 8192 },
          { model = "openrouter/large", context = 200000 },
        ]"""
    )
    provider.script = reply(TOO_LONG[words], 400)

    result = post(ask("fast"))

    assert (result.status, result.json["provider"]) == (200, "openrouter")
    assert [received.json["model"] for received in provider.received] == ["small"]
    assert result.headers["x-chatd-attempts"] == "kimi: context_length_exceeded, openrouter: ok"


@pytest.mark.parametrize(
    "chain",
    [
        '["kimi/a", "openrouter/b"]',
        '[{ model = "kimi/a", context = 8192 }, "openrouter/b"]',
        '["kimi/a", { model = "openrouter/b", context = 4096 }]',
        '["kimi/claude-haiku-4-5", "openrouter/b"]',
        '["kimi/claude-haiku-4-5", "openrouter/openai/gpt-5"]',
        '[{ model = "kimi/a", context = 200000 }, "openrouter/openai/gpt-5"]',
    ],
)
def test_a_conversation_too_long_goes_to_a_model_of_larger_or_unknown_context(
    chain: str, provider: Upstream, spare: Upstream, config: Path
) -> None:
    config.write_text(f"[tiers]\nfast = {chain}")
    provider.script = reply(TOO_LONG["openai's code"], 400)

    assert (post(ask("fast")).status, stream(ask("fast")).status) == (200, 200)
    assert (len(provider.received), len(spare.received)) == (2, 2)


@pytest.mark.parametrize(
    "chain",
    [
        '["kimi/a"]',
        '[{ model = "kimi/a", context = 8192 }, { model = "openrouter/b", context = 8192 }]',
        '["kimi/gpt-5", "openrouter/anthropic/claude-haiku-4.5"]',
        '[{ model = "kimi/a", context = 300000 }, "openrouter/openai/gpt-5"]',
    ],
)
def test_a_conversation_too_long_is_400_without_a_model_of_larger_context(
    chain: str, provider: Upstream, spare: Upstream, config: Path
) -> None:
    config.write_text(f"[tiers]\nfast = {chain}")
    provider.script = reply(TOO_LONG["openai's code"], 400)

    result = post(ask("fast"))

    assert (result.status, result.json["error"]["code"]) == (400, "context_length_exceeded")
    assert spare.received == []


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, "Your chosen model requires moderation and your input was flagged"),
        (400, "The request was rejected because it was considered high risk"),
    ],
)
def test_a_content_refusal_is_400_and_does_not_fall_back(
    status: int, message: str, provider: Upstream, spare: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nfast = ["kimi/a", "openrouter/b"]')
    provider.script = reply({"error": {"message": message}}, status)

    result = post(ask("fast"))

    assert (result.status, result.json["error"]["code"]) == (400, "content_filter")
    assert message in result.json["error"]["message"]
    assert (len(provider.received), spare.received) == (1, [])


def test_a_flagged_account_falls_back_to_the_next_model(
    provider: Upstream, spare: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nfast = ["kimi/a", "openrouter/b"]')
    provider.script = reply({"error": {"message": "this account has been flagged"}}, 403)

    result = post(ask("fast"))

    assert (result.status, result.json["provider"]) == (200, "openrouter")


RETRIED: dict[str, tuple[Script, bool]] = {
    "500": (reply({"error": "x"}, 500), True),
    "garbage": (reply(b"<html>"), True),
    "429": (reply({"error": "x"}, 429), True),
    "429 with a wait that SDKs obey": (reply({"error": "x"}, 429, {"Retry-After": "60"}), False),
    "429 with a longer one": (reply({"error": "x"}, 429, {"Retry-After": "61"}), True),
    "503 with a wait that SDKs obey": (reply({"error": "x"}, 503, {"Retry-After": "6"}), False),
    "503 with a wait of nothing": (reply({"error": "x"}, 503, {"Retry-After": "0"}), True),
    "504": (reply({"error": "x"}, 504), True),
    "400": (reply({"error": "x"}, 400), False),
}


@pytest.mark.parametrize("model", ["ollama/llama3.2", "fast"])
@pytest.mark.parametrize("fault", RETRIED)
def test_should_retry_is_false_if_the_gateway_has_retried(
    provider: Upstream, spare: Upstream, model: str, fault: str
) -> None:
    provider.script, refused = RETRIED[fault]
    spare.script = provider.script

    for answer in (post(ask(model)), stream(ask(model))):
        assert answer.status >= 400
        assert (answer.headers.get("x-should-retry") == "false") == refused


@pytest.mark.parametrize("model", ["ollama/llama3.2", "fast"])
def test_a_retry_after_of_a_minute_is_passed_to_the_caller_without_a_wait(
    provider: Upstream, spare: Upstream, model: str
) -> None:
    provider.script = spare.script = reply({"error": "x"}, 429, {"Retry-After": "60"})
    started = time.monotonic()
    result = post(ask(model))

    assert (result.status, result.headers["retry-after"]) == (429, "60")
    assert time.monotonic() - started < 30
    assert (len(provider.received), len(spare.received)) == (1, int(model == "fast"))
