"""gpt-oss's reasoning is read from the head of a text, wherever a stream cuts the text."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.dialects.vendors.bedrock_reasoning import InlineReasoning

# A text, and its reasoning and answer.
TEXTS = [
    ("<reasoning>Six times seven.</reasoning>\n\n42.", "Six times seven.", "42."),
    ("<reasoning></reasoning>42.", "", "42."),
    ("<reasoning>a < b </reason ing></reasoning>c", "a < b </reason ing>", "c"),
    ("42 <reasoning>is no head</reasoning>", "", "42 <reasoning>is no head</reasoning>"),
    ("<reason", "", "<reason"),
    ("<reasoning>without an end </rea", "without an end </rea", ""),
    ("<reasoning>x</reasoning> </reasoning>", "x", "</reasoning>"),
    ("", "", ""),
]


def read(pieces: list[str]) -> tuple[str, str]:
    reader, reasoning, answer = InlineReasoning(), "", ""
    for number, piece in enumerate(pieces):
        delta: dict[str, Any] = {"content": piece}
        reader.correct(delta, ends=number == len(pieces) - 1)
        reasoning += delta.get("reasoning_content", "")
        answer += delta["content"]
    return reasoning, answer


@pytest.mark.parametrize(("text", "reasoning", "answer"), TEXTS)
def test_a_whole_text_is_split(text: str, reasoning: str, answer: str) -> None:
    assert read([text]) == (reasoning, answer)


@pytest.mark.parametrize(("text", "reasoning", "answer"), TEXTS)
def test_a_text_of_single_characters_is_split_equally(
    text: str, reasoning: str, answer: str
) -> None:
    assert read([*text, ""]) == (reasoning, answer)


@given(
    st.lists(st.sampled_from(["<reasoning>", "</reasoning>", "<", "rea", " ", "x", "\n"])),
    st.data(),
)
def test_every_cut_of_a_text_gives_the_same(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    edges = [0, *cuts, len(text)]
    pieces = [text[start:end] for start, end in pairwise(edges)]

    assert read(pieces) == read([text])


def test_a_delta_that_ends_without_content_releases_what_was_held() -> None:
    reader = InlineReasoning()
    reader.correct({"content": "<reas"}, ends=False)
    last: dict[str, Any] = {"role": "assistant"}

    reader.correct(last, ends=True)

    assert last["content"] == "<reas"


def test_a_delta_without_content_stays_as_it_is() -> None:
    delta: dict[str, Any] = {"tool_calls": []}

    InlineReasoning().correct(delta, ends=True)

    assert delta == {"tool_calls": []}
