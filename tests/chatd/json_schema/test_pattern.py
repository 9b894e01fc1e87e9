from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.json_schema.budget import Budget, WorkLimitError
from chatd.json_schema.pattern import Pattern
from chatd.json_schema.pattern_syntax import PatternError, UnsupportedPatternError


def found(source: str, text: str) -> bool:
    return Pattern(source, Budget()).search(text, Budget())


@pytest.mark.parametrize(
    ("source", "text", "matches"),
    [
        (r"^a+$", "aaa", True),
        (r"^a+$", "aab", False),
        (r"b", "abc", True),
        (r"^(a|bc)*$", "abcbca", True),
        (r"^(?:ab){2,3}$", "ababab", True),
        (r"^(?:ab){2,3}$", "abababab", False),
        (r"^a{2,}$", "a", False),
        (r"^a{0}b??c$", "bc", True),
        (r"^\d{4}-\d\d$", "2026-11", True),
        (r"^\d$", "٣", False),  # ECMA-262's digits are ASCII
        (r"^\W\S\D$", "-xy", True),
        (r"^[\w.-]+@[^@\s]+$", "a.b-c@example.com", True),
        (r"^[^\d]$", "7", False),
        (r"^[]$", "", False),
        (r"^[^]$", "\n", True),
        (r"^.$", "\n", False),
        (r"^a$", "a\n", False),
        (r"\bfoo\b", "a foo b", True),
        (r"\Bfoo", "a foo b", False),
        (r"^\u00e9\x41\u{1F600}\uD83D\uDE00$", "éA😀😀", True),
        (r"^[😀-😂]$", "😁", True),
        (r"^\cA\0\t\/$", "\x01\0\t/", True),
        (r"^\p{Lu}\p{Letter}\P{L}$", "Éé1", True),
        (r"^[\p{Nd}_]+$", "٣_", True),
        (r"^[^\P{L}]$", "é", True),
        (r"^(?<year>\d+)(?P<rest>x)$", "12x", True),
        (r"^{$|^a{,2}$", "a{,2}", True),
        (r"^[a-\d]$", "-", True),
        (r"^(a*)*$", "aaaa", True),
        (r"", "anything", True),
        (r"^(|a|b)c$", "c", True),
    ],
)
def test_a_pattern_matches_as_in_ecma_262(source: str, text: str, matches: bool) -> None:
    assert found(source, text) == matches


@pytest.mark.parametrize(
    "source",
    [
        *("(", ")", "a)", "*a", "a**", "[a", "a{2,1}", "[b-a]", "\\"),
        *("{2}", "{2,}", "a|{1}", "({1,2})"),
    ],
)
def test_an_invalid_regular_expression_is_refused(source: str) -> None:
    with pytest.raises(PatternError):
        Pattern(source, Budget())


@pytest.mark.parametrize(
    "source",
    ["(?=a)b", "(?!a)", "(?<=a)b", r"(a)\1", r"\k<a>", "(?i)a", "a++", r"\Aa", r"\p{Script=Greek}"],
)
def test_a_pattern_that_needs_more_than_linear_time_is_unsupported(source: str) -> None:
    with pytest.raises(UnsupportedPatternError):
        Pattern(source, Budget())


@pytest.mark.parametrize(
    "source",
    ["a{9999999}", "((a{99}){99}){99}", "(){999999}", "(" * 100 + ")" * 100, "(a|" * 100],
)
def test_a_huge_pattern_is_refused_at_compilation(source: str) -> None:
    with pytest.raises(WorkLimitError):
        Pattern(source, Budget())


@pytest.mark.parametrize("source", ["^(a+)+$", "^(a|a)*$", "(a*)*b", "^(a|aa)+$", "(.*)(.*)(.*)x"])
def test_a_pattern_takes_steps_in_proportion_to_the_text(source: str) -> None:
    pattern = Pattern(source, Budget())

    def steps(length: int) -> int:
        budget = Budget()
        before = budget.left
        pattern.search("a" * length + "!", budget)
        return before - budget.left

    assert steps(8000) < 8.1 * steps(1000)


def test_a_search_stops_at_its_budget() -> None:
    with pytest.raises(WorkLimitError):
        Pattern("^(a+)+$", Budget()).search("a" * 10_000, Budget(steps=5_000))


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\s", r"\b", "^", "$", "(?:)"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "*?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=8,
)


@given(PATTERNS, st.text("ab _-\t", max_size=12))
def test_a_pattern_agrees_with_python_in_the_common_syntax(source: str, text: str) -> None:
    # In a text without a line end, `$` has the same meaning in both languages.
    assert found(source, text) == bool(re.search(source, text, re.ASCII))


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_a_pattern_or_is_refused(source: str, text: str) -> None:
    try:
        found(source, text)
    except (PatternError, UnsupportedPatternError, WorkLimitError):
        return
