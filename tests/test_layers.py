"""Imports point inward, and importing does nothing: the shape of the house, read from its code."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "functions" / "chatd"
MODULES = sorted(HOUSE.rglob("*.py"))

# From the innermost ring outward; a module may import from its own ring and those before it.
RINGS = (
    {
        "dry_call",
        "growing",
        "log",
        "json_texts",
        "normal_text",
        "errors",
        "deadline",
        "wire",
        "chat",
        "answer",
        "live",
        "documents",
    },
    {
        "catalog",
        "json_schema",
        "callers",
        "origins",
        "circuits",
        "shared_circuits",
        "secrets",
        "watchdog",
        "redaction",
        "prefill",
        "rescue",
        "retries",
        "schema",
        "runtime_stream",
        "snapshot",
    },
    {"happy_eyeballs"},
    {"connections", "settings", "surfaces", "adapters", "credentials", "telemetry", "runtime"},
    {"transport"},
    {"registry", "routing"},
    {"listing"},
    {"planning", "models"},
    {"errand"},
    {"turns"},
    {"asking", "format_check"},
    {"succession"},
    {"gateway", "events"},
    {"live_chat"},
    {"api", "rehearsal"},
    {"idempotency", "house"},
)
PURE = {"routing", "catalog", "adapters", "surfaces", "wire", "chat", "answer", "errors"}


def station(path: Path) -> str:
    """The file or folder of the house that a module belongs to."""
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The full names of the modules that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def ring(name: str) -> int:
    return next(number for number, stations in enumerate(RINGS) if name in stations)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_imports_point_inward(path: Path) -> None:
    if path == HOUSE / "__init__.py":
        assert imported(path) == set()
        return
    inner = {
        name.split(".")[1]
        for name in imported(path)
        if name.startswith("chatd.") and name != "chatd.__version__"
    }

    assert [name for name in inner if ring(name) > ring(station(path))] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_the_pure_stations_import_neither_boto3_nor_powertools(path: Path) -> None:
    forbidden = ("boto", "aws_lambda_powertools", "urllib3", "os.", "socket")
    names = imported(path) if station(path) in PURE else set()

    assert [name for name in names if name.startswith(forbidden)] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_no_dialect_knows_a_surface_and_no_surface_a_dialect(path: Path) -> None:
    strangers = {"adapters": "chatd.surfaces", "surfaces": "chatd.adapters"}
    stranger = strangers.get(station(path), "-")

    assert [name for name in imported(path) if name.startswith(stranger)] == []


@pytest.mark.parametrize("door", ["chat", "providers", "authorizer"])
def test_a_door_can_be_imported_without_boto3_settings_or_network(door: str) -> None:
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
importlib.import_module("{door}.app")
raise SystemExit("imports boto3" if "boto3" in sys.modules else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
