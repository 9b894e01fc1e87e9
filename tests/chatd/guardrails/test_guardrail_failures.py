"""A guardrail without a verdict lets nothing pass, unless chatd.toml says otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chatd.guardrails.conftest import BLOCKED, GUARDRAIL, checks
from tests.support import answers
from tests.support.bedrock.errors import BedrockError
from tests.support.bedrock.fake import FakeBedrock
from tests.support.functions import Streamed, ask, post, stream
from tests.support.upstream import Upstream, chunked, raw, reply, then_close, upstream

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

Write = Callable[..., None]
ARN = "arn:aws:iam::123456789012:role/x"
DENIED = BedrockError("AccessDeniedException", f"User: {ARN} is not authorized")
THROTTLED = BedrockError("ThrottlingException", "Too many requests")
WORDS = ["All is well. "] * 100


def text_of(pieces: list[dict[str, str]]) -> str:
    return "".join(piece.get("content", "") for piece in pieces)


@pytest.mark.parametrize("streamed", [False, True])
def test_an_unreachable_guardrail_is_503_and_the_provider_gets_nothing(
    guarded: Write, provider: Upstream, monkeypatch: pytest.MonkeyPatch, *, streamed: bool
) -> None:
    guarded("groq")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9")
    result = stream(ask("groq/m")) if streamed else post(ask("groq/m"))
    body = result.body if isinstance(result, Streamed) else json.dumps(result.json)
    error = json.loads(body)["error"]

    assert (result.status, error["code"]) == (503, "guardrail_unavailable")
    assert "Say hello." not in error["message"]
    assert provider.received == []


def test_the_owner_may_let_texts_pass_without_a_verdict(
    guarded: Write,
    provider: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    emitted: Callable[[], Emitted],
) -> None:
    guarded("groq", more=', unavailable = "pass"')
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9")

    assert post(ask("groq/m")).json["content"] == "Hello!"
    assert emitted().log[-1]["chatd.guardrail"] == "unavailable"


def test_a_refusal_of_aws_is_named_without_its_arn(
    guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    guarded("groq")
    bedrock.upcoming.append(DENIED)
    result = post(ask("groq/m"))

    assert result.json["error"]["message"] == (
        "the guardrail could not be applied: AccessDeniedException"
    )
    assert len(bedrock.log) == 1
    assert provider.received == []


def test_a_throttled_check_is_repeated_once(
    guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    guarded("groq")
    bedrock.upcoming.append(THROTTLED)
    assert post(ask("groq/m")).status == 200

    bedrock.upcoming.extend((THROTTLED, THROTTLED))
    result = post(ask("groq/m"))
    assert (result.status, result.json["error"]["code"]) == (503, "guardrail_unavailable")


@pytest.mark.parametrize(
    "verdict", [b"[]", b"{", b'{"action": "GUARDRAIL_INTERVENED", "outputs": [7]}', b"{}", b""]
)
def test_a_malformed_verdict_lets_nothing_pass(
    verdict: bytes, guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    guarded("groq")
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(verdict)}\r\n\r\n".encode()
    bedrock.upcoming.append(raw(head + verdict))

    assert post(ask("groq/m")).json["error"]["message"] == (
        "the guardrail could not be applied: malformed verdict"
    )


def test_a_bearer_token_of_bedrock_proves_the_gateway_too(
    guarded: Write, bedrock: FakeBedrock, provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded("groq")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", min(bedrock.access.api_keys))

    assert post(ask("groq/m")).status == 200
    assert {logged.way for logged in bedrock.log} == {"api key"}


def test_an_outage_in_mid_stream_ends_the_stream_with_an_error(
    guarded: Write, bedrock: FakeBedrock, provider: Upstream
) -> None:
    guarded("groq", head='[tiers]\nt = ["groq/m", "together/m"]\n')
    provider.script = chunked(answers.openai_chunks(*WORDS, "unchecked"))
    seen: list[str] = []

    def guard(text: str) -> str | None:
        seen.append(text)
        if len(seen) == 2:
            bedrock.upcoming.extend((DENIED,))
        return None

    bedrock.guard = guard
    *pieces, last = stream(ask("t")).json

    assert last["error"]["code"] == "guardrail_unavailable"
    assert text_of(pieces) == "".join(WORDS)[: len(text_of(pieces))]
    assert 0 < len(text_of(pieces)) < len("".join(WORDS))
    assert len(provider.received) == 1  # no other model takes over


@pytest.mark.usefixtures("keys")
def test_a_failover_in_mid_stream_continues_from_the_checked_text(
    config: Path, bedrock: FakeBedrock, provider: Upstream
) -> None:
    """The first model breaks off behind text that waits for its check."""
    part = answers.openai_chunks(*WORDS, "A bomb", done=False, reason=None)
    with upstream(then_close(chunked(part))) as first:
        config.write_text(f"""
[tiers]
t = ["first/a", "openrouter/b"]
[providers.first]
dialect = "openai_chat"
base_url = "{first.url}/v1"
{GUARDRAIL} }}
[providers.openrouter]
{GUARDRAIL} }}
""")
        provider.script = chunked(answers.openai_chunks("And ", "so on."))
        pieces = stream(ask("t")).json

    sent = provider.last.json["messages"][-1]
    assert sent["role"] == "assistant"
    assert "".join(WORDS).startswith(sent["content"])
    assert text_of(pieces) == f"{sent['content']}And so on."
    sources = [source for source, _ in checks(bedrock)]
    assert (sources[0], sources.count("INPUT")) == ("INPUT", 1)
    assert checks(bedrock)[-1] == ("OUTPUT", ["And so on."])


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("pieces", [1, 40, 77, 78, 100])
def test_wherever_a_stream_breaks_off_only_checked_text_was_sent(
    pieces: int, config: Path, bedrock: FakeBedrock, provider: Upstream
) -> None:
    """The next model repeats the answer, and comes to a blocked phrase."""
    part = answers.openai_chunks(*WORDS[:pieces], done=False, reason=None)
    with upstream(then_close(chunked(part))) as first:
        config.write_text(f"""
[tiers]
t = ["first/a", "groq/b"]
[providers.first]
dialect = "openai_chat"
base_url = "{first.url}/v1"
{GUARDRAIL} }}
[providers.groq]
{GUARDRAIL} }}
""")
        provider.script = chunked(answers.openai_chunks(*WORDS, "A bomb", " of words."))
        answer = stream(ask("t")).json

    sent = text_of(answer)
    assert sent.endswith(BLOCKED)
    assert "".join(WORDS).startswith(sent.removesuffix(BLOCKED))
    assert answer[-1]["finish_reason"] == "content_filter"


def test_the_log_has_the_time_the_units_and_the_outcome(
    guarded: Write, bedrock: FakeBedrock, provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    guarded("groq")
    provider.script = reply(answers.openai_chat("A bomb"))
    post(ask("groq/m", "x" * 1500))

    log = emitted().log[-1]
    assert log["chatd.guardrail"] == "blocked"
    assert log["chatd.guardrail_units"] == 3
    assert log["chatd.guardrail_ms"] > 0
    assert log["gen_ai.response.finish_reasons"] == ["content_filter"]
    assert log["gen_ai.usage.input_tokens"] == 11
    assert "bomb" not in json.dumps(log)


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("masks_more", [False, True])
def test_a_fallback_with_another_guardrail_gets_the_masks_of_both(
    config: Path, bedrock: FakeBedrock, provider: Upstream, *, masks_more: bool
) -> None:
    """The second check has the masked text of the first one."""

    def mask(text: str) -> str:
        text = text.replace("a@b.example", "{EMAIL}")
        return text.replace("Ann", "{NAME}") if masks_more and "{EMAIL}" in seen[-1] else text

    seen = [""]

    def guard(text: str) -> None:
        seen.append(text)

    bedrock.guard, bedrock.mask = guard, mask
    provider.script = reply(answers.openai_chat("Hello!"))
    other = GUARDRAIL.replace("gr1", "gr2")
    with upstream(reply({"error": {"message": "down"}}, 503)) as down:
        config.write_text(f"""
[tiers]
t = ["first/a", "groq/b"]
[providers.first]
dialect = "openai_chat"
base_url = "{down.url}/v1"
{GUARDRAIL} }}
[providers.groq]
{other} }}
""")
        assert post(ask("t", "Ann is a@b.example.")).status == 200

    name = "{NAME}" if masks_more else "Ann"
    assert down.last.json["messages"][-1]["content"] == "Ann is {EMAIL}."
    assert provider.last.json["messages"][-1]["content"] == f"{name} is {{EMAIL}}."
