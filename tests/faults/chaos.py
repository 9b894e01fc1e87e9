"""Run three providers with scripted faults, send chats, and assert each chat's invariants.

Each provider has another dialect, and tiers have them in every order. The providers log their
responses, from which the possible answers follow.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chatd.aws_lambda.streaming import CallerGoneError, Collected
from chatd.resilience import retry
from tests.faults.caller import Received, gateway, send_chat
from tests.faults.chaos_chats import PREFILLED, PROVIDERS, TIERS, Chat, text_of
from tests.faults.possible_texts import possible_texts, whole_texts
from tests.support.circuits import Clock, stopped_clock
from tests.support.dialect_streams import DIALECTS, ChatRequest
from tests.support.faulty_upstream import Act, Attempt, FaultyUpstream, faulty_upstream

LIMITS = {
    "connect": 2,
    "silence": 0.3,
    "silence_with_fallback": 0.2,
    "first_event": 0.4,
    "gap": 0.25,
    "total": 5,
}
# Seconds for a chat: above the limits, so that only a hang exceeds them.
CHAT_SECONDS = 15.0


@dataclass(slots=True)
class World:
    """The providers, their acts, and the counts of outcomes.

    Attributes:
        clock: The clock of the breakers.
        servers: The providers by name.
        acts: The remaining acts of each provider for the current chat.
        down: The act of a provider during its outage.
        chats: All chats so far.
        answered: Number of whole answers.
        rescued: Number of whole answers with a mid-stream failover.
        diverged: Number of streams that ended since the fallback diverged.

    """

    clock: Clock
    servers: dict[str, FaultyUpstream] = field(default_factory=dict)
    acts: dict[str, list[Act]] = field(default_factory=dict)
    down: dict[str, Act] = field(default_factory=dict)
    chats: list[Chat] = field(default_factory=list)
    answered: int = 0
    rescued: int = 0
    diverged: int = 0

    def script(self, provider: str) -> Callable[[ChatRequest], Act]:
        """Return a provider's script: its outage's act, or the next of its acts."""

        def script(_request: ChatRequest) -> Act:
            left = self.acts[provider]
            return self.down.get(provider) or (left.pop(0) if len(left) > 1 else left[0])

        return script

    def send(self, chat: Chat) -> None:
        """Send one chat, and assert its invariants."""
        self.chats.append(chat)
        self.acts = {name: list(acts) for name, acts in zip(PROVIDERS, chat.acts, strict=True)}
        prompt = f"{len(self.chats)} {chat.agree}"
        with redirect_stdout(io.StringIO()) as written:
            sink = HangUpSink(chat.leaves if chat.stream else None)
            received = send_chat(chat.tier, prompt, chat.path, stream=chat.stream, sink=sink)
        attempts = sorted(self.attempts(), key=lambda attempt: attempt.at)
        context = (chat, received, attempts)
        (line,) = chat_lines(written.getvalue())

        assert not chat.stream or received.text in possible_texts(attempts), context
        if sink.hung_up:
            assert line["error.type"] == "client_closed", context
            return
        assert received.took < CHAT_SECONDS, context
        assert received.complete == (received.error is None), context
        assert ("error.type" in line) == (received.error is not None), context
        if received.complete:
            self.answered += 1
            self.rescued += received.rescued is not None
            assert received.text in whole_texts(attempts, live=chat.stream), context
        else:
            self.diverged += is_divergence(received)
            assert_honest(chat, received, line, attempts)

    def attempts(self) -> list[Attempt]:
        """Return and clear the providers' attempts."""
        logged = [attempt for server in self.servers.values() for attempt in server.attempts]
        for server in self.servers.values():
            server.attempts.clear()
        return logged


def assert_honest(
    chat: Chat, received: Received, line: Mapping[str, Any], attempts: Sequence[Attempt]
) -> None:
    """Assert that a failed chat has no whole answer, and that every provider was tried."""
    context = (chat, received, line, attempts)
    assert received.status in {200, 429, 502, 503, 504, 529}, context
    assert (received.text == "") or (chat.stream and received.status == 200), context
    if received.code == "upstream_timeout":
        return  # a busy machine may turn any chat into a timeout
    diverged = is_divergence(received)
    tried = str(line.get("chatd.attempts", line["gen_ai.provider.name"]))
    assert diverged or all(provider in tried for provider in TIERS[chat.tier]), context
    assert diverged or not any(attempt.whole for attempt in attempts), context


def is_divergence(received: Received) -> bool:
    """Return whether the fallback's text did not continue the text already sent."""
    assert received.error
    return "could not be joined to it" in received.error["message"]


def chat_lines(written: str) -> list[Mapping[str, Any]]:
    """Return the log's lines about chats, without metrics and lines about breakers."""
    lines = [json.loads(line) for line in written.splitlines()]
    return [line for line in lines if line.get("message") == "chat"]


class HangUpSink(Collected):
    """A caller that hangs up after `after` pieces, or never."""

    def __init__(self, after: int | None) -> None:
        super().__init__()
        self._left = after
        self.hung_up = False

    def write(self, data: bytes) -> None:
        super().write(data)
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self.hung_up = True
                raise CallerGoneError


@contextmanager
def running_world(folder: Path) -> Iterator[World]:
    """Run the providers and a gateway, with short limits and waits."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "_FIRST_SECONDS", 0.01)
        world = World(stack.enter_context(stopped_clock()))
        rows = []
        limits = ", ".join(f"{name} = {seconds}" for name, seconds in LIMITS.items())
        for name, dialect in PROVIDERS.items():
            text = partial(text_of, name)
            server = stack.enter_context(faulty_upstream(world.script(name), text))
            world.servers[name] = server
            prefill = str(name == PREFILLED).lower()
            rows.append(
                f'[providers.{name}]\nbase_url = "{server.url}"\nprefill = {prefill}\n'
                f"timeouts = {{ {limits} }}\n{DIALECTS[dialect].toml}\n"
            )
        tiers = [f"{tier} = {[f'{name}/m' for name in names]}\n" for tier, names in TIERS.items()]
        config = folder / "chatd.toml"
        config.write_text("".join([*rows, "[tiers]\n", *tiers]))
        with gateway(config):
            yield world
