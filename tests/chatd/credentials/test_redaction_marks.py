"""A single ordinary word of the prompt is hidden between quotation marks, and only there."""

from __future__ import annotations

import pytest

from chatd.credentials.redaction import redacted

MARKS = ('""', "''", "``", "‘’", "“”", "’‘", "”“", "«»", "»«")  # noqa: RUF001  # the marks themselves
WORD = "Hanseatic"


def shown(words: str, prompt: str = WORD) -> str:
    return redacted([words], secrets=[], prompts=[prompt], kept=[])[0]


@pytest.mark.parametrize("marks", MARKS)
def test_a_word_between_marks_is_hidden(marks: str) -> None:
    assert shown(f"cannot answer {marks[0]}{WORD}{marks[1]}") == (
        f"cannot answer {marks[0]}[…]{marks[1]}"
    )


@pytest.mark.parametrize("marks", ["  ", '" ', ' "', "()", "[]", "{}", "<>", "**"])
def test_a_word_that_is_not_between_two_marks_is_shown(marks: str) -> None:
    words = f"cannot answer {marks[0]}{WORD}{marks[1]}"

    assert shown(words) == words


@pytest.mark.parametrize("number", ["12345", "1234567"])
def test_a_number_is_treated_as_an_ordinary_word(number: str) -> None:
    assert shown(f"got {number} tokens", number) == f"got {number} tokens"
    assert shown(f'got "{number}"', number) == 'got "[…]"'


@pytest.mark.parametrize("word", ["abc", "12", "a"])
def test_a_word_of_three_characters_or_fewer_is_shown(word: str) -> None:
    assert shown(f'cannot answer "{word}"', word) == f'cannot answer "{word}"'
