"""Vectors of any numbers keep their values between lists, base64 and the written answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.canonical.embedding import Embeddings, Encoding
from chatd.canonical.response import Usage
from chatd.canonical.served import Served
from chatd.dialects.embeddings.reading import vector
from chatd.surfaces.openai_embeddings.answer import body_of, pieces_of, size_of
from tests.support.embeddings import packed

FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
# Numbers that float32 rounds to a finite one.
DECIMAL = st.floats(min_value=-3e38, max_value=3e38)
SERVED = Served("p", "m", "r")


def written(value: Any, encoding: Encoding) -> Any:
    found = Embeddings([vector(value)], Usage(1))
    return body_of(found, encoding, SERVED)["data"][0]["embedding"]


@given(st.lists(FLOAT32, min_size=1))
def test_base64_is_the_same_after_reading_and_writing(numbers: list[float]) -> None:
    text = packed(*numbers)

    assert written(text, "base64") == text
    assert written(text, "float") == numbers


@given(st.lists(DECIMAL, min_size=1))
def test_decimal_numbers_are_kept_and_packed_as_float32(numbers: list[float]) -> None:
    assert written(numbers, "float") == numbers
    assert written(numbers, "base64") == packed(*numbers)


@pytest.mark.parametrize("encoding", ["float", "base64"])
@given(st.lists(st.lists(DECIMAL, min_size=3, max_size=3), min_size=1, max_size=20))
def test_the_pieces_are_the_json_of_the_body(encoding: Encoding, rows: list[list[float]]) -> None:
    found = Embeddings(list(map(vector, rows)), Usage(1), extra={"id": '"data":['})
    body = body_of(found, encoding, SERVED)

    text = b"".join(pieces_of(found, encoding, SERVED))

    assert json.loads(text) == body
    assert list(json.loads(text))[-1] == "data"
    fields = len(json.dumps({**body, "data": []}))
    assert len(text) <= size_of(found, encoding) + fields
