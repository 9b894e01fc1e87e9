"""Retries, renewed keys and fallbacks: who is asked again, and what the caller is told."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatd import retries
from chatd.deadline import Deadline
from chatd.errors import (
    ChatdError,
    InvalidRequestError,
    QuotaExhaustedError,
    RateLimitedError,
    UpstreamError,
    UpstreamTimeoutError,
)
from chatd.retries import pause
from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import Received, Script, Upstream, chunked, reply, silent, upstream

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.chatd.conftest import Emitted

SOON = Deadline.after(3600)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (UpstreamError("reset"), True),
        (UpstreamTimeoutError("slow"), True),
        (RateLimitedError("later"), True),
        (QuotaExhaustedError("pay"), False),
        (InvalidRequestError("no"), False),
    ],
)
def test_only_what_may_pass_is_asked_again(error: ChatdError, again: bool) -> None:
    assert (pause(error, 0, SOON, fallback=False) is not None) == again


@pytest.mark.parametrize("retried", [0, 1, 2])
def test_a_provider_is_asked_again_twice_at_most(retried: int) -> None:
    assert (pause(UpstreamError("x"), retried, SOON, fallback=False) is None) == (retried == 2)


def test_the_wait_is_drawn_from_a_bound_that_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_FIRST_SECONDS", 0.25)
    longest = [
        pause(UpstreamError("x"), n, SOON, fallback=False, jitter=lambda: 1.0) for n in range(2)
    ]

    assert longest == [0.25, 0.5]


def test_what_the_provider_asks_for_is_obeyed() -> None:
    assert pause(RateLimitedError("x", retry_after=7.5), 0, SOON, fallback=False) == 7.5


@pytest.mark.parametrize(("retry_after", "fallback"), [(60.0, False), (3.0, True)])
def test_a_wait_that_is_too_long_is_the_callers_or_the_next_models(
    retry_after: float, fallback: bool
) -> None:
    deadline = Deadline.after(30)

    error = RateLimitedError("x", retry_after=retry_after)
    assert pause(error, 0, deadline, fallback=fallback) is None


def test_a_silent_provider_is_not_asked_again_if_another_can_be() -> None:
    assert pause(UpstreamTimeoutError("x"), 0, SOON, fallback=True) is None


def failing(times: int, failure: Script) -> Script:
    """A provider that fails so many times and then answers."""
    left = [times]

    def script(connection: socket.socket, received: Received) -> None:
        if left[0] > 0:
            left[0] -= 1
            failure(connection, received)
        elif received.json.get("stream"):
            chunked(answers.stream_for_path(received.path))(connection, received)
        else:
            reply(answers.for_path(received.path))(connection, received)

    return script


@pytest.mark.parametrize("failure", [reply({"error": "x"}, 500), reply({"error": "x"}, 503)])
def test_a_passing_failure_is_invisible_to_the_caller(provider: Upstream, failure: Script) -> None:
    provider.script = failing(2, failure)
    whole = post(ask("m"))
    provider.script = failing(2, failure)
    streamed = stream(ask("m"))

    assert (whole.status, streamed.status) == (200, 200)
    assert whole.headers["x-chatd-attempts"] == streamed.headers["x-chatd-attempts"]


def test_the_wait_that_a_provider_asks_for_passes_before_it_is_asked_again(
    provider: Upstream,
) -> None:
    asked: list[float] = []
    script = failing(1, reply({"error": "x"}, 429, {"retry-after-ms": "300"}))

    def timed(connection: socket.socket, received: Received) -> None:
        asked.append(time.monotonic())
        script(connection, received)

    provider.script = timed
    post(ask("m"))

    assert asked[1] - asked[0] >= 0.3


def test_every_attempt_is_counted_under_its_provider(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    provider.script = failing(1, reply({"error": "x"}, 500))
    post(ask("m"))

    told = emitted()
    (line,) = told.log
    requests = [blob["Provider"] for blob in told.metrics if "Requests" in blob]
    errors = [blob["Kind"] for blob in told.metrics if "Errors" in blob]
    assert (requests, errors) == (["ollama", "ollama"], ["upstream_error"])
    assert line["chatd.attempts"] == "ollama: upstream_error, ollama: ok"


@pytest.fixture
def spare(monkeypatch: pytest.MonkeyPatch, config: Path, keys: str) -> Iterator[Upstream]:
    """OpenRouter, where the tier `fast` goes when Ollama fails."""
    config.write_text('[tiers]\nfast = ["ollama/llama3.2", "openrouter/v/m"]\n')

    def speak(connection: socket.socket, received: Received) -> None:
        failing(0, reply({}))(connection, received)

    with upstream(speak) as server:
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.url)
        yield server


FALLS: dict[str, Any] = {
    "500": (reply({"error": "x"}, 500), 3),
    "429 with a long wait": (reply({"error": "x"}, 429, {"Retry-After": "60"}), 1),
    "a spent quota": (reply({"error": "x"}, 402), 1),
    "a refused key": (reply({"error": "x"}, 401), 1),
    "no such model": (reply({"error": "x"}, 404), 1),
    "garbage": (reply(b"<html>"), 3),
}


@pytest.mark.parametrize("fault", FALLS)
def test_the_next_model_of_a_tier_answers(provider: Upstream, spare: Upstream, fault: str) -> None:
    provider.script, asked = FALLS[fault]

    result = post(ask("fast"))

    assert (result.status, result.json["provider"]) == (200, "openrouter")
    assert (len(provider.received), len(spare.received)) == (asked, 1)
    assert result.headers["x-chatd-attempts"].endswith("openrouter: ok")


@pytest.mark.parametrize("fault", FALLS)
def test_the_next_model_of_a_tier_streams(provider: Upstream, spare: Upstream, fault: str) -> None:
    provider.script, _ = FALLS[fault]

    streamed = stream(ask("fast"))

    assert streamed.json[-1]["provider"] == "openrouter"
    assert streamed.headers["x-chatd-attempts"].endswith("openrouter: ok")


def test_a_silent_provider_is_given_up_for_the_next_and_not_asked_again(
    provider: Upstream, spare: Upstream, config: Path
) -> None:
    text = config.read_text("utf-8")
    config.write_text(f"{text}[providers.ollama.timeouts]\nsilence_with_fallback = 0.2\n")
    provider.script = silent(provider)

    streamed = stream(ask("fast"))

    assert streamed.json[-1]["provider"] == "openrouter"
    assert len(provider.received) == 1


def test_retries_draw_on_one_deadline(provider: Upstream, config: Path) -> None:
    config.write_text("[providers.ollama.timeouts]\ntotal = 0.5")
    provider.script = reply({"error": "x"}, 429, {"retry-after-ms": "200"})
    started = time.monotonic()

    assert post(ask("m")).status == 429
    assert time.monotonic() - started < 10
    assert len(provider.received) < 4


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_request_does_not_fall_through(
    provider: Upstream, spare: Upstream, status: int
) -> None:
    provider.script = reply({"error": "the reason"}, status)

    result = post(ask("fast"))

    assert result.status == 400
    assert "the reason" in result.json["error"]["message"]
    assert spare.received == []


def test_without_a_chain_nothing_falls_through(provider: Upstream, spare: Upstream) -> None:
    provider.script = reply({"error": "x"}, 500)

    assert post(ask("ollama/llama3.2")).status == 502
    assert spare.received == []


def test_when_all_fail_the_last_failure_is_told_with_the_story(
    provider: Upstream, spare: Upstream
) -> None:
    provider.script = reply({"error": "x"}, 402)
    spare.script = reply({"error": "x"}, 403)

    result = post(ask("fast"))

    assert result.json["error"]["provider"] == "openrouter"
    assert result.headers["x-chatd-attempts"] == (
        "ollama: insufficient_quota, openrouter: upstream_auth_error"
    )


def test_nothing_of_one_provider_reaches_another(
    provider: Upstream, spare: Upstream, keys: str
) -> None:
    provider.script = reply({"error": "x"}, 402)
    post(ask("fast"))

    assert "authorization" not in provider.last.headers
    assert spare.last.headers["authorization"] == f"Bearer {keys}"
    assert spare.last.json["model"] == "v/m"


def test_attempts_of_a_chain_are_counted_under_their_own_providers(
    provider: Upstream, spare: Upstream, emitted: Callable[[], Emitted]
) -> None:
    provider.script = reply({"error": "x"}, 402)
    post(ask("fast"))

    told = emitted()
    requests = [(blob["Provider"], blob["Model"]) for blob in told.metrics if "Requests" in blob]
    assert requests == [("ollama", "llama3.2"), ("openrouter", "v/m")]


SECRET = "chatd/providers"


def test_the_secret_is_not_fetched_at_every_refusal(
    provider: Upstream, secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.script = reply({"error": "x"}, 401)
    secrets_manager.create_secret(Name=SECRET, SecretString='{"KIMI_API_KEY": "sk-old"}')
    monkeypatch.setenv("CHATD_SECRET_ID", SECRET)
    post(ask("kimi/k3"))
    secrets_manager.put_secret_value(SecretId=SECRET, SecretString='{"KIMI_API_KEY": "sk-new"}')
    post(ask("kimi/k3"))

    bearers = {received.headers["authorization"] for received in provider.received}
    assert bearers == {"Bearer sk-old"}


def test_a_key_that_was_rotated_since_is_fetched_and_tried_once(
    provider: Upstream, secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(connection: socket.socket, received: Received) -> None:
        known = received.headers["authorization"] == "Bearer sk-new"
        body = reply(answers.openai_chat()) if known else reply({"error": "x"}, 401)
        body(connection, received)

    secrets_manager.create_secret(Name=SECRET, SecretString='{"KIMI_API_KEY": "sk-old"}')
    monkeypatch.setenv("CHATD_SECRET_ID", SECRET)
    post(ask("kimi/k3"))
    provider.script = script
    secrets_manager.put_secret_value(SecretId=SECRET, SecretString='{"KIMI_API_KEY": "sk-new"}')

    healed = post(ask("kimi/k3"))

    assert healed.status == 200
    assert [received.headers["authorization"] for received in provider.received[1:]] == [
        "Bearer sk-old",
        "Bearer sk-new",
    ]


TOO_LONG: dict[str, dict[str, Any]] = {
    "openai's code": {"error": {"message": "x", "code": "context_length_exceeded"}},
    "openrouter's words": {
        "error": {"message": "maximum context length is 8192 tokens", "code": 400}
    },
    "ollama's words": {"error": "the input length exceeds the context length"},
    "kimi's words": {"error": {"message": "Your request exceeded model token limit: 8192"}},
}


@pytest.mark.parametrize("words", TOO_LONG)
def test_a_conversation_too_long_goes_to_the_next_model_that_reads_more(
    words: str, provider: Upstream, spare: Upstream, config: Path
) -> None:
    config.write_text(
        """[tiers]
        fast = [
          { model = "kimi/small", context = 8192 },
          { model = "kimi/smaller", context = 4096 },
          "kimi/unknown",
          { model = "openrouter/large", context = 200000 },
        ]"""
    )
    provider.script = reply(TOO_LONG[words], 400)

    result = post(ask("fast"))

    assert (result.status, result.json["provider"]) == (200, "openrouter")
    assert [received.json["model"] for received in provider.received] == ["small"]
    assert result.headers["x-chatd-attempts"] == "kimi: context_length_exceeded, openrouter: ok"


@pytest.mark.parametrize("chain", ['["kimi/a", "openrouter/b"]', '["kimi/a"]'])
def test_a_conversation_too_long_is_the_callers_where_chatd_toml_names_no_larger_model(
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
def test_a_content_refusal_is_the_callers_and_nobody_else_is_asked(
    status: int, message: str, provider: Upstream, spare: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nfast = ["kimi/a", "openrouter/b"]')
    provider.script = reply({"error": {"message": message}}, status)

    result = post(ask("fast"))

    assert (result.status, result.json["error"]["code"]) == (400, "content_filter")
    assert message in result.json["error"]["message"]
    assert (len(provider.received), spare.received) == (1, [])


def test_a_flagged_account_is_the_keys_affair_and_the_next_model_answers(
    provider: Upstream, spare: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nfast = ["kimi/a", "openrouter/b"]')
    provider.script = reply({"error": {"message": "this account has been flagged"}}, 403)

    result = post(ask("fast"))

    assert (result.status, result.json["provider"]) == (200, "openrouter")
