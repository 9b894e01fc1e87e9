"""Draw docs/performance.svg: bars of the gateway and its peers, on logarithmic scales.

The colours follow the reader's light or dark theme.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 } .value { font-size: 12px } .axis { stroke: #8c959f; stroke-width: 1 }
.ours { fill: #1a7f37 } .theirs { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .ours { fill: #3fb950 } .theirs { fill: #6e7681 }
}
"""
_NAMES = {
    "chatd": "chatd",
    "fastapi": "FastAPI",
    "litellm": "LiteLLM",
    "litellm as shipped": "LiteLLM, as shipped",
}
_WIDTH, _LEFT, _RIGHT = 760, 150, 110
_BAR, _ROW, _TITLE, _GAP = 16, 24, 26, 22


def svg(handlers: Mapping[str, Any]) -> str:
    """Return the plot as SVG.

    Args:
        handlers: The figures of each handler, from the benchmark of peers.

    """
    panels = [
        ("Init, CPU ms", {name: side["init"]["cpu"]["median"] for name, side in handlers.items()}),
        (
            "A warm request, µs over bare urllib3",
            {name: side["overhead"]["wall"] for name, side in handlers.items()},
        ),
        (
            "Resident memory at rest, MB",
            {name: side["resident"] for name, side in handlers.items()},
        ),
    ]
    parts: list[str] = []
    top = 10
    for title, values in panels:
        shown = [(name, values[name]) for name in _NAMES if name in values]
        parts += _panel(title, shown, top)
        top += _TITLE + _ROW * len(shown) + _GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" role="img">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>", ""])


def _panel(title: str, rows: Sequence[tuple[str, float]], top: int) -> Iterator[str]:
    lowest = 10 ** math.floor(math.log10(min(value for _, value in rows)))
    highest = max(value for _, value in rows)
    available = _WIDTH - _LEFT - _RIGHT
    bottom = top + _TITLE + _ROW * len(rows)
    yield f'<text class="title" x="{_LEFT}" y="{top + 14}">{escape(title)} (logarithmic)</text>'
    ends = f'x1="{_LEFT}" x2="{_LEFT}" y1="{top + _TITLE - 4}" y2="{bottom - 4}"'
    yield f'<line class="axis" {ends}/>'
    for number, (name, value) in enumerate(rows):
        y = top + _TITLE + number * _ROW
        width = max(2, round(available * math.log(value / lowest) / math.log(highest / lowest)))
        kind = "ours" if name == "chatd" else "theirs"
        times = "" if name == "chatd" else f" · {value / rows[0][1]:.1f} ×"
        yield f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(_NAMES[name])}</text>'
        yield f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{width}" height="{_BAR}" rx="2"/>'
        yield (
            f'<text class="value" x="{_LEFT + width + 6}" y="{y + 13}">{value:,.0f}{times}</text>'
        )
