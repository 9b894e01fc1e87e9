"""Draw mutants, select the tests for each, and list the equivalent mutants."""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.mutants.mutants import Mutant, modules, of_module

HERE = Path(__file__).parent
# Where a fault does harm: keys, limits, circuits, retries, locks, idempotency, tokens and money.
_HARMFUL = re.compile(
    r"functions/(authorizer/|chatd/(deadline|access/|credentials/|idempotency/|json_schema/"
    r"|resilience/(attempt|chat_context|circuit|fallback|format|retry)|routing/targets|telemetry/"
    r"|transport/|aws_lambda/(runtime_stream|snapstart|streaming)|config/cors_origins))"
)
# The most harmful kinds of change, and their weight in the draw.
_GRAVE = {"lock removed", "raise removed", "call removed", "negated", "comparison", "not removed"}
_WEIGHT = 3


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A change without a difference for tests.

    Attributes:
        path: The module.
        old: The changed lines before, with single spaces.
        reason: Why no test can detect the change.
        new: The changed lines after; empty for any change.

    """

    path: str
    old: str
    reason: str
    new: str = ""

    def covers(self, mutant: Mutant, source: bytes) -> bool:
        """Return whether a mutant is this change."""
        old, new = mutant.change(source)
        return (self.path, self.old) == (mutant.path, old) and self.new in ("", new)


@cache
def equivalents() -> tuple[Equivalent, ...]:
    """Return the list of equivalents.toml."""
    with (HERE / "equivalents.toml").open("rb") as file:
        return tuple(Equivalent(**entry) for entry in tomllib.load(file)["equivalent"])


def drawn(root: Path, folder: str, number: int, *, seed: int, harmful: bool) -> list[Mutant]:
    """Draw mutants of a folder; the same for the same seed and code.

    Args:
        root: The repository.
        folder: A folder or a module of the repository.
        number: The most mutants to draw.
        seed: The seed of the random generator.
        harmful: Whether to draw only where a fault does harm.

    """
    paths = [folder] if folder.endswith(".py") else list(modules(root, folder))
    found = [mutant for path in paths for mutant in of_module(root, path)]
    if harmful:
        found = [mutant for mutant in found if _HARMFUL.match(mutant.path)]
    generator = random.Random(seed)  # noqa: S311  # a sample, not a secret
    return sorted(
        _sample(generator, found, number, harmful=harmful),
        key=lambda mutant: (mutant.path, mutant.start, mutant.new),
    )


def _sample(
    generator: random.Random, found: list[Mutant], number: int, *, harmful: bool
) -> list[Mutant]:
    """Return a weighted sample without repetition: https://doi.org/10.1016/j.ipl.2005.11.003."""

    def key(mutant: Mutant) -> float:
        weight = _WEIGHT if harmful and mutant.kind in _GRAVE else 1
        return float(generator.random() ** (1 / weight))

    return [mutant for _, mutant in sorted(((key(m), m.start, m.path), m) for m in found)][-number:]


def nearest(root: Path, path: str) -> tuple[list[str], list[str]]:
    """Return a module's own tests by name, package or map; and the tests that import the module."""
    dotted = path.removeprefix("functions/").removesuffix(".py").removesuffix("/__init__")
    *folders, name = dotted.split("/")
    package = ".".join(folders) or "-"
    imports = re.compile(
        rf"^\s*(from {re.escape(dotted.replace('/', '.'))} import"
        rf"|from {re.escape(package)} import .*\b{re.escape(name)}\b)",
        re.MULTILINE,
    )
    names, packages = {name, *folders[1:]}, set(folders[1:])
    named = set(_mapped("own", path))
    importing = set()
    for file in (root / "tests").rglob("test_*.py"):
        test = file.relative_to(root)
        if _is_of(file.stem.removeprefix("test_"), names) or packages & set(test.parts):
            named.add(test.as_posix())
        elif imports.search(file.read_text("utf-8")):
            importing.add(test.as_posix())
    return sorted(named), sorted(importing - named)


def _is_of(claim: str, names: set[str]) -> bool:
    """Return whether one of test file's and module's name begins with the other."""
    return any(f"{claim}_".startswith(f"{n}_") or f"{n}_".startswith(f"{claim}_") for n in names)


def others(path: str) -> list[str]:
    """Return the tests that run a module in a process of its own, without a trace."""
    return _mapped("processes", path)


def _mapped(table: str, path: str) -> list[str]:
    """Return the tests of map.toml for prefixes of a module's path."""
    prefixes = _tables()[table]
    return [test for prefix, tests in prefixes.items() if path.startswith(prefix) for test in tests]


@cache
def _tables() -> dict[str, dict[str, list[str]]]:
    """Read map.toml once: a run takes long, and the checkout may change meanwhile."""
    with (HERE / "map.toml").open("rb") as file:
        return tomllib.load(file)
