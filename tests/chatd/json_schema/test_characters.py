"""Each class, category and escape of a pattern matches the characters that ECMA-262 defines.

https://262.ecma-international.org/#sec-compiletocharset
"""

from __future__ import annotations

import string
import unicodedata

import pytest

from chatd.json_schema.budget import Budget
from chatd.json_schema.pattern import Pattern
from chatd.json_schema.pattern_syntax import PatternError, UnsupportedPatternError

LINE_ENDS = "\n\r\u2028\u2029"
SPACES = {
    *("\t\v\f\ufeff" + LINE_ENDS),
    *(chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) == "Zs"),
}
CLASSES = {
    "d": set(string.digits),
    "w": {*string.ascii_letters, *string.digits, "_"},
    "s": SPACES,
}
# Characters that a class could match by mistake, and the last characters of Unicode.
CHARACTERS = [
    *map(chr, range(0x3100)),
    *map(chr, range(0xFE00, 0x10010)),
    "\U0010fffe",
    "\U0010ffff",
]
CATEGORIES = {
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
GENERAL = [
    *("L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No"),
    *("P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So"),
    *("Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cs", "Co", "Cn"),
]
# One character of each general category.
SAMPLES = {unicodedata.category(character): character for character in CHARACTERS} | {
    unicodedata.category(character): character for character in "\ud800\ue000\U000f0000"
}


def found(source: str, text: str) -> bool:
    return Pattern(source, Budget()).search(text, Budget())


def matched(source: str) -> set[str]:
    """Return the characters that a pattern of one character matches."""
    pattern = Pattern(f"^{source}$", Budget())
    return {character for character in CHARACTERS if pattern.search(character, Budget(steps=100))}


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_and_its_complement_match_the_characters_of_ecma_262(name: str) -> None:
    assert matched(rf"\{name}") == CLASSES[name] & set(CHARACTERS)
    assert matched(rf"\{name.upper()}") == set(CHARACTERS) - CLASSES[name]
    assert matched(rf"[^\{name}]") == set(CHARACTERS) - CLASSES[name]
    assert matched(rf"[\{name}!]") == CLASSES[name] & set(CHARACTERS) | {"!"}


def test_a_dot_matches_every_character_but_line_ends() -> None:
    assert matched(".") == set(CHARACTERS) - set(LINE_ENDS)


@pytest.mark.parametrize("name", [*GENERAL, *CATEGORIES])
def test_a_category_matches_its_characters(name: str) -> None:
    short = CATEGORIES.get(name, name)
    for category, character in SAMPLES.items():
        belongs = category.startswith(short)

        assert found(rf"^\p{{{name}}}$", character) == belongs
        assert found(rf"^\P{{{name}}}$", character) == (not belongs)
        assert found(rf"^[\p{{{name}}}]$", character) == belongs
        assert found(rf"^[^\p{{{name}}}]$", character) == (not belongs)
        assert found(rf"^\p{{gc={name}}}$", character) == belongs
        assert found(rf"^\p{{General_Category={name}}}$", character) == belongs


@pytest.mark.parametrize("name", ["X", "Lx", "Letters", "Nn", "Greek"])
def test_a_category_that_unicode_lacks_is_not_supported(name: str) -> None:
    with pytest.raises(UnsupportedPatternError):
        Pattern(rf"\p{{{name}}}", Budget())


@pytest.mark.parametrize(
    ("source", "character"),
    [
        *((r"\t", "\t"), (r"\n", "\n"), (r"\v", "\v"), (r"\f", "\f"), (r"\r", "\r"), (r"\0", "\0")),
        *((r"[\b]", "\b"), (r"\cA", "\x01"), (r"\cz", "\x1a"), (r"\cJ", "\n")),
        *((r"\x00", "\0"), (r"\x7f", "\x7f"), (r"\u0041", "A"), (r"\u{41}", "A"), (r"\u{9}", "\t")),
        *((r"\u{10ffff}", "\U0010ffff"), (r"\uD800\uDC00", "\U00010000")),
        *((r"\udbff\udfff", "\U0010ffff"), (r"\ud83d\uDE00", "😀"), (r"\uD7FF", "\ud7ff")),
        *((r"\.", "."), (r"\-", "-"), (r"\\", "\\"), (r"\/", "/"), (r"\é", "é"), (r"\_", "_")),
        *(
            ("[a-c]", "a"),
            ("[a-c]", "c"),
            ("[-a]", "-"),
            ("[a-]", "-"),
            ("[a^]", "^"),
            ("[.]", "."),
        ),
    ],
)
def test_an_escape_or_a_class_matches_its_character(source: str, character: str) -> None:
    assert found(f"^{source}$", character)
    assert not found(f"^{source}$", "Q")


@pytest.mark.parametrize("source", ["[a-c]", "[c-ea-b]", "[a-cb-d]", "[ace]", r"[\x61-\x63]"])
def test_a_range_ends_at_its_last_character(source: str) -> None:
    inside = {"[a-c]": "abc", "[c-ea-b]": "abcde", "[a-cb-d]": "abcd", "[ace]": "ace"}.get(
        source, "abc"
    )

    assert matched(source) == set(inside)
    assert matched(source.replace("[", "[^")) == set(CHARACTERS) - set(inside)


@pytest.mark.parametrize("source", [r"\u{110000}", r"[\x62-a]", "[z-a]", r"[a-\x60]"])
def test_a_code_beyond_unicode_or_a_reversed_range_is_refused(source: str) -> None:
    with pytest.raises(PatternError):
        Pattern(source, Budget())


@pytest.mark.parametrize("source", [r"\a", r"\1", r"\9", r"\y", r"\c", r"\x1", r"\u12", r"[\c1]"])
def test_an_escape_of_another_language_is_not_supported(source: str) -> None:
    with pytest.raises(UnsupportedPatternError):
        Pattern(source, Budget())


@pytest.mark.parametrize(
    ("source", "matching", "other"),
    [
        ("^a{2}$", ["aa"], ["a", "aaa"]),
        ("^a{2,}$", ["aa", "aaaaa"], ["a", ""]),
        ("^a{0,2}$", ["", "a", "aa"], ["aaa"]),
        ("^a{1,3}?$", ["a", "aa", "aaa"], ["", "aaaa"]),
        ("^a?$", ["", "a"], ["aa"]),
        ("^a+?b$", ["ab", "aab"], ["b"]),
        ("^(a|b|cd)$", ["a", "b", "cd"], ["c", "d", "ab", ""]),
        ("^(?:a|b)c|d$", ["ac", "bcx", "xd"], ["ab", "xc"]),
        ("^a{x}$", ["a{x}"], ["a"]),
        (r"\bab\b", ["ab", "x ab.", "-ab", "éabé"], ["xab", "abx", "_ab", "ab1"]),
        (r"\B", ["", "ab", "--"], ["a"]),
        (r"^\Ba", [], ["a", "ba"]),
        ("^$", [""], ["a", "\n"]),
        ("a^b|a$b", [], ["ab", "a\nb"]),
    ],
)
def test_a_pattern_matches_exactly_the_texts_of_ecma_262(
    source: str, matching: list[str], other: list[str]
) -> None:
    assert [text for text in matching if not found(source, text)] == []
    assert [text for text in other if found(source, text)] == []
