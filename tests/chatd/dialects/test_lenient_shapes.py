"""Every provider's shape of counts, costs, texts, names and reasons is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.dialects import lenient
from chatd.dialects.lenient import Refusal

MOST = 9_007_199_254_740_991  # Number.MAX_SAFE_INTEGER of ECMA-262


@pytest.mark.parametrize(
    ("value", "count"),
    [
        *((0, 0), (7, 7), (-1, 0), (7.0, 7), (7.9, 7), (-0.5, 0), (None, 0), (True, 0)),
        *(("7", 0), ([7], 0), (float("nan"), 0), (float("inf"), 0)),
        *((MOST, MOST), (MOST + 1, MOST), (1e300, MOST)),
    ],
)
def test_a_count_is_a_whole_number_from_0_to_the_largest_safe_one(value: Any, count: int) -> None:
    assert lenient.count(value) == count
    assert lenient.known_count(value) == (None if value is None else count)


@pytest.mark.parametrize(
    ("value", "usd"),
    [
        *((0, 0.0), (0.25, 0.25), ("0.25", 0.25), (2, 2.0), (None, None), (True, None)),
        *((-0.1, None), ("-1", None), ("free", None), ([1], None), ("nan", None), ("inf", None)),
        (10**400, None),
    ],
)
def test_a_cost_is_a_finite_number_from_0(value: Any, usd: float | None) -> None:
    found = lenient.cost(value)

    assert (found, type(found)) == (usd, type(usd))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        *((None, None), ("", ""), ("a", "a"), ([], ""), (["a", "b"], "ab")),
        ([{"type": "text", "text": "a"}, "b", {"text": "c"}], "abc"),
        ([{"text": 7}, {"thinking": "a"}, 7, None, {"text": None}, {"text": "b"}], "b"),
    ],
)
def test_a_text_is_a_string_or_the_texts_of_its_parts(content: Any, text: str | None) -> None:
    assert lenient.text(content) == text


@pytest.mark.parametrize(
    ("content", "thinking"),
    [
        *((None, None), ("a", None), ([], None), (["a"], None), ([{"type": "text"}], None)),
        ([{"type": "thinking", "thinking": "a"}], "a"),
        ([{"type": "thinking", "thinking": [{"text": "a"}, "b"]}, {"type": "text"}], "ab"),
        ([{"type": "thinking", "thinking": "a"}, {"type": "thinking", "thinking": "b"}], "ab"),
        ([{"type": "thinking", "thinking": ""}, {"type": "thinking", "thinking": 7}], None),
        ([{"type": "other", "thinking": "a"}], None),
    ],
)
def test_thinking_is_read_from_the_thinking_parts(content: Any, thinking: str | None) -> None:
    assert lenient.thinking(content) == thinking


@pytest.mark.parametrize(
    ("value", "arguments"),
    [(None, ""), ("", ""), ('{"a":1}', '{"a":1}'), ({"a": 1}, '{"a": 1}'), ({}, "{}"), ([], "[]")],
)
def test_arguments_are_a_text_or_written_as_json(value: Any, arguments: str) -> None:
    assert lenient.arguments(value) == arguments


@pytest.mark.parametrize(
    ("models", "names"),
    [
        *((None, []), ([], []), (["a", 7, None], []), ([{"id": "a"}, {"id": "b"}], ["a", "b"])),
        ([{"name": "b"}, {"id": "", "name": "c"}, {"id": "d", "name": "e"}], ["b", "c", "d"]),
        ([{"id": 7}, {"id": None}, {}], []),
    ],
)
def test_a_models_name_is_its_first_field_with_a_text(models: Any, names: list[str]) -> None:
    assert lenient.names(models, "id", "name") == names


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"error": "a"}, Refusal("a")),
        ({"error": {"message": "a", "code": "c", "type": "t"}}, Refusal("a", ("c", "t"))),
        ({"error": {"message": "a", "code": 429, "type": None}}, Refusal("a", ("429",))),
        ({"error": {"code": 1.5, "type": ["t"]}}, Refusal("")),
        ({"error": {"detail": "a"}}, Refusal("a")),
        ({"error": {"msg": "a"}}, Refusal("a")),
        ({"error": {"message": "a", "detail": "b", "msg": "c"}}, Refusal("a")),
        ({"error": {"message": {"a": 1}}}, Refusal("")),
        ({"error": {"error": {"message": "a"}}}, Refusal("a")),
        ({"error": {"error": "a", "message": "b"}}, Refusal("a")),
        ({"error": True}, Refusal("")),
        ({"error": "", "detail": "a"}, Refusal("a")),
        ({"error": "a", "detail": "b"}, Refusal("a")),
        ({"detail": {"message": "a"}}, Refusal("a")),
        ([{"error": {"message": "a"}}], Refusal("a")),
        ([7, {"error": "a"}, {"error": "b"}], Refusal("a")),
        ({"message": "a", "code": "c", "type": "t"}, Refusal("a", ("c", "t"))),
        *((({}, None), ([], None), ([7], None), (7, None), (None, None), ("a", None))),
        *((({"message": 7}, None), ({"error": None}, None), ({"error": None, "code": 1}, None))),
        ({"detail": [{"loc": ["body", 0], "msg": "a"}]}, Refusal("body.0: a")),
        ({"detail": [{"msg": "a"}, {"message": "b"}, "c"]}, Refusal("a; b; c")),
        ({"detail": [{"loc": "x", "msg": "a"}, {"loc": []}, 7]}, Refusal("a; ; ")),
        ({"detail": ["a", "b", "c", "d"]}, Refusal("a; b; c")),
        ({"detail": [{"loc": ["a"], "msg": "b", "input": "secret"}]}, Refusal("a: b")),
    ],
    ids=str,
)
def test_the_reason_and_codes_of_an_error_body_are_found(
    body: Any, refusal: Refusal | None
) -> None:
    assert lenient.refusal(json.dumps(body).encode()) == refusal


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff", b"[" * 100_000])
def test_a_body_other_than_json_has_no_reason(body: bytes) -> None:
    assert lenient.refusal(body) is None


@pytest.mark.parametrize(("size", "is_read"), [(1024 * 1024, True), (1024 * 1024 + 1, False)])
def test_an_error_body_of_a_megabyte_is_read_and_a_longer_one_is_not(
    size: int, is_read: bool
) -> None:
    body = b'{"error": "a"' + b" " * (size - 14) + b"}"

    assert (len(body), lenient.refusal(body) is not None) == (size, is_read)


def test_anthropic_s_own_code_among_the_details_comes_first() -> None:
    details = {"error_code": "enforced_spend_limit_reached"}
    error = {"type": "rate_limit_error", "message": "no", "details": details}

    assert lenient.refusal_of(error) == ("no", ("enforced_spend_limit_reached", "rate_limit_error"))
    assert lenient.refusal_of({**error, "details": [1]}).codes == ("rate_limit_error",)
