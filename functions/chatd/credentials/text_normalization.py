"""Convert differently escaped copies of a text to one normal form for comparison.

Letter case, white space, quotation marks and backslashes are dropped; the escapes of JSON, HTML
and URLs are decoded.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

_NOISE = re.compile(r"[\s\\\"'`\u00ad\u200b-\u200f\u2060\ufeff\x00-\x1f]+")
# A run of backslashes is matched only from its start and as a whole: matching from each backslash
# would take quadratic time.
_ESCAPE = re.compile(
    r"(?P<unicode>(?<!\\)(?:\\++u[0-9A-Fa-f]{4})+)"
    r"|(?P<control>(?<!\\)\\++[bfnrt])"
    r"|(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|&(?P<entity>lt|gt|amp|quot|apos|nbsp|\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6});"
)
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": "", "apos": "", "nbsp": ""}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}")
_HEX_DIGITS = re.compile(r"u([0-9A-Fa-f]{4})")


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text and its normal form.

    Attributes:
        text: The text.
        normal: Its normal form.
        spans: For each character of the normal form, its place in the text.

    """

    text: str
    normal: str
    spans: list[tuple[int, int]]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the text of characters `start` to `end` of the normal form."""
        return self.spans[start][0], self.spans[end - 1][1]

    def starts_word(self, place: int) -> bool:
        """Whether a word of the text begins at this character of the normal form."""
        return place == 0 or self._is_edge(place)

    def ends_word(self, place: int) -> bool:
        """Whether a word of the text ends before this character of the normal form."""
        return place == len(self.normal) or self._is_edge(place)

    def _is_edge(self, place: int) -> bool:
        """Whether a word may start or end between this character and the one before."""
        apart = self.spans[place - 1][1] < self.spans[place][0]
        return apart or not (_joins(self.normal[place - 1]) and _joins(self.normal[place]))


def normal(text: str) -> str:
    """Return the normal form of a text, in time proportional to its length."""
    if "\\" in text or "%" in text or "&" in text:
        text = _ESCAPE.sub(_decoded, text)
    return _NOISE.sub("", text.casefold())


def spelled(text: str) -> Spelled:
    """Return a text with its normal form, character by character."""
    characters: list[str] = []
    spans: list[tuple[int, int]] = []
    for piece, span in _pieces(text):
        form = _NOISE.sub("", piece.casefold())
        characters.append(form)
        spans += [span] * len(form)
    return Spelled(text, "".join(characters), spans)


def decoded_runs(text: str) -> list[tuple[str, tuple[int, int]]]:
    """Decode the parts of a text that look like base64; return their normal forms and places."""
    decoded = []
    for match in _BASE64.finditer(text):
        coded = match[0].replace("-", "+").replace("_", "/")
        for shift in range(4):
            part = coded[shift:]
            content = b64decode(part[: len(part) // 4 * 4]).decode("utf-8", "ignore")
            decoded.append((normal(content), match.span()))
    return decoded


def _pieces(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the characters of a text with escapes decoded, and the place of each."""
    position = 0
    for match in _ESCAPE.finditer(text):
        for n in range(position, match.start()):
            yield text[n], (n, n + 1)
        yield _decoded(match), match.span()
        position = match.end()
    for n in range(position, len(text)):
        yield text[n], (n, n + 1)


def _decoded(escape: re.Match[str]) -> str:
    if escape["unicode"]:
        codes = "".join(_HEX_DIGITS.findall(escape["unicode"]))
        return bytes.fromhex(codes).decode("utf-16-be", "replace")
    if escape["percent"]:
        return unquote(escape["percent"])
    name = escape["entity"]
    if name is None:
        return ""  # white space
    if name[0] != "#":
        return _ENTITIES[name]
    digits = name[1:]
    code = int(digits) if digits.isdecimal() else int(digits[1:], 16)
    return chr(code) if code <= 0x10FFFF else ""  # noqa: PLR2004  # Unicode's last


def _joins(character: str) -> bool:
    """Whether a character is part of a word; scripts without cases use no spaces."""
    if character.isalpha():
        return character.lower() != character.upper()
    return character.isalnum()
