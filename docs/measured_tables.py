"""Tabulate measurements that pages other than performance.md show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.report import results

_MEMORY_SIZE = Path(__file__).with_name("memory-size.json")


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
    result: dict[str, Any] = json.loads(_MEMORY_SIZE.read_text("utf-8"))
    return result
