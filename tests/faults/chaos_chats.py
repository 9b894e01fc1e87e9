"""Draw random chats, with the acts of three providers for each."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.faults.caller import SURFACES
from tests.support import faults
from tests.support.dialect_streams import ChatRequest
from tests.support.faults import answers
from tests.support.faulty_upstream import Act

# Name and dialect of each provider.
PROVIDERS = {
    "one": "ollama",
    "two": "openai",
    "three": "ollama generate",
    "four": "anthropic",
    "five": "responses",
}
# The provider that continues a prefill; the others start again.
PREFILLED = "two"
TIERS = {
    "forth": ("one", "two", "three"),
    "on": ("four", "two", "five"),
    "back": ("three", "five", "one"),
    "over": ("five", "four", "two"),
}
# Acts that succeed.
GOOD = (*[answers()] * 5, faults.promises_more())
# Acts that fail at once.
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
# Acts that a limit ends.
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
    """Draw a provider's act: mostly a success, rarely a slow failure."""
    act: Act = draw(st.sampled_from(GOOD * 30 + BAD * 5 + SLOW))
    return act


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat, and each provider's acts; the last act repeats.

    Attributes:
        tier: The tier's name.
        path: The surface's path.
        stream: Whether to stream.
        agree: Whether all providers have the same text.
        leaves: Number of pieces after which the caller of a stream hangs up, or None.
        acts: The acts of each provider.

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


def text_of(provider: str, request: ChatRequest) -> str:
    """Return a provider's text: constant per chat, and equal for all providers that agree.

    The continuation of a prefill depends on the whole prefill, so no other text fits.
    """
    number, agree = request.prompt.split()
    if request.prefill:
        return f"{provider} goes on after {zlib.crc32(request.prefill.encode())}, and is done."
    author = "all" if agree == "True" else provider
    return f"Chat {number} is written by {author} in some {len(number)} words or more."


def chat_without_faults(tier: str, path: str, stream: bool) -> Chat:
    """Return a chat without a fault."""
    return Chat(tier, path, stream, True, None, ([answers()],) * len(PROVIDERS))
