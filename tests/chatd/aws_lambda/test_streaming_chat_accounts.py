"""The log and metrics of a stream that ended early."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import answers
from tests.support.functions import ask, stream
from tests.support.upstream import Upstream, head, raw, reply, silent, then_close

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

Emits = Callable[[], "Emitted"]


def closed_after_first_word() -> Any:
    """Send the first word, then close the stream."""
    first = answers.ollama_lines("Hello")[0]
    chunk = b"%x\r\n%s\r\n" % (len(first), first)
    return then_close(raw(head(200, {"Transfer-Encoding": "chunked"}) + chunk))


@pytest.mark.parametrize("tier", [False, True])
def test_a_broken_stream_without_a_fallback_is_one_attempt_with_its_figures(
    provider: Upstream, config: Path, emitted: Emits, tier: bool
) -> None:
    config.write_text('[tiers]\nfast = ["ollama/llama3.2"]')
    provider.script = closed_after_first_word()
    stream(ask("fast" if tier else "llama3.2"))

    output = emitted()
    (line,), (blob,) = output.log, output.metrics
    assert line["error.type"] == "upstream_error"
    assert 0 < line["chatd.first_event_ms"] <= line["chatd.upstream_ms"] + 0.1
    assert line["gen_ai.usage.output_tokens"] == 2
    assert line["chatd.usage_estimated"] is True
    assert "chatd.attempts" not in line
    assert (blob["Requests"], blob["Errors"], blob["OutputTokens"]) == (1, 1, 2)
    assert "GatewayOverhead" in blob


@pytest.mark.parametrize("status", [400, 402])
def test_a_refusal_before_the_first_event_has_no_tokens_and_no_first_event(
    provider: Upstream, emitted: Emits, status: int
) -> None:
    provider.script = reply({"error": "no"}, status)
    stream(ask("llama3.2"))

    output = emitted()
    (line,), (blob,) = output.log, output.metrics
    assert "chatd.first_event_ms" not in line
    assert "gen_ai.usage.output_tokens" not in line
    assert blob["UpstreamLatency"] > 0


def test_a_silence_is_counted_as_the_providers_time(
    provider: Upstream, config: Path, emitted: Emits
) -> None:
    config.write_text("[providers.ollama.timeouts]\nsilence = 0.3")
    provider.script = silent(provider)
    stream(ask("llama3.2"))

    output = emitted()
    (line,), (blob,) = output.log, output.metrics
    assert line["error.type"] == "upstream_timeout"
    assert blob["UpstreamLatency"] >= 290
