"""Which mutants are drawn, which tests should notice them, and which mutants no test can notice."""

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
# The kinds of change that do most of it, and how many times as likely one of them is drawn.
_GRAVE = {"lock removed", "raise removed", "call removed", "negated", "comparison", "not removed"}
_WEIGHT = 3


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A change that makes no difference that a test could see.

    Attributes:
        path: The module.
        old: The changed lines before, each space once.
        reason: Why no test can see it.
        new: The same lines after; empty for any change of them.

    """

    path: str
    old: str
    reason: str
    new: str = ""

    def covers(self, mutant: Mutant, source: bytes) -> bool:
        """Whether a mutant is this one."""
        old, new = mutant.change(source)
        return (self.path, self.old) == (mutant.path, old) and self.new in ("", new)


@cache
def equivalents() -> tuple[Equivalent, ...]:
    """The list of equivalents.toml."""
    with (HERE / "equivalents.toml").open("rb") as file:
        return tuple(Equivalent(**entry) for entry in tomllib.load(file)["equivalent"])


def drawn(root: Path, folder: str, number: int, *, seed: int, harmful: bool) -> list[Mutant]:
    """So many mutants of a folder; the same for the same seed and code.

    Args:
        root: The repository.
        folder: A folder or a module of it.
        number: How many; fewer if there are fewer.
        seed: Of the generator that draws.
        harmful: Whether to draw where a fault does harm, instead of anywhere.

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
    """A weighted sample without repetition: https://doi.org/10.1016/j.ipl.2005.11.003."""

    def key(mutant: Mutant) -> float:
        weight = _WEIGHT if harmful and mutant.kind in _GRAVE else 1
        return float(generator.random() ** (1 / weight))

    return [mutant for _, mutant in sorted(((key(m), m.start, m.path), m) for m in found)][-number:]


def nearest(root: Path, path: str) -> tuple[list[str], list[str]]:
    """The tests of a module by its name, its package's or the map; and those that import it."""
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
    """Whether a test file's name begins with a module's, or is the beginning of it."""
    return any(f"{claim}_".startswith(f"{n}_") or f"{n}_".startswith(f"{claim}_") for n in names)


def others(path: str) -> list[str]:
    """The tests that run a module in a process of its own, where no trace of it is taken."""
    return _mapped("processes", path)


def _mapped(table: str, path: str) -> list[str]:
    """The tests that map.toml has for the beginning of a module's path."""
    with (HERE / "map.toml").open("rb") as file:
        prefixes: dict[str, list[str]] = tomllib.load(file)[table]
    return [test for prefix, tests in prefixes.items() if path.startswith(prefix) for test in tests]
