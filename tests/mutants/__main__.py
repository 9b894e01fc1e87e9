"""`make mutants`: change the code at random places, and see whether a test notices.

    python -m tests.mutants --mutants 100 --seed 1 --set harm functions

It prints a line for each mutant as soon as it is judged, and then those that survived as diffs.
It ends with 1 if fewer are noticed than the set aims at.
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
# The share of mutants, equivalents apart, that tests should notice.
AIMS = {"random": 0.95, "harm": 0.90}


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, judge and report; whether the aim was missed."""
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
    parser.add_argument("--mutants", type=int, default=100, help="how many are drawn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", choices=AIMS, default="random")
    parser.add_argument(
        "--trace", type=Path, default=ROOT / ".mutants" / "trace", help="kept, or taken if missing"
    )
    parser.add_argument("--quick", action="store_true", help="run the modules' own tests alone")
    parser.add_argument("--list", action="store_true", help="only show what is drawn")
    return parser.parse_args(arguments)


def _apart(mutants: Sequence[Mutant]) -> tuple[list[Mutant], list[Mutant]]:
    """Those that are judged, and those that equivalents.toml lists."""
    judged: list[Mutant] = []
    alike: list[Mutant] = []
    for mutant in mutants:
        source = (ROOT / mutant.path).read_bytes()
        known = any(equivalent.covers(mutant, source) for equivalent in equivalents())
        (alike if known else judged).append(mutant)
    return judged, alike


def _judged(copy: Copy, mutant: Mutant) -> Verdict | None:
    """What became of a mutant; None where its tests fail without it."""
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
