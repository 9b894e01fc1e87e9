"""Three providers that answer, fail or are down as they are told, and what must be true of a chat.

Each speaks another dialect, and they are in tiers of every order. What each said is logged, so that
what a caller got can be told right or wrong. It knows nothing of how the chats are thought up.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from chatd.aws_lambda.streaming import CallerGoneError, Collected
from chatd.resilience import retry
from tests.faults.caller import SURFACES, Heard, gateway, hear
from tests.faults.possible_texts import texts, wholes
from tests.support import faults
from tests.support.circuits import Clock, stopped_clock
from tests.support.dialect_streams import DIALECTS, Asked
from tests.support.faults import answers
from tests.support.faulty_upstream import Act, Attempt, Faulty, faulty

# By name, with their dialects.
PROVIDERS = {"one": "ollama", "two": "openai", "three": "ollama generate"}
# Who goes on with what was said; the others can only be asked from the start.
PREFILLED = "two"
TIERS = {
    "forth": ("one", "two", "three"),
    "on": ("two", "three", "one"),
    "back": ("three", "one", "two"),
}
LIMITS = {
    "connect": 2,
    "silence": 0.3,
    "silence_with_fallback": 0.2,
    "first_event": 0.4,
    "gap": 0.25,
    "total": 5,
}
# Seconds for a chat, which the limits bound, with generous room: none may hang.
PATIENCE = 15.0

# What a provider does with an attempt.
GOOD = (*[answers()] * 5, faults.promises_more())
# Over in a moment.
BAD = (
    faults.resets(),
    faults.resets(2),
    faults.resets(7),
    faults.cut(0),
    faults.cut(1),
    faults.cut(4),
    faults.cut(7),
    faults.malformed(0),
    faults.malformed(3),
    faults.malformed(8),
    faults.lacks_end(0),
    faults.lacks_end(2),
    faults.lacks_end(6),
    faults.lacks_end(3, closes=True),
    faults.reports(),
    faults.reports(2),
    faults.promises_less(3),
    faults.refuses(401),
    faults.refuses(402),
    faults.refuses(429),
    faults.refuses(500),
    faults.refuses(503),
)
# What a limit ends.
SLOW = (
    faults.silent(),
    faults.stalls(0),
    faults.stalls(2),
    faults.trickles_headers(0.05),
    faults.never_begins(0.05),
    faults.hangs_at_end(),
    faults.chatters_at_end(0.05),
)


@st.composite
def acts(draw: st.DrawFn) -> Act:
    """What a provider does with an attempt: well more often than not, and seldom slowly."""
    act: Act = draw(st.sampled_from(GOOD * 30 + BAD * 5 + SLOW))
    return act


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat, and what each provider is to do with its attempts, the last from then on.

    Attributes:
        tier: Who may answer.
        path: The surface's.
        stream: Whether to stream.
        agree: Whether all providers say the same.
        leaves: After how many pieces the caller of a stream hangs up, if that is so.
        acts: By provider.

    """

    tier: str
    path: str
    stream: bool
    agree: bool
    leaves: int | None
    acts: tuple[Sequence[Act], ...]


CHAT = st.builds(
    Chat,
    tier=st.sampled_from(sorted(TIERS)),
    path=st.sampled_from(SURFACES),
    stream=st.booleans(),
    agree=st.booleans(),
    leaves=st.sampled_from([None] * 20 + [1, 2, 3]),
    acts=st.tuples(*[st.lists(acts(), min_size=1, max_size=3)] * len(PROVIDERS)),
)


def text_of(provider: str, asked: Asked) -> str:
    """What a provider says: all the same where they agree, and always the same when asked twice.

    What it goes on with depends on all of what it is to go on with, so that no other text fits.
    """
    number, agree = asked.prompt.split()
    if asked.prefill:
        return f"{provider} goes on after {zlib.crc32(asked.prefill.encode())}, and is done."
    voice = "all" if agree == "True" else provider
    return f"Chat {number} is told by {voice} in some {len(number)} words or more."


@dataclass(slots=True)
class World:
    """The providers, what they are to do, and what came of it.

    Attributes:
        clock: What the circuits go by.
        servers: The providers by name.
        acts: What each is still to do in the chat of the moment.
        down: What each does instead that is down.
        asked: Every chat so far.
        answered: How many were answered.
        rescued: How many of them by one model that went on where another broke off.
        diverged: How many streams ended because the next model said something else.

    """

    clock: Clock
    servers: dict[str, Faulty] = field(default_factory=dict)
    acts: dict[str, list[Act]] = field(default_factory=dict)
    down: dict[str, Act] = field(default_factory=dict)
    asked: list[Chat] = field(default_factory=list)
    answered: int = 0
    rescued: int = 0
    diverged: int = 0

    def script(self, provider: str) -> Callable[[Asked], Act]:
        """What a provider does: what it is down with, or the next of what it is to do."""

        def script(_asked: Asked) -> Act:
            left = self.acts[provider]
            return self.down.get(provider) or (left.pop(0) if len(left) > 1 else left[0])

        return script

    def ask(self, chat: Chat) -> None:
        """One chat, and what must be true of it."""
        self.asked.append(chat)
        self.acts = {name: list(acts) for name, acts in zip(PROVIDERS, chat.acts, strict=True)}
        prompt = f"{len(self.asked)} {chat.agree}"
        with redirect_stdout(io.StringIO()) as written:
            sink = Leaving(chat.leaves if chat.stream else None)
            heard = hear(chat.tier, prompt, chat.path, stream=chat.stream, sink=sink)
        attempts = sorted(self.attempts(), key=lambda attempt: attempt.at)
        story = (chat, heard, attempts)
        (line,) = told(written.getvalue())

        assert not chat.stream or heard.text in texts(attempts), story
        if sink.gone:
            assert line["error.type"] == "client_closed", story
            return
        assert heard.took < PATIENCE, story
        assert heard.complete == (heard.error is None), story
        assert ("error.type" in line) == (heard.error is not None), story
        if heard.complete:
            self.answered += 1
            self.rescued += heard.rescued is not None
            assert heard.text in wholes(attempts, live=chat.stream), story
        else:
            self.diverged += is_divergence(heard)
            assert_honest(chat, heard, line, attempts)

    def attempts(self) -> list[Attempt]:
        """What the providers saw since this was asked last."""
        seen = [attempt for server in self.servers.values() for attempt in server.attempts]
        for server in self.servers.values():
            server.attempts.clear()
        return seen


def assert_honest(
    chat: Chat, heard: Heard, line: Mapping[str, Any], attempts: Sequence[Attempt]
) -> None:
    """An error is in place of an answer that nobody has given, after everybody was asked."""
    story = (chat, heard, line, attempts)
    assert heard.status in {200, 429, 502, 503, 504}, story
    assert (heard.text == "") or (chat.stream and heard.status == 200), story
    if heard.code == "upstream_timeout":
        return  # which a busy machine may make of anything
    diverged = is_divergence(heard)
    asked = str(line.get("chatd.attempts", line["gen_ai.provider.name"]))
    assert diverged or all(provider in asked for provider in TIERS[chat.tier]), story
    assert diverged or not any(attempt.whole for attempt in attempts), story


def is_divergence(heard: Heard) -> bool:
    """Whether the error is that what could be said instead does not fit what was sent."""
    assert heard.error
    return "could not be joined to it" in heard.error["message"]


def told(written: str) -> list[Mapping[str, Any]]:
    """The log's lines about chats, among the metrics and what is said of circuits."""
    lines = [json.loads(line) for line in written.splitlines()]
    return [line for line in lines if line.get("message") == "chat"]


class Leaving(Collected):
    """A caller that hangs up after so many pieces, or not at all."""

    def __init__(self, after: int | None) -> None:
        super().__init__()
        self._left = after
        self.gone = False

    def write(self, data: bytes) -> None:
        super().write(data)
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self.gone = True
                raise CallerGoneError


@contextmanager
def a_world(folder: Path) -> Iterator[World]:
    """The providers, and a gateway before them, with limits and waits that are scaled down."""
    with ExitStack() as open_ones, pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "_FIRST_SECONDS", 0.01)
        world = World(open_ones.enter_context(stopped_clock()))
        rows = []
        limits = ", ".join(f"{name} = {seconds}" for name, seconds in LIMITS.items())
        for name, dialect in PROVIDERS.items():
            text = partial(text_of, name)
            server = open_ones.enter_context(faulty(world.script(name), text))
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


def fair(tier: str, path: str, stream: bool) -> Chat:
    """A chat in which nothing goes wrong."""
    return Chat(tier, path, stream, True, None, ([answers()],) * len(PROVIDERS))
