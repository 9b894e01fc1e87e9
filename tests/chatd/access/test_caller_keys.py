"""Caller keys are read from headers and compared with hashes."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.access.caller_keys import Callers, CallersError, new_key, presented

PEPPER = "p" * 64


@pytest.mark.parametrize(
    ("headers", "keys"),
    [
        ({"Authorization": "Bearer k"}, ("k",)),
        ({"authorization": "bearer k"}, ("k",)),
        ({"AUTHORIZATION": "  BEARER   k  "}, ("k",)),
        ({"x-api-key": "k"}, ("k",)),
        ({"X-Api-Key": " k "}, ("k",)),
        ({"x-api-key": "other", "Authorization": "Bearer k"}, ("k", "other")),
        ({"Authorization": "Basic dTpw", "x-api-key": "k"}, ("k",)),
        ({"Authorization": "Bearer ", "x-api-key": "k"}, ("k",)),
        ({"Authorization": "Bearer"}, ()),
        ({"Authorization": "Basic dTpw"}, ()),
        ({"Authorization": "k"}, ()),
        ({"x-api-key": " "}, ()),
        ({}, ()),
    ],
)
def test_keys_are_read_from_both_headers_in_any_case(
    headers: dict[str, str], keys: tuple[str, ...]
) -> None:
    assert presented(headers) == keys


def test_generated_keys_are_unique_and_have_256_bits() -> None:
    keys = {new_key() for _ in range(100)}

    assert len(keys) == 100
    assert all(key.startswith("chatd-") and len(key) == len("chatd-") + 43 for key in keys)


def test_each_key_belongs_to_one_caller() -> None:
    callers = Callers.of_keys(["a", "b"])

    assert callers.name_of("a") == "caller-1"
    assert callers.name_of("b") == "caller-2"
    assert callers.name_of("c") is None
    assert callers.name_of("") is None


@pytest.mark.parametrize(
    ("keys", "caller"),
    [
        (("a",), "caller-1"),
        (("foreign", "b"), "caller-2"),
        (("b", "foreign"), "caller-2"),
        (("b", "a"), "caller-2"),
        (("foreign", "unknown"), None),
        ((), None),
    ],
)
def test_an_unknown_key_beside_a_known_one_changes_nothing(
    keys: tuple[str, ...], caller: str | None
) -> None:
    assert Callers.of_keys(["a", "b"]).first_of(keys) == caller


def test_every_presented_key_is_compared_also_after_a_known_one() -> None:
    compared = []

    class Counting(Callers):
        def name_of(self, key: str) -> str | None:
            compared.append(key)
            return super().name_of(key)

    known = Callers.of_keys(["a"])
    Counting(known.pepper, known.digests).first_of(["a", "foreign"])

    assert compared == ["a", "foreign"]


def test_an_empty_list_admits_no_caller() -> None:
    assert Callers.of_keys([]).name_of("anything") is None


def test_hashes_differ_under_another_pepper() -> None:
    first, second = Callers.of_keys(["k"]), Callers.of_keys(["k"])

    assert first.digests["caller-1"] != second.digests["caller-1"]


def test_a_repr_contains_neither_pepper_nor_key() -> None:
    callers = Callers.of_keys(["the-key"])

    assert callers.pepper.get_secret_value() not in repr(callers)
    assert "the-key" not in repr(callers)


def test_callers_are_read_from_the_secrets_text() -> None:
    digest = Callers.of_secret(json.dumps({"pepper": PEPPER, "callers": {}})).digest("k")
    callers = Callers.of_secret(json.dumps({"pepper": PEPPER, "callers": {"alice": digest}}))

    assert callers.name_of("k") == "alice"


@pytest.mark.parametrize(
    "text",
    [
        "canary{",
        "[]",
        '"canary"',
        json.dumps({"pepper": "canary", "callers": {}}),
        json.dumps({"pepper": 1, "callers": {}}),
        json.dumps({"callers": {}}),
        json.dumps({"pepper": PEPPER}),
        json.dumps({"pepper": PEPPER, "callers": ["canary"]}),
        json.dumps({"pepper": PEPPER, "callers": {"alice": "canary"}}),
        json.dumps({"pepper": PEPPER, "callers": {"alice": None}}),
        json.dumps({"pepper": PEPPER, "callers": {"alice": "A" * 64}}),
    ],
)
def test_the_error_for_a_malformed_secret_contains_none_of_its_text(text: str) -> None:
    with pytest.raises(CallersError) as caught:
        Callers.of_secret(text)

    assert "canary" not in str(caught.value)
    assert PEPPER not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@given(st.text(alphabet=st.characters(), max_size=40))
def test_the_comparison_accepts_keys_of_any_characters(key: str) -> None:
    assert Callers.of_keys(["k"]).name_of(key + "\ud800") is None


def test_the_comparison_takes_equal_time_for_the_first_and_last_caller() -> None:
    keys = [str(n) for n in range(400)]
    callers = Callers.of_keys(keys)

    def seconds(key: str) -> float:
        runs = []
        for _ in range(15):
            start = time.perf_counter()
            callers.name_of(key)
            runs.append(time.perf_counter() - start)
        return min(runs)

    assert 0.5 < seconds(keys[0]) / seconds(keys[-1]) < 2
