"""Find the places that a surface or dialect of the registries still misses."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from chatd.dialects import COMPLETIONS, DIALECTS, VARIANTS
from chatd.surfaces import SURFACES, Entry
from local import routes
from tests.clients.features import CLIENTS_OF
from tests.clients.providers import STUBS
from tests.faults.caller import SURFACES as FAULT_PATHS
from tests.support.dialect_streams import DIALECTS as FAULT_DIALECTS

ROOT = Path(__file__).parents[2]
# The cases that each pair of a surface and a dialect has.
CASES = ("plain", "stream", "error_bad_request", "stream_error_midway")

Check = Callable[[str], Iterator[str]]


@cache
def template_routes() -> dict[str, str]:
    """The handler of each route of template.yaml, by method and path."""
    return {
        f"{method} {route.path}": route.function.handler
        for route in routes.read(ROOT / "template.yaml")
        for method in route.methods
    }


@cache
def api_paths() -> Mapping[str, Any]:
    """The paths of docs/openapi.json."""
    paths: Mapping[str, Any] = json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))["paths"]
    return paths


def dialects_of(entry: Entry) -> tuple[str, ...]:
    """Return the dialects and variants that a surface has golden files for."""
    return tuple(COMPLETIONS) if entry.completions else (*DIALECTS, *VARIANTS)


def missing_of_surface(name: str, entry: Entry, package: Path) -> list[str]:
    """Name the places where a surface is missing.

    Args:
        name: Its name in SURFACES.
        entry: Its registry entry.
        package: The folder of the package `chatd`.

    """
    clients = "tests/clients/features.py: CLIENTS_OF"
    places = {
        f"template.yaml: the event POST {entry.path} of ChatFunction": (
            template_routes().get(f"POST {entry.path}") == "chat.app.lambda_handler"
        ),
        f"template.yaml: the event OPTIONS {entry.path} of ProvidersFunction": (
            template_routes().get(f"OPTIONS {entry.path}") == "providers.app.lambda_handler"
        ),
        f"docs/openapi.py: the path {entry.path}": "post" in api_paths().get(entry.path, {}),
        f"{clients}[{name!r}]": name in CLIENTS_OF,
        f"tests/faults/caller.py: {entry.path} in SURFACES": (
            entry.completions or entry.path in FAULT_PATHS
        ),
        **_conformity(f"surfaces.{entry.location}", "Surface", package),
        **{_golden(name, dialect): _has_cases(name, dialect) for dialect in dialects_of(entry)},
    }
    return [place for place, is_there in places.items() if not is_there]


def missing_of_dialect(name: str, location: str, package: Path) -> list[str]:
    """Name the places where a dialect or a variant is missing.

    Args:
        name: Its name in DIALECTS or VARIANTS.
        location: Its registry entry.
        package: The folder of the package `chatd`.

    """
    places = {
        **_conformity(f"dialects.{location}", "Dialect", package),
        **{
            _golden(surface, name): _has_cases(surface, name)
            for surface, entry in SURFACES.items()
            if not entry.completions or name in COMPLETIONS
        },
    }
    if name not in VARIANTS:
        documented = (ROOT / "docs/configuration.md").read_text("utf-8")
        table = f'dialect = "{name}"'
        places |= {
            f"docs/configuration.md: the dialect `{name}`": f"`{name}`" in documented,
            f"tests/support/dialect_streams.py: a row with {table}": any(
                table in row.toml for row in FAULT_DIALECTS.values()
            ),
            f"tests/clients/providers.py: STUBS[{name!r}]": name in STUBS,
        }
    return [place for place, is_there in places.items() if not is_there]


def _conformity(location: str, protocol: str, package: Path) -> dict[str, bool]:
    """Look for a class's conformity line, which makes mypy check the class's protocol."""
    module, _, kind = location.rpartition(".")
    file = package / f"{module.replace('.', '/')}.py"
    line = f"_: {protocol} = {kind}()"
    found = file.exists() and any(
        isinstance(node, ast.AnnAssign) and ast.unparse(node) == line
        for node in ast.parse(file.read_text("utf-8")).body
    )
    return {f"chatd/{module.replace('.', '/')}.py: the line `{line}`": found}


def _golden(surface: str, dialect: str) -> str:
    return f"tests/golden/{surface}--{dialect}/: {', '.join(CASES)}"


def _has_cases(surface: str, dialect: str) -> bool:
    folder = ROOT / f"tests/golden/{surface}--{dialect}"
    return all((folder / f"{case}.json").exists() for case in CASES)
