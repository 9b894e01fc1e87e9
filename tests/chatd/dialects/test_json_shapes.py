"""Check the shapes of a provider's JSON."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.dialects.json_shapes import ShapeError, member, name_in, objects


@pytest.mark.parametrize(
    ("value", "found"),
    [(None, []), ([], []), ([{}], [{}]), ([{"a": 1}, {}], [{"a": 1}, {}])],
)
def test_a_list_of_objects_is_read(value: Any, found: list[Any]) -> None:
    assert objects(value, 2) == found


OTHERS: list[Any] = [{}, "a", 7, [1], [{}, None], [{}, {}, {}], ({},)]


@pytest.mark.parametrize("value", OTHERS)
def test_another_value_or_a_longer_list_is_refused(value: Any) -> None:
    with pytest.raises(ShapeError):
        objects(value, 2)


def test_a_member_is_an_object_or_null() -> None:
    assert member({}, "a") == member({"a": None}, "a") == {}
    assert member({"a": {"b": 1}}, "a") == {"b": 1}
    others: tuple[Any, ...] = ("x", 7, [], False)
    for value in others:
        with pytest.raises(ShapeError):
            member({"a": value}, "a")


@pytest.mark.parametrize(
    ("value", "name"),
    [("a", "a"), ("", None), (None, None), (7, "7"), (1.5, "1.5"), (True, None), ([], None)],
)
def test_a_name_is_a_text_or_a_number(value: Any, name: str | None) -> None:
    assert name_in({"a": value}, "a") == name
    assert name_in({}, "a") is None
