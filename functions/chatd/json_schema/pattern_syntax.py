"""Parse a regular expression of ECMA-262, from a JSON Schema, into a syntax tree.

https://262.ecma-international.org/#sec-patterns, in Unicode mode, with the leniency of its
annex B: a `{` that starts no quantifier is a literal, and any punctuation may be escaped.
"""

from __future__ import annotations

import re
import sys

from chatd.json_schema.budget import WorkLimitError
from chatd.json_schema.characters import (
    CATEGORY,
    CATEGORY_NAMES,
    CLASSES,
    CONTROLS,
    LINE_ENDS,
    CharacterSet,
    Range,
    complement,
)
from chatd.json_schema.pattern_tree import (
    Alternatives,
    Assertion,
    Characters,
    Repeat,
    Sequence,
    Syntax,
)

_MAX_DEPTH = 40
_QUANTIFIER = re.compile(r"\{([0-9]{1,6})(,([0-9]{0,6}))?\}")
_HUGE_QUANTIFIER = re.compile(r"\{[0-9]+(,[0-9]*)?\}")
_PROPERTY = re.compile(r"\{(?:(?:General_Category|gc)=)?([A-Za-z_]{1,40})\}")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})")
_LOW_SURROGATE = re.compile(r"\\u(D[C-Fc-f][0-9A-Fa-f]{2})", re.IGNORECASE)
_GROUP = re.compile(r"\?:|\?P?<[A-Za-z_$][A-Za-z0-9_$]*>")


class PatternError(ValueError):
    """The text is not a regular expression."""


class UnsupportedPatternError(ValueError):
    """The pattern has lookaround, a backreference, or syntax that is not ECMA-262's."""


class Parser:
    """Parse one pattern.

    Args:
        source: The regular expression.

    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._depth = 0

    def parse(self) -> Syntax:
        """Return the pattern's syntax tree.

        Raises:
            PatternError: If it is not a regular expression.
            UnsupportedPatternError: If it has syntax that is not supported.
            WorkLimitError: If it is nested too deeply.

        """
        syntax = self._alternatives()
        if self._position < len(self._source):
            raise PatternError
        return syntax

    def _alternatives(self) -> Syntax:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise WorkLimitError
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        self._depth -= 1
        return branches[0] if len(branches) == 1 else Alternatives(tuple(branches))

    def _sequence(self) -> Syntax:
        parts = []
        while self._position < len(self._source) and self._source[self._position] not in "|)":
            parts.append(self._quantified(self._atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _quantified(self, atom: Syntax) -> Syntax:
        for sign, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self._take(sign):
                return self._lazy(Repeat(atom, least, most))
        match = self._match(_QUANTIFIER)
        if match is None:
            if self._match(_HUGE_QUANTIFIER):
                raise WorkLimitError
            return atom
        least = int(match[1])
        most = least if match[2] is None else int(match[3]) if match[3] else None
        if most is not None and most < least:
            raise PatternError
        return self._lazy(Repeat(atom, least, most))

    def _lazy(self, repeat: Repeat) -> Repeat:
        """Skip a `?` for a lazy quantifier, which decides the length of a match only."""
        self._take("?")
        if self._take("+"):
            raise UnsupportedPatternError  # possessive, in other languages
        return repeat

    def _atom(self) -> Syntax:
        character = self._next()
        if character == "(":
            return self._group()
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        if character == ".":
            return Characters(CharacterSet(LINE_ENDS).predicate(negated=True))
        if character in "^$":
            return Assertion(character)
        if character in "*+?" or (character == "{" and self._starts_quantifier()):
            raise PatternError
        return Characters(character.__eq__)

    def _starts_quantifier(self) -> bool:
        """Whether the brace just read starts a quantifier, which needs a preceding atom."""
        return _HUGE_QUANTIFIER.match(self._source, self._position - 1) is not None

    def _group(self) -> Syntax:
        if self._match(_GROUP) is None and self._take("?"):
            raise UnsupportedPatternError  # lookaround, or flags
        syntax = self._alternatives()
        if not self._take(")"):
            raise PatternError
        return syntax

    def _escape(self) -> Syntax:
        for kind in "bB":
            if self._take(kind):
                return Assertion(kind)
        item = self._escaped()
        if isinstance(item, str):
            return Characters(item.__eq__)
        return Characters(item.predicate(negated=False))

    def _class(self) -> Syntax:
        negated = self._take("^")
        ranges: list[Range] = []
        categories: list[str] = []
        excluded_categories: list[str] = []
        while not self._take("]"):
            item = self._class_item()
            if isinstance(item, CharacterSet):
                ranges += item.ranges
                categories += item.categories
                excluded_categories += item.excluded_categories
            else:
                ranges.append(self._range_from(item))
        chosen = CharacterSet(tuple(ranges), tuple(categories), tuple(excluded_categories))
        return Characters(chosen.predicate(negated=negated))

    def _range_from(self, low: str) -> Range:
        """Read a range from its first character on; without a `-` the range is that character."""
        rest = self._source[self._position : self._position + 2]
        if len(rest) < 2 or rest[0] != "-" or rest[1] == "]":  # noqa: PLR2004  # a sign and an end
            return (ord(low), ord(low))
        start = self._position
        self._next()
        high = self._class_item()
        if isinstance(high, CharacterSet):
            self._position = start  # `[a-\d]`: the sign is a literal
            return (ord(low), ord(low))
        if high < low:
            raise PatternError
        return (ord(low), ord(high))

    def _class_item(self) -> str | CharacterSet:
        character = self._next()
        if character != "\\":
            return character
        return "\b" if self._take("b") else self._escaped()

    def _escaped(self) -> str | CharacterSet:
        """Parse the escape after a backslash: one character, or a set."""
        if match := self._match(_HEX):
            return self._character(int(match[1] or match[2] or match[3], 16))
        sign = self._next()
        if ranges := CLASSES.get(sign.lower()):
            return CharacterSet(ranges if sign.islower() else complement(ranges))
        if sign in "pP":
            return self._property(negated=sign == "P")
        if sign == "c" and (letter := self._match(re.compile("[A-Za-z]"))):
            return chr(ord(letter[0]) % 32)
        if sign in CONTROLS:
            return CONTROLS[sign]
        if sign.isascii() and sign.isalnum():
            raise UnsupportedPatternError  # a backreference, or an escape of another language
        return sign

    def _character(self, code: int) -> str:
        """The character of a code; two surrogates make one."""
        if code > sys.maxunicode:
            raise PatternError
        if 0xD800 <= code < 0xDC00 and (low := self._match(_LOW_SURROGATE)):  # noqa: PLR2004  # high
            return chr(0x10000 + ((code - 0xD800) << 10) + (int(low[1], 16) - 0xDC00))
        return chr(code)

    def _property(self, *, negated: bool) -> CharacterSet:
        match = self._match(_PROPERTY)
        name = match and CATEGORY_NAMES.get(match[1], match[1])
        if not name or not CATEGORY.fullmatch(name):
            raise UnsupportedPatternError
        if negated:
            return CharacterSet(excluded_categories=(name,))
        return CharacterSet(categories=(name,))

    def _next(self) -> str:
        if self._position == len(self._source):
            raise PatternError
        self._position += 1
        return self._source[self._position - 1]

    def _take(self, sign: str) -> bool:
        """Skip the next character if equal."""
        if not self._source.startswith(sign, self._position):
            return False
        self._position += 1
        return True

    def _match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        match = expression.match(self._source, self._position)
        if match is not None:
            self._position = match.end()
        return match
