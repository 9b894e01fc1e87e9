"""Tests of the tags that name the maker of a signature."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.canonical.maker import tagged, untagged

MAKERS = st.text(min_size=1, max_size=80)


@given(MAKERS, st.text(min_size=1))
def test_a_tag_is_read_back(maker: str, token: str) -> None:
    assert untagged(tagged(maker, token)) == (maker, token)


@given(MAKERS, MAKERS, st.text(min_size=1))
def test_a_tagged_token_of_another_gateway_stays_whole(one: str, two: str, token: str) -> None:
    assert untagged(tagged(one, tagged(two, token))) == (one, tagged(two, token))


@pytest.mark.parametrize(
    "token", ["", "EqQBCkYIBRgC", "chatd1.", "chatd1..x", "chatd1.!.x", "chatd1._.x", "chatd1.a"]
)
def test_a_token_without_a_valid_tag_has_no_maker(token: str) -> None:
    assert untagged(token) == (None, token)


def test_an_empty_token_gets_no_tag() -> None:
    assert tagged("anthropic/claude", "") == ""


def test_a_tag_has_characters_of_base64_and_periods_alone() -> None:
    made = tagged("ollama/qwen3:8b é/\U0001f600", "x")
    assert made.isascii()
    assert set(made) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
