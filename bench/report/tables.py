"""Render each benchmark's result as Markdown tables, for docs/performance.md and the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Found = Mapping[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _init(found: Found) -> str:
    starts = [
        (
            name,
            f"{start['cpu']['median']:.0f}",
            f"{start['wall']['median']:.0f}",
            f"{start['wall']['p99']:.0f}",
            f"{start['ratio']['cpu']:.2f} ×" if "ratio" in start else "",
        )
        for name, start in found["starts"].items()
    ]
    packages = [(name, f"{own:.1f}") for name, own in found["packages"]]
    modules = [(f"`{name}`", f"{own:.1f}", f"{all_:.1f}") for name, own, all_ in found["modules"]]
    return "\n\n".join(
        [
            table(("Start", "CPU ms", "wall ms", "wall p99", "CPU, over the floor"), starts),
            "Import times of the handler by `-X importtime`, medians in ms:",
            table(("Package", "own modules"), packages),
            table(("Module", "own", "with its imports"), modules),
        ]
    )


def _warm(found: Found) -> str:
    rows = [
        (
            name,
            *(f"{case['wall'][side]['median']:.0f}" for side in ("floor", "ours")),
            *(f"{case['wall']['overhead'][share]:.0f}" for share in ("median", "p99")),
            f"{case['cpu']['overhead']['median']:.0f}",
            f"{case['cpu']['ratio']:.2f} ×",
        )
        for name, case in found["cases"].items()
    ]
    head = (
        "µs",
        "urllib3",
        "chatd",
        "over urllib3",
        "over urllib3, p99",
        "over urllib3, CPU",
        "CPU ratio",
    )
    return table(head, rows)


def _stream(found: Found) -> str:
    rows = [
        (
            name,
            f"{case['flood']['cpu']:.1f}",
            f"{case['flood']['chunks_a_second']:,.0f}",
            f"{case['trickle']['cpu']:.0f}",
            f"{case['trickle']['floor']:.0f}",
            f"{case['first']['ours']['median'] - case['first']['floor']['median']:.0f}",
        )
        for name, case in found["cases"].items()
    ]
    head = (
        "CPU µs a chunk",
        "at once",
        "chunks a second",
        "alone",
        "floor alone",
        "first, µs",
    )
    posted = found["posted"]["cpu"]
    return (
        f"{table(head, rows)}\n\nTo send a chunk to Lambda's Runtime API, as an HTTP chunk of its"
        f" own, takes {posted:.0f} µs more."
    )


def _memory(found: Found) -> str:
    requests = f"after {found['requests']:,} requests, {found['streams']:,} of them streamed"
    steps = {
        "an interpreter": "bare",
        "with the libraries of the floor": "libraries",
        "with the handler imported": "imported",
        "at rest, after the first requests": "at rest",
        requests: "after requests",
        f"after {found['failures']:,} failures more": "after failures",
    }
    return table(("", "MB"), [(words, f"{found[name]:.1f}") for words, name in steps.items()])


def _peaks(found: Found) -> str:
    shapes = [shape for kind in ("ordinary", "hostile") for shape in found[kind].items()]
    return table(("Shape", "MB over rest"), [(shape, f"{over:.0f}") for shape, over in shapes])


def _size(found: Found) -> str:
    def row(name: str, one: Found) -> Sequence[str]:
        return name, f"{one['zipped']:.1f}", f"{one['unpacked']:.1f}", f"{one['files']:,}"

    largest = ", ".join(f"`{name}` {size:.1f}" for name, size in found["layer"]["largest"])
    keys = found["first_key"]
    ways = [
        (*row(name, one), f"{keys[name]['cpu']['median']:.0f}", f"{keys[name]['ratio']:.2f} ×")
        for name, one in found["boto3"].items()
    ]
    parts = [row("code", found["code"]), row("layer", found["layer"])]
    return "\n\n".join(
        [
            table(("", "zipped", "unpacked", "files"), parts),
            f"The layer's largest packages, unpacked: {largest}.",
            "boto3, and the CPU time of a first chat with its key in Secrets Manager, over one with"
            " its key in the environment:",
            table(("boto3", "zipped", "unpacked", "files", "first chat, CPU ms", "ratio"), ways),
        ]
    )


def _peers(found: Found) -> str:
    ours = found["handlers"]["chatd"]
    init, over = ours["init"]["cpu"]["median"], ours["overhead"]["wall"]
    rows = [
        (
            name,
            f"{side['init']['cpu']['median']:,.0f}",
            f"{side['init']['cpu']['median'] / init:.1f} ×",
            f"{side['first']['cpu']['median']:,.0f}",
            f"{side['overhead']['wall']:,.0f}",
            f"{side['overhead']['wall'] / over:.1f} ×",
            f"{side['resident']:.0f}",
        )
        for name, side in found["handlers"].items()
        if name != "bare"
    ]
    head = ("", "init, CPU ms", "over ours", "first answer, CPU ms", "warm, µs over urllib3",
            "over ours", "MB at rest")  # fmt: skip
    return "\n\n".join([table(head, rows), *_servers(found["servers"])])


def _servers(servers: Found) -> list[str]:
    if not servers:
        return []
    rows = [
        (
            name,
            *(
                f"{one['a_second']:,.0f} · {one['median'] / 1000:.1f} · {one['p99'] / 1000:.0f}"
                for one in loads.values()
            ),
        )
        for name, loads in servers.items()
    ]
    connections = [f"{number} at once" for number in servers["chatd"]]
    return [
        "Whole servers under wrk on the same processors: `make run`, uvicorn,"
        " LiteLLM's own server with one worker per core, and the upstream itself. Requests per"
        " second · median ms · p99 ms:",
        table(("", *connections), rows),
    ]


def _growth(found: Found) -> str:
    rows = [
        (
            name,
            f"{one['sizes'][0]:,} → {one['sizes'][-1]:,}",
            f"{one['cpu'][0] / 1000:.2f} → {one['cpu'][-1] / 1000:.2f}",
            f"{one['time_exponent']:.2f}",
            f"{one['peak'][0] / 1e6:.2f} → {one['peak'][-1] / 1e6:.2f}",
            f"{one['memory_exponent']:.2f}",
        )
        for name, one in found["cases"].items()
    ]
    return table(("Input", "size", "CPU ms", "exponent", "peak MB", "exponent"), rows)


def _spread(found: Found) -> str:
    rows = [
        (
            name,
            f"{one['median']:.3f}",
            f"{one['lowest']:.3f} – {one['highest']:.3f}",
            f"{one['limit']:.3f}",
        )
        for name, one in found["ratios"].items()
    ]
    return table(("Ratio or exponent", "median", "lowest – highest", "limit"), rows)


def _profile(found: Found) -> str:
    return "\n".join(f"{name}\n{text}" for name, text in found["cases"].items())


SECTIONS: dict[str, Callable[[Found], str]] = {
    "init": _init,
    "warm": _warm,
    "stream": _stream,
    "memory": _memory,
    "peaks": _peaks,
    "size": _size,
    "peers": _peers,
    "growth": _growth,
    "spread": _spread,
    "profile": _profile,
}
