"""Every list that is read from a caller, an upstream or chatd.toml is bounded."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

import chatd


def modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(chatd.__path__, "chatd."):
        # Only Lambda can import the runtime, and the runtime declares no model.
        if not module.name.startswith("chatd.aws_lambda.runtime"):
            yield module.name


def subclasses(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield child
        yield from subclasses(child)


def models() -> list[type[BaseModel]]:
    """Return every pydantic model of the package: each one reads input."""
    for name in modules():
        importlib.import_module(name)
    found = {model for model in subclasses(BaseModel) if model.__module__.startswith("chatd.")}
    return sorted(found, key=lambda model: (model.__module__, model.__name__))


def unbounded(schema: Any, name: str) -> Iterator[str]:
    """Yield the lists in a field's core schema that lack `fail_fast` or a cap."""
    if isinstance(schema, list | tuple):
        for item in schema:
            yield from unbounded(item, name)
    if not isinstance(schema, Mapping):
        return
    if schema.get("type") in ("list", "set", "frozenset", "tuple", "generator"):
        if not schema.get("fail_fast"):
            yield f"{name}: no fail_fast"
        if schema.get("max_length") is None:
            yield f"{name}: no max_length"
    for key, value in schema.items():
        if key not in ("metadata", "default", "cls", "ref"):
            yield from unbounded(value, name)


def faults(model: type[BaseModel]) -> list[str]:
    model.model_rebuild()
    where = f"{model.__module__}.{model.__qualname__}"
    found = list(unbounded(model.__pydantic_core_schema__, where))
    if not found:
        return []
    return [
        fault
        for field in model_fields(model.__pydantic_core_schema__)
        for fault in unbounded(field[1], f"{where}.{field[0]}")
    ] or found


def model_fields(schema: Any) -> Iterator[tuple[str, Any]]:
    """Yield the outermost model's fields, by name."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "model-fields":
            yield from schema["fields"].items()
            return
        for key in ("schema", "definitions"):
            yield from model_fields(schema.get(key))
    if isinstance(schema, list):
        for item in schema:
            yield from model_fields(item)


@pytest.mark.parametrize(
    "model", models(), ids=lambda model: f"{model.__module__}.{model.__name__}"
)
def test_every_list_stops_at_its_first_bad_item_and_at_its_cap(model: type[BaseModel]) -> None:
    assert faults(model) == []


def test_no_model_of_the_package_keeps_an_error_for_each_unknown_field() -> None:
    """`extra="forbid"` keeps one error for each unknown field, and has no fail_fast."""
    forbidding = [
        model.__qualname__
        for model in models()
        if model.model_config.get("extra") == "forbid"
        and not model.__module__.startswith("chatd.config.")  # chatd.toml, of the owner
    ]

    assert forbidding == []


def test_the_search_names_a_list_without_bounds() -> None:
    class Inner(BaseModel):
        texts: str | Annotated[list[str], Field(max_length=3)] | None = None

    class Outer(BaseModel):
        good: Annotated[list[int], Field(max_length=3, fail_fast=True)] = []
        bad: list[int] | None = None
        inner: Inner = Inner()

    where = f"{__name__}.{Outer.__qualname__}"
    assert faults(Outer) == [
        f"{where}.bad: no fail_fast",
        f"{where}.bad: no max_length",
        f"{where}.inner: no fail_fast",
    ]


def test_the_package_imports_no_model_of_the_documentation() -> None:
    """The search leaves out docs/response_schemas: these models describe responses."""
    importing = [
        name
        for name in modules()
        for line in Path(str(importlib.import_module(name).__file__))
        .read_text("utf-8")
        .splitlines()
        if re.match(r"\s*(from|import) docs\b", line)
    ]

    assert importing == []
