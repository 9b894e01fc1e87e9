"""The ids of tool calls fit Anthropic's pattern, each once, and results follow their calls."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.dialects.call_ids import CallIds


@pytest.mark.parametrize(
    ("given_id", "fitted"),
    [("toolu_1-A", "toolu_1-A"), ("functions.f:0", "functions_f_0"), ("é", "_"), ("", "call")],
)
def test_an_id_that_does_not_fit_is_changed(given_id: str, fitted: str) -> None:
    ids = CallIds()

    assert (ids.call(given_id), ids.result(given_id)) == (fitted, fitted)


def test_calls_with_one_id_are_distinguished_and_get_their_results_in_order() -> None:
    ids = CallIds()
    ids.begin_turn()

    assert [ids.call("a"), ids.call("a"), ids.call("a")] == ["a", "a_2", "a_3"]
    assert [ids.result("a"), ids.result("a"), ids.result("a")] == ["a", "a_2", "a_3"]
    assert ids.result("a") == "a_3"


def test_an_id_of_an_earlier_turn_is_free_for_no_later_call() -> None:
    ids = CallIds()
    for expected in ("call_0", "call_0_2", "call_0_3"):
        ids.begin_turn()
        assert ids.call("call_0") == expected
        assert ids.result("call_0") == expected


def test_ids_that_become_equal_are_distinguished() -> None:
    ids = CallIds()
    ids.begin_turn()

    assert [ids.call("a:1"), ids.call("a.1"), ids.call("a_1_2")] == ["a_1", "a_1_2", "a_1_2_2"]
    assert [ids.result("a.1"), ids.result("a:1")] == ["a_1_2", "a_1"]


def test_a_result_of_an_earlier_turn_s_call_keeps_its_id() -> None:
    ids = CallIds()
    ids.begin_turn()
    ids.call("x:1")
    ids.begin_turn()

    assert (ids.result("x:1"), ids.result("y:1")) == ("x_1", "y_1")


@given(st.lists(st.text(max_size=4), max_size=30))
def test_all_ids_fit_and_differ(given_ids: list[str]) -> None:
    ids = CallIds()
    ids.begin_turn()

    fitted = [ids.call(one) for one in given_ids]

    assert len(set(fitted)) == len(fitted)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", one) for one in fitted)
    results: dict[str, list[str]] = {}
    for one in given_ids:
        results.setdefault(one, []).append(ids.result(one))
    expected: dict[str, list[str]] = {}
    for one, fit in zip(given_ids, fitted, strict=True):
        expected.setdefault(one, []).append(fit)
    assert results == expected


def test_a_million_equal_ids_are_numbered_in_linear_time() -> None:
    ids = CallIds()

    assert [ids.call("a") for _ in range(20_000)][-1] == "a_20000"
