"""llama-server, which echoes a prefill, continues another model's broken stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.programs import Server
from tests.servers.test_parity import direct, events_of, joined
from tests.support import answers
from tests.support.circuits import forget_failures
from tests.support.functions import ask, post, stream
from tests.support.upstream import Upstream, chunked, then_close, upstream

# The constant output of make_model.py's model, which continues every prefix.
TEXT = "abcdefghijklmnopqrstuvwxyz-é€😀."
# Long enough to distinguish an echo from a repetition.
BEGINNING = "The letters, as the first model begins to list them: "


@pytest.fixture
def first(config: Path) -> Iterator[Upstream]:
    """Run a provider that breaks its stream, before llama-server in the tier `t`."""
    with upstream(chunked([])) as server:
        config.write_text(
            config.read_text().replace("[providers.llama]\n", "[providers.llama]\nprefill = true\n")
            + f"""
[providers.first]
dialect = "openai_chat"
base_url = "{server.url}/v1"
[tiers]
t = ["first/a", "llama/alphabet"]
"""
        )
        yield server


def test_this_server_echoes_the_prefill(llama: Server) -> None:
    turns = [*ask("alphabet")["messages"], {"role": "assistant", "content": BEGINNING + "abc"}]

    _, text = direct(llama, {"model": "alphabet", "messages": turns, "stream": True})

    assert joined(events_of(text))["contents"] == {0: BEGINNING + TEXT}


@pytest.mark.parametrize("beginning", [BEGINNING, ""], ids=["long", "short"])
def test_the_text_is_whole_after_a_cut_at_every_position(beginning: str, first: Upstream) -> None:
    for cut in range(1, len(TEXT)):
        forget_failures()
        events = answers.openai_chunks(beginning + TEXT[:cut], done=False, reason=None)
        first.script = then_close(chunked(events))

        *pieces, last = stream(ask("t", temperature=0)).json
        whole = post(ask("t", temperature=0))

        assert "".join(piece.get("content", "") for piece in pieces) == beginning + TEXT, cut
        assert last["rescued"] == {"from": ["first/a"], "by": "llama/alphabet"}
        assert whole.json["content"] == beginning + TEXT, cut
        retried = "" if beginning else "llama: prefill_unclear, "
        attempts = f"first: upstream_error, {retried}llama: ok"
        assert whole.headers["x-chatd-attempts"] == attempts, cut
