"""Test characters against the character classes of ECMA-262's regular expressions."""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Range = tuple[int, int]

_DIGIT: tuple[Range, ...] = ((0x30, 0x39),)
_WORD: tuple[Range, ...] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: tuple[Range, ...] = (
    *((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
LINE_ENDS: tuple[Range, ...] = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}
CATEGORY_NAMES = {
    "Letter": "L",
    "Lowercase_Letter": "Ll",
    "Uppercase_Letter": "Lu",
    "Mark": "M",
    "Number": "N",
    "Decimal_Number": "Nd",
    "Punctuation": "P",
    "Symbol": "S",
    "Separator": "Z",
}
CATEGORY = re.compile(r"L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfons]?")


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """Characters by ranges of code points and by Unicode's general categories."""

    ranges: tuple[Range, ...] = ()
    categories: tuple[str, ...] = ()
    excluded_categories: tuple[str, ...] = ()

    def predicate(self, *, negated: bool) -> Callable[[str], bool]:
        """A function that returns whether a character is in the set."""
        merged = _merged(self.ranges)
        starts, ends = [low for low, _ in merged], [high for _, high in merged]

        def contains(character: str) -> bool:
            code = ord(character)
            index = bisect_right(starts, code) - 1
            if index >= 0 and code <= ends[index]:
                return not negated
            if not self.categories and not self.excluded_categories:
                return negated
            category = unicodedata.category(character)
            in_category = category.startswith(self.categories) if self.categories else False
            in_category = in_category or any(
                not category.startswith(name) for name in self.excluded_categories
            )
            return in_category != negated

        return contains


def is_word(character: str) -> bool:
    """Whether a character is a letter, a digit or an underscore of ASCII."""
    return character == "_" or (character.isascii() and character.isalnum())


def complement(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """All other code points; the ranges are sorted and do not overlap."""
    rest = []
    start = 0
    for low, high in ranges:
        rest.append((start, low - 1))
        start = high + 1
    return (*rest, (start, sys.maxunicode))


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """The same characters in sorted ranges that do not overlap."""
    merged: list[Range] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged
