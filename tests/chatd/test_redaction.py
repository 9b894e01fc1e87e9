from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.redaction import redacted

PROMPT = "Tell me about the Hanseatic League in verse."


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("bad key sk-12345 given", "bad key […] given"),
        (f"cannot answer '{PROMPT}'", "cannot answer '[…]'"),
        ("cannot answer 'the Hanseatic League', sorry", "cannot answer '[…]', sorry"),
        ("model not found", "model not found"),
        ("", ""),
    ],
)
def test_keys_and_quotes_are_taken_out(words: str, left: str) -> None:
    assert left == redacted(words, secrets=["sk-12345"], prompts=[PROMPT])


def test_a_short_prompt_is_taken_out_whole() -> None:
    assert redacted("refused: hunter2!", secrets=[], prompts=["hunter2"]) == "refused: […]!"


@given(st.text(min_size=16), st.text(), st.text())
def test_no_prompt_of_16_characters_ever_stands_whole(prompt: str, before: str, after: str) -> None:
    left = redacted(before + prompt + after, secrets=[], prompts=[prompt])

    assert prompt not in left
