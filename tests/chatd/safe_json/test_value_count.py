"""The values of a JSON text are counted without parsing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.safe_json import value_count
from chatd.safe_json.value_count import is_bounded

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('",[{\\é\n', max_size=8),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('",[{\\x', max_size=4), inner),
    max_leaves=40,
)


def marks(value: object) -> int:
    """Count the opening brackets and the commas of a JSON value."""
    if not isinstance(value, dict | list):
        return 0
    inner = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(0, len(inner) - 1) + sum(map(marks, inner))


@given(value=st.lists(JSON), ascii_only=st.booleans())
def test_the_values_are_counted_exactly(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(value_count, "_SMALL_BYTES", 0)
        assert is_bounded(text, marks(value))
        assert not is_bounded(text, marks(value) - 1)


@pytest.mark.parametrize("inner", ["1,2,3,", r"\"a\",[", r"\\,\\", "{[,{["])
def test_characters_in_a_string_are_not_counted(inner: str) -> None:
    text = b'{"text":"%s"}' % (inner * 200_000).encode()

    assert json.loads(text)
    assert is_bounded(text, 10)


@pytest.mark.parametrize("item", ["[]", "{}", "1", '""', '"a,b"', '{"a":1}', '{"":""}', "[[[[]]]]"])
def test_too_many_small_values_are_found(item: str) -> None:
    text = f"[{','.join([item] * 260_000)}]".encode()

    assert not is_bounded(text)
    assert is_bounded(text[: 200 * 1024])  # a small text is always accepted


@pytest.mark.parametrize(("size", "accepted"), [(256 * 1024, True), (256 * 1024 + 1, False)])
def test_a_text_of_256_kb_is_accepted_whatever_it_holds(size: int, accepted: bool) -> None:
    text = b"[" + b"1," * 10_000
    text += b" " * (size - len(text))

    assert len(text) == size
    assert is_bounded(text, 100) is accepted


@pytest.mark.parametrize("most", [250_000, value_count.MAX_ANSWER_VALUES])
def test_a_request_may_hold_250000_values_and_an_answer_600000(most: int) -> None:
    def numbers(count: int) -> bytes:
        return b"[" + b",".join([b"1"] * count) + b"]"

    for count, accepted in ((most, True), (most + 1, False)):
        assert is_bounded(numbers(count), most) is accepted
    assert (value_count.MAX_VALUES, value_count.MAX_ANSWER_VALUES) == (250_000, 600_000)
