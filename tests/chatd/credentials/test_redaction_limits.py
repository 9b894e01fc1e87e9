"""Redaction hides a text at each limit, and shows a text one character below the limit."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

import pytest

from chatd.credentials.redaction import redacted
from chatd.credentials.text_normalization import normal

# No part of the prompt occurs twice, or in the texts around the prompt.
PROMPT = "The quick-brown fox 1 jumps over 2 lazy dogs; 3 wizards vex it, 4 judges boxed."
KEY = "sk-Qw3rTy7uIo9pAs"


def shown(
    words: str,
    *,
    secrets: Iterable[str] = (),
    prompts: Iterable[str] = (),
    kept: Iterable[str] = (),
) -> str:
    (text,) = redacted([words], secrets=secrets, prompts=prompts, kept=list(kept))
    return text


@pytest.mark.parametrize("start", range(len(normal(PROMPT)) - 16))
def test_sixteen_characters_of_a_prompt_are_hidden_and_fifteen_shown(start: int) -> None:
    text = normal(PROMPT)

    assert shown(f"<{text[start : start + 16]}>", prompts=[PROMPT]) == "<[…]>"
    assert "[…]" not in shown(f"<{text[start : start + 15]}>", prompts=[PROMPT])


@pytest.mark.parametrize("length", [4, 5, 14, 15, 16, 17, 24])
def test_a_whole_prompt_of_four_characters_or_more_is_hidden(length: int) -> None:
    prompt = "a1b2c3d4e5f6g7h8i9j0k1l2"[:length]

    assert shown(f"refused: {prompt}!", prompts=[prompt]) == "refused: […]!"
    assert shown(prompt, prompts=[prompt]) == "[…]"


def test_a_prompt_of_three_characters_is_shown() -> None:
    assert shown("refused: a1b!", prompts=["a1b"]) == "refused: a1b!"
    assert shown("refused: a1b!", prompts=["a 1 b"]) == "refused: a1b!"


@pytest.mark.parametrize("length", range(8, 18))
def test_eight_characters_of_a_key_are_hidden_and_seven_shown(length: int) -> None:
    key = KEY[:length]

    for start in range(length - 7):
        assert shown(f"<{key[start : start + 8]}>", secrets=[key]) == "<[…]>"
    if length > 8:
        assert shown(f"<{key[:7]}>", secrets=[key]) == f"<{key[:7]}>"


def test_a_key_of_seven_characters_is_hidden_only_as_a_whole_word() -> None:
    assert shown("bad key abc-123", secrets=["abc-123"]) == "bad key […]"
    assert shown("bad key xabc-123x", secrets=["abc-123"]) == "bad key xabc-123x"


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("after", ["", "z", "yz"])
def test_a_key_in_base64_is_hidden_at_every_offset(before: str, after: str) -> None:
    key = "sk-Qw3rTy7uIo9pAs2dFg4hJk"
    coded = b64encode(f"{before}{key}{after}".encode()).decode()

    assert "[…]" in shown(f"got {coded} there", secrets=[key])
    assert coded[4:-4] not in shown(f"got {coded} there", secrets=[key])


def test_base64_of_other_text_is_shown() -> None:
    coded = b64encode(b"neither a prompt nor a key of anything here").decode()

    assert shown(f"got {coded}", secrets=[KEY], prompts=[PROMPT]) == f"got {coded}"


@pytest.mark.parametrize(("length", "end"), [(399, ""), (400, ""), (401, "…"), (500, "…")])
def test_four_hundred_characters_are_shown_and_a_cut_is_marked(length: int, end: str) -> None:
    assert shown("." * length) == "." * min(length, 400) + end


def test_characters_after_the_four_thousandth_are_dropped() -> None:
    repeated = (PROMPT * 60)[:3_989] + "w"

    # Each quoted prompt shrinks to one mark, so that only the reading limit cuts the end.
    assert shown(repeated + "+" * 50, prompts=[PROMPT * 2]).endswith("w" + "+" * 10)


@pytest.mark.parametrize("digits", [11, 13])
def test_a_number_of_another_length_than_an_aws_account_is_shown(digits: int) -> None:
    assert shown(f"request {'7' * digits}") == f"request {'7' * digits}"


def test_an_aws_identifier_ends_at_the_following_punctuation() -> None:
    assert shown("no access to arn:aws:s3:::bucket/key, sorry") == "no access to […], sorry"
    assert shown('no access to "arn:aws:s3:::bucket" now') == 'no access to "[…]" now'


@pytest.mark.parametrize("between", ["", " ", "\n", "\u200b", "\u00ad", "\ufeff", "\x00", "\x1f"])
def test_a_key_with_invisible_characters_is_hidden(between: str) -> None:
    assert shown(f"key {between.join(KEY)} given", secrets=[KEY]) == "key […] given"


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        *(("a&lt;b", "a<b"), ("a&gt;b", "a>b"), ("a&amp;b", "a&b"), ("a&quot;b", "ab")),
        *(("a&apos;b", "ab"), ("a&nbsp;b", "ab"), ("a&#98;c", "abc"), ("a&#x62;c", "abc")),
        *(("a&#X62;c", "abc"), ("&#1114111;a", "\U0010ffffa"), ("&#1114112;a", "a")),
        *((r"a\nb", "ab"), (r"a\tb", "ab"), (r"a\bc", "ac"), (r"a\fc", "ac"), (r"a\rc", "ac")),
        *(("a%62c", "abc"), ("%C3%A9", "é"), (r"\u00e9", "é"), (r"\ud83d\ude00", "😀")),
        *((r"\\u0061", "a"), ("&bogus;", "&bogus;"), ("%zz", "%zz"), ("ÉA", "éa")),
    ],
)
def test_an_escape_is_read_as_its_character(escaped: str, plain: str) -> None:
    assert normal(escaped) == plain


@pytest.mark.parametrize("kept", [[], [""], ["gpt-x"]])
def test_a_kept_name_does_not_change_the_redaction_of_a_prompt(kept: list[str]) -> None:
    words = f"gpt-x refused {PROMPT}"

    assert shown(words, prompts=[PROMPT], kept=kept) == "gpt-x refused […]"


def test_several_texts_are_each_redacted() -> None:
    texts = [f"one {PROMPT}", "two", f"three {KEY}"]

    assert redacted(texts, secrets=[KEY], prompts=[PROMPT]) == ["one […]", "two", "three […]"]
