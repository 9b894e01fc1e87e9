"""The names in a provider's list of models, in the shapes that providers send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.dialects.model_list import model_names
from chatd.errors import UpstreamError
from chatd.safe_json.item_limits import MAX_MODELS
from chatd.upstream_http import HttpResponse


def response(body: Any) -> HttpResponse:
    return HttpResponse(200, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"data": [{"id": "a"}, {"id": "b", "name": "c"}]}, ["a", "b"]),
        ({"data": [{"name": "c"}, {"id": "", "name": "d"}, {"id": 5}, "e", {}]}, ["c", "d"]),
        ([{"id": "a"}], ["a"]),
        ({"data": []}, []),
        ({"data": None}, []),
        ({}, []),
        (
            {"data": [{"id": str(n)} for n in range(MAX_MODELS)]},
            [str(n) for n in range(MAX_MODELS)],
        ),
    ],
    ids=["list", "odd entries", "list alone", "empty", "null", "missing", "longest"],
)
def test_the_names_are_read_from_every_known_shape(body: Any, names: list[str]) -> None:
    assert model_names(response(body), "data", "id", "name") == names


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b"[" * 100_000,
        5,
        "text",
        {"data": {"id": "a"}},
        {"data": [{"id": "a"}] * (MAX_MODELS + 1)},
        [{"id": "a"}] * (MAX_MODELS + 1),
    ],
    ids=["html", "empty", "deep", "number", "text", "object", "too many", "too many alone"],
)
def test_a_malformed_list_is_the_providers_failure(body: Any) -> None:
    with pytest.raises(UpstreamError) as raised:
        model_names(response(body), "data", "id")

    assert raised.value.malformed
