"""Write the generated parts of the documentation, or name the stale ones with `--check`.

A part stands between two comments, of which the first names it: `<!-- generated: NAME -->` and
`<!-- end -->`; in YAML `# generated: NAME` and `# end`.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import ability_table  # noqa: E402  # beside this file
import catalog_tables  # noqa: E402  # beside this file
import decision_index  # noqa: E402  # beside this file
import measured_tables  # noqa: E402  # beside this file
import module_table  # noqa: E402  # beside this file
import openapi  # noqa: E402  # beside this file
import page  # noqa: E402  # beside this file
import template_tables  # noqa: E402  # beside this file

import bench.report.page  # noqa: E402  # after the path to it
from bench.cost import tables  # noqa: E402  # as above
from bench.cost.prices import Prices  # noqa: E402  # as above
from bench.cost.workload import Workload  # noqa: E402  # as above
from bench.report import plot, results  # noqa: E402  # as above

FILES = tuple(
    ROOT / name
    for name in (
        "README.md",
        "docs/architecture.md",
        "docs/configuration.md",
        "docs/cost.md",
        "docs/decisions/README.md",
        "docs/deploying.md",
        "docs/providers.md",
        "template.yaml",
    )
)
PART = re.compile(
    r"(?P<begin>(?:<!--|(?P<margin> *)#) generated: (?P<name>[\w-]+)(?: -->)?\n)"
    r".*?(?P<end>\n(?:<!-- end -->| *# end\n))",
    re.DOTALL,
)

PARTS = {
    "abilities": ability_table.abilities,
    **{name: partial(table, Workload(), Prices()) for name, table in tables.TABLES.items()},
    "decisions": partial(decision_index.index, ROOT / "docs/decisions"),
    "local-modules": partial(module_table.table, ROOT / "local"),
    "memory-size": measured_tables.memory_size,
    "modules": partial(module_table.table, ROOT / "functions/chatd"),
    "outputs": template_tables.outputs,
    "parameters": template_tables.parameters,
    "peers": measured_tables.peers,
    "processes": measured_tables.processes,
    "provider-environment": catalog_tables.provider_environment,
    "provider-names": catalog_tables.provider_names,
    "provider-variables": catalog_tables.provider_variables,
    "providers": catalog_tables.providers,
    "timeouts": catalog_tables.timeouts,
}


def current(text: str) -> str:
    """Replace every generated part of a text."""
    return PART.sub(_written, text)


def _written(part: re.Match[str]) -> str:
    content = textwrap.indent(PARTS[part["name"]](), part["margin"] or "")
    return f"{part['begin']}{content}{part['end']}"


def wanted() -> dict[Path, str]:
    """Make the text of every file that is generated or has generated parts."""
    described = openapi.description()
    return {
        **{file: current(file.read_text("utf-8")) for file in FILES},
        ROOT / "docs/openapi.json": json.dumps(described, indent=2, ensure_ascii=False) + "\n",
        ROOT / "docs/api.html": page.page(described),
        **performance(),
    }


def performance() -> dict[Path, str]:
    """Write the page of the latest measurements, and its plot."""
    measured = results.read()
    return {
        ROOT / "docs/performance.md": bench.report.page.page(measured),
        ROOT / "docs/performance.svg": plot.svg(measured["peers"]["handlers"]),
    }


def main() -> int:
    """Write the stale files, or name them and return 1 with `--check`."""
    stale = {
        file: text
        for file, text in wanted().items()
        if not file.exists() or file.read_text("utf-8") != text
    }
    if "--check" in sys.argv[1:]:
        for file in stale:
            print(f"{file.relative_to(ROOT)} is out of date: run make docs", file=sys.stderr)
        return 1 if stale else 0
    for file, text in stale.items():
        file.write_text(text, "utf-8")
        print(f"wrote {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
