"""Provide a fake Bedrock with a guardrail, and rows that it guards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.bedrock.fake import FakeBedrock, Logged, fake_bedrock
from tests.support.bedrock.signatures import Key
from tests.support.upstream import Upstream

GUARDRAIL = 'guardrail = { id = "gr1", version = "3"'
BLOCKED = "I cannot talk about that."


@pytest.fixture(scope="module")
def running() -> Iterator[FakeBedrock]:
    with fake_bedrock() as server:
        yield server


@pytest.fixture
def bedrock(
    running: FakeBedrock, provider: Upstream, keys: str, monkeypatch: pytest.MonkeyPatch
) -> FakeBedrock:
    """Serve a guardrail that blocks texts with `bomb`, and masks `a@b.example`.

    `provider` and `keys` have an address and a key of Bedrock's row too, so that they come before.
    """
    running.log.clear()
    running.refused.clear()
    running.upcoming.clear()
    running.guard = lambda text: BLOCKED if "bomb" in text else None
    running.mask = lambda text: text.replace("a@b.example", "{EMAIL}")
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK")
    key = Key()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key.secret)
    if key.token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", key.token)
    monkeypatch.setenv("AWS_REGION", running.access.region)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", running.url)
    return running


@pytest.fixture
def guarded(config: Path, keys: str, bedrock: FakeBedrock) -> Callable[..., None]:
    """Return a function that gives rows a guardrail, with more of its fields."""

    def write(*rows: str, more: str = "", head: str = "") -> None:
        tables = "".join(f"[providers.{row}]\n{GUARDRAIL}{more} }}\n" for row in rows)
        config.write_text(head + tables)

    return write


def checks(bedrock: FakeBedrock) -> list[tuple[str, list[str]]]:
    """Return the source and the texts of each check."""
    found: list[tuple[str, list[str]]] = []
    for logged in bedrock.log:
        body: Any = logged.body
        found.append((body["source"], [block["text"]["text"] for block in body["content"]]))
    return found


def first(bedrock: FakeBedrock) -> Logged:
    return bedrock.log[0]
