"""A registry line is complete only with its route, documents, tests and conformity line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import chat.app
import providers.app
from chatd.config.catalog import CATALOG
from chatd.dialects import COMPLETIONS, DIALECTS, VARIANTS, load_completions, load_dialect
from chatd.surfaces import SURFACES, Entry, surface
from tests.contract.registries import (
    ROOT,
    api_paths,
    dialects_of,
    missing_of_dialect,
    missing_of_surface,
    template_routes,
)
from tests.golden.case import FOLDER

PACKAGE = ROOT / "functions/chatd"


@pytest.mark.parametrize("name", SURFACES)
def test_a_surface_misses_no_place(name: str) -> None:
    assert missing_of_surface(name, SURFACES[name], PACKAGE) == []


@pytest.mark.parametrize("name", [*DIALECTS, *VARIANTS])
def test_a_dialect_misses_no_place(name: str) -> None:
    location = DIALECTS.get(name) or VARIANTS[name]

    assert missing_of_dialect(name, location, PACKAGE) == []


def test_a_new_surface_is_told_each_place_that_it_misses() -> None:
    missing = missing_of_surface("toy", Entry("toy.surface.Toy", "/v1/toy"), PACKAGE)

    assert missing == [
        "template.yaml: the event POST /v1/toy of ChatFunction",
        "template.yaml: the event OPTIONS /v1/toy of ProvidersFunction",
        "docs/openapi.py: the path /v1/toy",
        "tests/clients/features.py: CLIENTS_OF['toy']",
        "tests/faults/caller.py: /v1/toy in SURFACES",
        "chatd/surfaces/toy/surface.py: the line `_: Surface = Toy()`",
        *(
            f"tests/golden/toy--{dialect}/: plain, stream, error_bad_request, stream_error_midway"
            for dialect in (*DIALECTS, *VARIANTS)
        ),
    ]


def test_a_new_dialect_is_told_each_place_that_it_misses() -> None:
    assert missing_of_dialect("toy", "toy.dialect.Toy", PACKAGE) == [
        "chatd/dialects/toy/dialect.py: the line `_: Dialect = Toy()`",
        "tests/golden/native--toy/: plain, stream, error_bad_request, stream_error_midway",
        "tests/golden/openai_chat--toy/: plain, stream, error_bad_request, stream_error_midway",
        *(
            f"tests/golden/{surface}--toy/: plain, stream, error_bad_request, stream_error_midway"
            for surface in ("anthropic_messages", "openai_responses")
        ),
        "docs/configuration.md: the dialect `toy`",
        'tests/support/dialect_streams.py: a row with dialect = "toy"',
        "tests/clients/providers.py: STUBS['toy']",
    ]


@pytest.mark.parametrize(
    ("line", "complete"),
    [
        ("_: Surface = Toy()", True),
        ("_ = Toy()", False),
        ("_: Surface = Other()", False),
        ("# _: Surface = Toy()", False),
    ],
)
def test_only_an_annotated_instance_is_a_conformity_line(
    line: str, complete: bool, tmp_path: Path
) -> None:
    module = tmp_path / "surfaces/toy/surface.py"
    module.parent.mkdir(parents=True)
    module.write_text(f"class Toy: ...\n\n\n{line}\n")

    missing = missing_of_surface("toy", Entry("toy.surface.Toy", "/v1/toy"), tmp_path)

    assert any("the line" in place for place in missing) is not complete


@pytest.mark.parametrize("app", [chat.app, providers.app], ids=["chat", "providers"])
def test_the_template_s_routes_are_the_function_s(app: Any) -> None:
    handler = f"{app.__name__}.lambda_handler"
    declared = {
        route
        for route, function in template_routes().items()
        if function == handler and not route.startswith("OPTIONS ")
    }

    assert set(app.router.routes) == declared


def test_every_route_is_described_and_nothing_else() -> None:
    undescribed = {"GET /openapi.json", "GET /docs"}
    served = {route for app in (chat.app, providers.app) for route in app.router.routes}
    described = {
        f"{method.upper()} {path}" for path, methods in api_paths().items() for method in methods
    }

    assert {route.replace("+}", "}") for route in served - undescribed} == described


@pytest.mark.parametrize("name", SURFACES)
def test_a_surface_s_warm_up_is_plain_structured_and_streamed(name: str) -> None:
    examples = surface(name).examples

    assert [bool(body.get("stream")) for body in examples] == [False, False, True]
    assert len({tuple(body) for body in examples}) == 3


@pytest.mark.parametrize("name", [*DIALECTS, *VARIANTS])
def test_a_dialect_has_a_whole_and_a_streamed_example(name: str) -> None:
    example = load_dialect(name).example

    assert b"{}" in example.whole
    assert b"{}" in example.stream


@pytest.mark.parametrize("name", COMPLETIONS)
def test_completions_of_a_dialect_have_examples_and_a_conformity_line(name: str) -> None:
    dialect = load_completions(name)
    line = f"_: CompletionsDialect = {type(dialect).__name__}()"
    module, _, _ = COMPLETIONS[name].rpartition(".")
    source = (PACKAGE / f"dialects/{module.replace('.', '/')}.py").read_text("utf-8")

    assert name in DIALECTS
    assert b"{}" in dialect.example.whole
    assert b"{}" in dialect.example.stream
    assert f"\n{line}\n" in source


def test_every_row_speaks_a_dialect_of_the_registries() -> None:
    assert {row.dialect for row in CATALOG.values()} <= set(DIALECTS)
    assert {name for row in CATALOG.values() for name in row.variants.values()} <= set(VARIANTS)


def test_every_folder_of_golden_files_has_a_surface_and_a_dialect_or_provider() -> None:
    pairs = {tuple(folder.name.split("--")) for folder in FOLDER.glob("*--*")}
    needed = {(name, dialect) for name, entry in SURFACES.items() for dialect in dialects_of(entry)}

    assert pairs >= needed
    assert pairs - needed <= {(name, provider) for name in SURFACES for provider in CATALOG}
