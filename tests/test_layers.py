"""Imports point inward, and importing a handler has no side effects."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "functions" / "chatd"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the innermost layer outward; a module may import from its own layer and inner ones.
LAYERS = (
    {"errors", "deadline", "call", "upstream_http", "sqlite_file"},
    {"safe_json"},
    {"access", "canonical", "config", "json_schema"},
    {"credentials", "dialects", "surfaces", "telemetry", "transport"},
    {"routing"},
    {"discovery", "resilience"},
    {"guardrails"},
    {"gateway", "token_counter"},
    {"embeddings"},
    {"aws_lambda"},
    {"idempotency"},
    {"stored_responses"},
    {"composition"},
)
PURE = {"canonical", "dialects", "errors", "json_schema", "routing", "safe_json", "surfaces"}

# Modules that pure packages do not import.
SYSTEM = {
    *("boto3", "botocore", "aws_lambda_powertools", "urllib3", "os", "socket", "ssl", "subprocess"),
    *("http.client", "urllib.request", "asyncio", "threading", "pathlib", "io", "tempfile"),
}
FORBIDDEN = {"dialects": "chatd.surfaces", "surfaces": "chatd.dialects"}


def top_level(path: Path) -> str:
    """Return the top-level module or package of chatd that holds a module."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Return the full names of all imports in a module, also in functions."""
    return imports(path.read_text("utf-8"), package_of(path))


def imports(code: str, package: str) -> set[str]:
    """Return the full names of all imports in a module's code.

    Args:
        code: The text of a module.
        package: The full name of its package, for relative imports.

    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            names |= {f"{origin}.{alias.name}" for alias in node.names}
    return names


def package_of(path: Path) -> str:
    """Return the full name of a module's package."""
    return ".".join(path.relative_to(PACKAGE.parent).parent.parts)


def layer(name: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if name in names)


def is_of(name: str, modules: set[str]) -> bool:
    """Return whether a name is one of these modules or inside one."""
    return any(name == module or name.startswith(f"{module}.") for module in modules)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import os", {"os"}),
        ("import os.path as p, socket", {"os.path", "socket"}),
        ("from os import environ", {"os.environ"}),
        ("def f():\n    import boto3", {"boto3"}),
        ("from . import answer", {"chatd.safe_json.answer"}),
        (
            "from .text_extraction import A, B",
            {"chatd.safe_json.text_extraction.A", "chatd.safe_json.text_extraction.B"},
        ),
        ("from ..gateway import Reply", {"chatd.gateway.Reply"}),
        ("x = 'import os'", set()),
    ],
)
def test_an_import_is_found_in_every_form(code: str, found: set[str]) -> None:
    assert imports(code, "chatd.safe_json") == found


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("os", True), ("os.path", True), ("ossify", False), ("socketserver", False), ("a.os", False)],
)
def test_a_module_is_distinguished_from_one_with_the_same_prefix(name: str, is_one: bool) -> None:
    assert is_of(name, {"os", "socket"}) == is_one


def test_every_package_is_in_one_layer() -> None:
    entries = sorted(name for names in LAYERS for name in names)

    assert entries == sorted({top_level(path) for path in MODULES} - {"__init__"})
    assert {name for name in PURE if name not in entries} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_inward(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        assert imported(path) == set()
        return
    inner = {
        name.split(".")[1]
        for name in imported(path)
        if name.startswith("chatd.") and name != "chatd.__version__"
    }

    assert [name for name in inner if layer(name) > layer(top_level(path))] == []


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if top_level(path) in PURE],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_pure_packages_import_neither_the_system_nor_the_network_nor_aws(path: Path) -> None:
    assert [name for name in imported(path) if is_of(name, SYSTEM)] == []


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if top_level(path) in FORBIDDEN],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_dialects_and_surfaces_do_not_import_each_other(path: Path) -> None:
    assert [name for name in imported(path) if is_of(name, {FORBIDDEN[top_level(path)]})] == []


@pytest.mark.parametrize("handler", ["chat", "providers", "authorizer"])
def test_a_handler_is_imported_without_boto3_settings_or_network(handler: str) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / "functions")!r})
import importlib, pydantic, urllib3
import aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch
def refuse(event, args):
    if event == "open" and str(args[0]).endswith((".toml", ".env", ".json")):
        raise SystemExit(f"opens {{args[0]}}")
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen"):
        raise SystemExit(event)
sys.addaudithook(refuse)
importlib.import_module("{handler}.app")
raise SystemExit("imports boto3" if "boto3" in sys.modules else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
