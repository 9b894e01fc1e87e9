"""Routes and responses match the OpenAPI description."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from local import routes
from tests.support.functions import ask, get, post, stream
from tests.support.upstream import Upstream

ROOT = Path(__file__).parents[3]


@cache
def description() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    return loaded


def schema_errors(body: Any, shape: str) -> list[str]:
    schema = {"$ref": f"#/components/schemas/{shape}", "components": description()["components"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(body)]


def test_the_description_has_every_route_of_the_stack() -> None:
    undescribed = {"/openapi.json", "/docs"}
    served = {
        (method, route.path.replace("+}", "}"))
        for route in routes.read(ROOT / "template.yaml")
        for method in route.methods
        if method != "OPTIONS" and route.path not in undescribed
    }

    described = {
        (verb.upper(), path)
        for path, operations in description()["paths"].items()
        for verb in operations
    }
    assert served == described


@pytest.mark.parametrize(
    ("path", "shape"), [("/v1/chat", "NativeAnswer"), ("/v1/chat/completions", "Completion")]
)
@pytest.mark.parametrize("model", ["llama3.2", "m:cloud", "openrouter/v/m", "kimi/k3"])
def test_an_answer_has_the_shape_that_is_described(
    provider: Upstream, keys: str, path: str, shape: str, model: str
) -> None:
    assert schema_errors(post(ask(model), path).json, shape) == []


@pytest.mark.parametrize("model", ["llama3.2", "m:cloud", "openrouter/v/m", "kimi/k3"])
def test_every_chunk_has_the_shape_that_is_described(
    provider: Upstream, keys: str, model: str
) -> None:
    streamed = stream(ask(model, stream_options={"include_usage": True}), "/v1/chat/completions")

    assert [
        schema_errors(chunk, "CompletionChunk") for chunk in streamed.json if chunk["choices"]
    ] == [[] for chunk in streamed.json if chunk["choices"]]


@pytest.mark.parametrize("body", ["no json", {"model": "kimi/k3", "messages": []}, ask("kimi/k3")])
def test_a_failure_has_the_shape_that_is_described(provider: Upstream, body: Any) -> None:
    assert schema_errors(post(body).json, "ErrorBody") == []


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/chat/providers", "ProviderList"),
        ("/v1/models", "ModelList"),
        ("/health", "Health"),
    ],
)
def test_a_list_has_the_shape_that_is_described(
    provider: Upstream, keys: str, path: str, shape: str
) -> None:
    assert schema_errors(get(path).json, shape) == []


def test_the_description_is_served() -> None:
    assert get("/openapi.json").json == description()
