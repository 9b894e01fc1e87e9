"""Take keys, quotes of a conversation and AWS identifiers out of a provider's messages.

Providers quote the request in refusals. The caller may see the reason, and Lambda logs the message
of a direct invocation's exception, so neither may hold a key or a prompt. The work is proportional
to the length of the conversation (docs/decisions/0005-redaction-of-provider-messages.md).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from chatd.credentials.text_normalization import Spelled, decoded_runs, normal, spelled

MAX_READ = 4_000
"""Characters of a provider's message that are read; the rest is dropped."""
MAX_SHOWN = 400
"""Characters that are left of them at most."""
_HIDDEN = "[…]"
_QUOTE = 16  # consecutive characters, without white space, that two unrelated texts hardly share
_KEY_PART = 8
_SHORTEST = 4
# Every run of `_QUOTE` characters holds one of `_SAMPLE` characters that starts at a multiple of
# `_STRIDE`: one lookup per `_STRIDE` characters finds them all.
_SAMPLE = 8
_STRIDE = _QUOTE - _SAMPLE + 1
_MARKS = ('"', "'", "`", "\u2018", "\u2019", "\u201c", "\u201d", "«", "»")
_AWS = re.compile(r"arn:aws[a-z-]*:[^\s\"'<>,;)\]}]*|(?<![0-9])[0-9]{12}(?![0-9])")


@dataclass(slots=True)
class _Quotes:
    """The runs of characters that a provider's messages and the prompts share.

    Attributes:
        samples: Every run of `_SAMPLE` characters of the messages.
        runs: Every run of `_QUOTE` characters.
        shared: The runs that a prompt has too.
        short: Prompts shorter than a run, hidden where they occur whole.
        ordinary: Short prompts of one word or number, hidden only between quotation marks.

    """

    samples: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)
    ordinary: set[str] = field(default_factory=set)

    def add_message(self, text: str) -> None:
        """Collect the runs of a message in its normal form."""
        self.samples.update(_runs(text, _SAMPLE))
        self.runs.update(_runs(text, _QUOTE))

    def add_prompt(self, prompt: str) -> None:
        """Note the runs that a prompt has too."""
        if len(prompt) < _SHORTEST:
            return
        text = normal(prompt)
        if len(text) < _QUOTE:
            if len(text) >= _SHORTEST:
                (self.ordinary if _is_ordinary(prompt) else self.short).add(text)
            return
        for sampled in range(0, len(text) - _SAMPLE + 1, _STRIDE):
            if text[sampled : sampled + _SAMPLE] in self.samples:
                for start in range(max(0, sampled - _STRIDE + 1), sampled + 1):
                    run = text[start : start + _QUOTE]
                    if run in self.runs:
                        self.shared.add(run)


def redacted(
    texts: Sequence[str],
    *,
    secrets: Iterable[str],
    prompts: Iterable[str],
    kept: Collection[str] = (),
) -> list[str]:
    """Return the texts without secrets and quotes, each cut to 400 characters.

    A quote is a run of 16 characters or more of a prompt; white space, letter case, quotation
    marks and the escapes of JSON, HTML and URLs make no difference, and base64 is decoded. A
    shorter prompt is taken out where it occurs whole; a single word or number only between
    quotation marks, because the provider may use it as an ordinary word.

    Args:
        texts: A provider's messages; only the first 4,000 characters of each are used.
        secrets: Keys; every part of 8 characters or more is taken out.
        prompts: All texts of the conversation.
        kept: Names that the texts may hold, such as the model's.

    """
    messages = [spelled(text[:MAX_READ]) for text in texts]
    blobs = [decoded_runs(spelling.text) for spelling in messages]
    quotes = _Quotes()
    for spelling, coded in zip(messages, blobs, strict=True):
        quotes.add_message(spelling.normal)
        for content, _ in coded:
            quotes.add_message(content)
    for prompt in prompts:
        quotes.add_prompt(prompt)
    keys = _key_parts(secrets, quotes)
    return [
        _shown(spelling, coded, quotes, keys, kept)
        for spelling, coded in zip(messages, blobs, strict=True)
    ]


def _shown(
    message: Spelled,
    coded: Sequence[tuple[str, tuple[int, int]]],
    quotes: _Quotes,
    keys: Collection[str],
    kept: Collection[str],
) -> str:
    hidden = bytearray(len(message.text))
    for start, end in (*_quoted(message, quotes), *_whole(message, quotes)):
        _mark(hidden, start, end)
    for name in kept:
        for match in re.finditer(re.escape(name), message.text) if name else ():
            _mark(hidden, *match.span(), value=0)
    for content, (start, end) in coded:
        if _has(content, quotes.shared, _QUOTE) or _has(content, keys, _KEY_PART):
            _mark(hidden, start, end)
    for n in range(len(message.normal) - _KEY_PART + 1):
        if message.normal[n : n + _KEY_PART] in keys:
            _mark(hidden, *message.span(n, n + _KEY_PART))
    for match in _AWS.finditer(message.text):
        _mark(hidden, *match.span())
    visible = _without(message.text, hidden)
    return visible if len(visible) <= MAX_SHOWN else visible[:MAX_SHOWN] + "…"


def _quoted(message: Spelled, quotes: _Quotes) -> Iterable[tuple[int, int]]:
    """Find the places of quotes of long prompts."""
    for n in range(len(message.normal) - _QUOTE + 1):
        if message.normal[n : n + _QUOTE] in quotes.shared:
            yield message.span(n, n + _QUOTE)


def _whole(message: Spelled, quotes: _Quotes) -> Iterable[tuple[int, int]]:
    """Find the places of whole short prompts."""
    if not quotes.short and not quotes.ordinary:
        return
    for n in range(len(message.normal)):
        if not message.starts_word(n):
            continue
        for end in range(n + _SHORTEST, min(n + _QUOTE, len(message.normal) + 1)):
            text = message.normal[n:end]
            is_quote = text in quotes.short and message.ends_word(end)
            if is_quote or (text in quotes.ordinary and _between_marks(message, n, end)):
                yield message.span(n, end)


def _between_marks(message: Spelled, start: int, end: int) -> bool:
    first, last = message.span(start, end)
    before, after = message.text[:first].rstrip("\\"), message.text[last:].lstrip("\\")
    return before.endswith(_MARKS) and after.startswith(_MARKS)


def _is_ordinary(prompt: str) -> bool:
    """Whether a text is one word of an alphabet with cases, or one number."""
    word = prompt.strip()
    if not word.isalpha():
        return word.isdecimal()
    return all(character.lower() != character.upper() for character in word)


def _key_parts(secrets: Iterable[str], quotes: _Quotes) -> set[str]:
    """Return every part of the keys to hide; a key too short for parts counts as a short text."""
    parts: set[str] = set()
    for secret in secrets:
        text = normal(secret)
        if len(text) < _KEY_PART:
            quotes.short.add(text)
            continue
        parts.update(_runs(text, _KEY_PART))
        for shift in range(3):  # the offsets of the key within a base64 text
            coded = b64encode(b"\0" * shift + secret.encode("utf-8", "replace")).decode()
            parts.update(_runs(normal(coded[4 if shift else 0 : -4]), _KEY_PART))
    return parts


def _runs(text: str, size: int) -> Iterable[str]:
    return (text[n : n + size] for n in range(len(text) - size + 1))


def _has(text: str, runs: Collection[str], size: int) -> bool:
    return any(run in runs for run in _runs(text, size))


def _mark(hidden: bytearray, start: int, end: int, *, value: int = 1) -> None:
    hidden[start:end] = bytes([value]) * (end - start)


def _without(text: str, hidden: bytearray) -> str:
    pieces = []
    for n, character in enumerate(text):
        if not hidden[n]:
            pieces.append(character)
        elif n == 0 or not hidden[n - 1]:
            pieces.append(_HIDDEN)
    return "".join(pieces)
