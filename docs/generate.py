"""Write the generated parts of the documentation, or name the stale ones with `--check`.

A part stands between two comments, of which the first names it: `<!-- generated: NAME -->` and
`<!-- end -->`; in YAML `# generated: NAME` and `# end`.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import decision_index  # noqa: E402  # beside this file
import openapi  # noqa: E402  # beside this file
import page  # noqa: E402  # beside this file

import bench.report.page  # noqa: E402  # after the path to it
from bench.cost import tables  # noqa: E402  # as above
from bench.cost.prices import Prices  # noqa: E402  # as above
from bench.cost.workload import Workload  # noqa: E402  # as above
from bench.report import plot, results  # noqa: E402  # as above
from chatd.config.catalog import CATALOG, Provider, Timeouts  # noqa: E402  # as above
from local import template  # noqa: E402  # as above

FILES = tuple(
    ROOT / name
    for name in (
        "README.md",
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
# The stack's parameter for a variable of the catalog; any other is empty unless a caller of
# `sam local` sets it.
_PARAMETERS = {"OLLAMA_URL": "!Ref OllamaUrl"}
_EMPTY = '""'


def providers() -> str:
    """Tabulate the providers, one line for each row of the catalog."""
    lines = [
        "| Provider | Model name | Dialect | Variable of the key | Address, and its variable |",
        "|---|---|---|---|---|",
    ]
    lines += [_provider(row) for row in CATALOG.values()]
    return "\n".join(lines)


def provider_names() -> str:
    """List the providers' prefixes in one sentence."""
    *most, last = [f"`{row.prefix}…`" for row in CATALOG.values()]
    return f"{', '.join(most)} and {last}. Any other name goes to the default provider."


def peers() -> str:
    """Tabulate the cost of a start and a warm request beside other gateways, from `make bench`."""
    measured = results.read()["peers"]
    sides = [measured["handlers"][name] for name in ("chatd", "fastapi", "litellm")]
    versions = {name: text.partition("==")[2] for name, text in measured["versions"].items()}
    rows = [
        ("start of a Lambda function, CPU ms", [side["init"]["cpu"]["median"] for side in sides]),
        ("added to a warm request, µs", [side["overhead"]["wall"] for side in sides]),
        ("memory at rest, MB", [side["resident"] for side in sides]),
    ]
    return "\n".join(
        [
            f"| | chatd | FastAPI {versions['fastapi']}, a bare route"
            f" | LiteLLM {versions['litellm']}, its proxy |",
            "|---|---:|---:|---:|",
            *(
                f"| {what} | {' | '.join(f'{value:,.0f}' for value in values)} |"
                for what, values in rows
            ),
        ]
    )


def provider_variables() -> str:
    """Write the lines of template.yaml that declare the catalog's environment variables."""
    return "\n".join(
        f"{name}: {_PARAMETERS.get(name, _EMPTY)}"
        for name in (*variables("base_url_variable"), *variables("key_variable"))
    )


def provider_environment() -> str:
    """Tabulate the catalog's environment variables."""
    addresses, keys = (
        ", ".join(f"`{name}`" for name in variables(field))
        for field in ("base_url_variable", "key_variable")
    )
    return "\n".join(
        [
            "| Variable | Meaning |",
            "|---|---|",
            f"| {addresses} | a provider's URL; up to and including `/v1` for OpenAI's dialect |",
            f"| {keys} | a provider's key, if the secret has none |",
        ]
    )


def variables(field: str) -> list[str]:
    """List the environment variables in one field of the catalog's rows, each once."""
    return list(
        dict.fromkeys(getattr(row, field) for row in CATALOG.values() if getattr(row, field))
    )


def timeouts() -> str:
    """Write the default time limits."""
    known = {name: value for name, value in asdict(Timeouts()).items() if value is not None}
    limits = ", ".join(f"{name} = {value:g}" for name, value in known.items())
    return f"`timeouts = {{ {limits} }}`"


def parameters() -> str:
    """Tabulate the stack's parameters with their defaults and descriptions."""
    lines = ["| Parameter | Default | Meaning |", "|---|---|---|"]
    for name, parameter in template.read(ROOT / "template.yaml").get("Parameters").children():
        default = parameter.get("Default").value
        words = " ".join(parameter.get("Description").text().split())
        lines.append(f"| `{name}` | {f'`{default}`' if default != '' else ''} | {words} |")
    return "\n".join(lines)


def outputs() -> str:
    """Tabulate the stack's outputs."""
    lines = ["| Output | Meaning |", "|---|---|"]
    for name, output in template.read(ROOT / "template.yaml").get("Outputs").children():
        lines.append(f"| `{name}` | {output.get('Description').text()} |")
    return "\n".join(lines)


def memory_size() -> str:
    """Tabulate times and memory of the chat function by memory size, from bench/memory_size."""
    measured = _measured()
    lines = [
        "| Memory | Start | First chat | with SnapStart | Warm chat | In use | At most |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for size, row in measured["sizes"].items():
        times = " | ".join(f"{row[name]:.2f}" for name in ("init", "first", "restored", "warm"))
        lines.append(f"| {size} MB | {times} | {row['resident']:.0f} MB | {row['peak']:.0f} MB |")
    return "\n".join(
        [
            *lines,
            "",
            f"Medians of {measured['rounds']} rounds. A time of 1 is a start with a whole vCPU:"
            f" {measured['unit_ms']} ms where this was measured.",
        ]
    )


def processes() -> str:
    """Write the memory of each process on Managed Instances, from bench/memory_size."""
    found = _measured()["processes"]
    return f"(Of {found['count']} processes at once each takes {found['each']:.0f} MB.)"


def _measured() -> dict[str, Any]:
    result: dict[str, Any] = json.loads((ROOT / "docs/memory-size.json").read_text("utf-8"))
    return result


def _provider(row: Provider) -> str:
    names = f"`{row.prefix}<model>`" + (f", `<model>{row.suffix}`" if row.suffix else "")
    key = f"`{row.key_variable}`" if row.key_variable else "none"
    place = f"{row.base_url}, `{row.base_url_variable}`"
    return f"| {row.name} | {names} | {row.dialect} | {key} | {place} |"


PARTS = {
    **{name: partial(table, Workload(), Prices()) for name, table in tables.TABLES.items()},
    "decisions": partial(decision_index.index, ROOT / "docs/decisions"),
    "memory-size": memory_size,
    "outputs": outputs,
    "parameters": parameters,
    "peers": peers,
    "processes": processes,
    "provider-environment": provider_environment,
    "provider-names": provider_names,
    "provider-variables": provider_variables,
    "providers": providers,
    "timeouts": timeouts,
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
