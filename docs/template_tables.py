"""Tabulate the parameters and outputs of template.yaml."""

from __future__ import annotations

from pathlib import Path

from local import template

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"


def parameters() -> str:
    """Tabulate the stack's parameters with their defaults and descriptions."""
    lines = ["| Parameter | Default | Meaning |", "|---|---|---|"]
    for name, parameter in template.read(TEMPLATE).get("Parameters").children():
        default = parameter.get("Default").value
        words = " ".join(parameter.get("Description").text().split())
        lines.append(f"| `{name}` | {f'`{default}`' if default != '' else ''} | {words} |")
    return "\n".join(lines)


def outputs() -> str:
    """Tabulate the stack's outputs."""
    lines = ["| Output | Meaning |", "|---|---|"]
    for name, output in template.read(TEMPLATE).get("Outputs").children():
        lines.append(f"| `{name}` | {output.get('Description').text()} |")
    return "\n".join(lines)
