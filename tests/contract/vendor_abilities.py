"""Sum up the contract run as the abilities of each row: docs/provider_abilities.json.

`make abilities` writes the file; tests/contract/test_vendors.py finds a stale one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatd.config.catalog import CATALOG
from tests.contract.vendor_chats import CASES
from tests.contract.vendor_run import Run, running
from tests.contract.vendor_verdicts import Verdict, judge
from tests.support.vendors import vendor_of

FILE = Path(__file__).parents[2] / "docs/provider_abilities.json"
# Each row with each of its models.
SUBJECTS = [(row, model) for row in CATALOG for model in vendor_of(row).models]
# From the worst to the best.
_ORDER = ("no", "dropped", "yes")

Abilities = Mapping[str, Any]


def verdicts_of(run: Run, row: str, model: str) -> tuple[dict[str, Verdict], dict[str, str]]:
    """Send every chat to a model; return the verdicts, and the problems in words."""
    verdicts, problems = {}, {}
    for name, case in CASES.items():
        try:
            verdicts[name] = judge(name, case.body, run.ask(f"{row}/{model}", case.body))
        except AssertionError as problem:
            problems[name] = str(problem)
    return verdicts, problems


def abilities_of(verdicts: Mapping[str, Verdict]) -> Abilities:
    """Sum up the verdicts of a model.

    Returns:
        `yes`, `dropped` or `no` for each ability; a chat with a problem counts as `no`.

    """
    found: dict[str, str] = {}
    for name, case in CASES.items():
        if case.ability is None:
            continue
        verdict = verdicts.get(name)
        kind = "no" if verdict is None or verdict.kind == "refused" else verdict.kind
        # Fields left out of single tools and turns do not take the ability away.
        if kind == "dropped" and verdict and all("." in field for field in verdict.fields):
            kind = "yes"
        found[case.ability] = min(found.get(case.ability, "yes"), kind, key=_ORDER.index)
    return found


def written(abilities: Mapping[str, Abilities]) -> str:
    """Return the text of the file."""
    return json.dumps(abilities, indent=2, ensure_ascii=False) + "\n"


def recorded() -> dict[str, Abilities]:
    """Read the file; empty without one."""
    if not FILE.exists():
        return {}
    found: dict[str, Abilities] = json.loads(FILE.read_text("utf-8"))
    return found


def main() -> int:
    """Run all chats and write the file."""
    found = {}
    with running() as run:
        for row, model in SUBJECTS:
            verdicts, problems = verdicts_of(run, row, model)
            found[f"{row}/{model}"] = abilities_of(verdicts)
            for name, words in problems.items():
                sys.stderr.write(f"{row}/{model}: {name}: {words.splitlines()[0]}\n")
    FILE.write_text(written(found), "utf-8")
    print(f"wrote {FILE.name}: {len(found)} models")
    return 0


if __name__ == "__main__":
    sys.exit(main())
