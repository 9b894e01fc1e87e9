"""`make mutants`: apply random mutants to the code, and run the tests against each.

    python -m tests.mutants --mutants 100 --seed 1 --set harm functions

Prints a line per mutant, and a diff per survivor. Exits with 1 if the share of killed mutants is
below the set's aim.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.mutants import Mutant
from tests.mutants.run import Copy, UnsoundError, Verdict, copied
from tests.mutants.selection import drawn, equivalents

ROOT = Path(__file__).parents[2]
# The share of mutants that tests should kill, without equivalents.
AIMS = {"random": 0.95, "harm": 0.90}


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, judge and report mutants; return 1 if the aim is missed."""
    options = _options(arguments)
    mutants = drawn(
        ROOT, options.folder, options.mutants, seed=options.seed, harmful=options.set == "harm"
    )
    judged, alike = _apart(mutants)
    print(f"{len(judged)} mutants ({options.set}, seed {options.seed}), {len(alike)} equivalents")
    if options.list:
        for mutant in judged:
            print(_described(ROOT, mutant))
        return 0
    with copied(ROOT, None if options.quick else options.trace.resolve()) as copy:
        verdicts = [_judged(copy, mutant) for mutant in judged]
        return _reported(copy.root, [v for v in verdicts if v], AIMS[options.set])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("folder", nargs="?", default="functions", help="such as functions/chatd")
    parser.add_argument("--mutants", type=int, default=100, help="number of mutants to draw")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", choices=AIMS, default="random")
    parser.add_argument(
        "--trace",
        type=Path,
        default=ROOT / ".mutants" / "trace",
        help="file of the trace; taken if missing",
    )
    parser.add_argument("--quick", action="store_true", help="run the modules' own tests alone")
    parser.add_argument("--list", action="store_true", help="only print the drawn mutants")
    return parser.parse_args(arguments)


def _apart(mutants: Sequence[Mutant]) -> tuple[list[Mutant], list[Mutant]]:
    """Split mutants into those to judge and the equivalents of equivalents.toml."""
    judged: list[Mutant] = []
    alike: list[Mutant] = []
    for mutant in mutants:
        source = (ROOT / mutant.path).read_bytes()
        known = any(equivalent.covers(mutant, source) for equivalent in equivalents())
        (alike if known else judged).append(mutant)
    return judged, alike


def _judged(copy: Copy, mutant: Mutant) -> Verdict | None:
    """Judge a mutant; return None if its tests fail without the mutant."""
    try:
        verdict = copy.judge(mutant)
    except UnsoundError as failing:
        print(f"skipped  {mutant.path}: {failing} fails without a change", flush=True)
        return None
    word = "SURVIVED" if verdict.killer is None else "killed  "
    by = f" by {verdict.killer}" if verdict.killer else ""
    print(f"{word} {_described(copy.root, mutant)} [{verdict.took:.0f} s{by}]", flush=True)
    return verdict


def _reported(root: Path, verdicts: Sequence[Verdict], aim: float) -> int:
    survivors = [verdict.mutant for verdict in verdicts if verdict.killer is None]
    for mutant in survivors:
        print(f"\n{mutant.diff((root / mutant.path).read_bytes())}", end="")
    if not verdicts:
        return 1
    share = 1 - len(survivors) / len(verdicts)
    killed = len(verdicts) - len(survivors)
    print(f"\n{killed} of {len(verdicts)} noticed: {share:.1%} (aim {aim:.0%})")
    return int(share < aim)


def _described(root: Path, mutant: Mutant) -> str:
    old, new = mutant.change((root / mutant.path).read_bytes())
    return f"{mutant.path}:{mutant.line} {mutant.kind}: {old!r} -> {new!r}"


if __name__ == "__main__":
    sys.exit(main())
