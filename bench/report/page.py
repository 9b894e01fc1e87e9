"""Render docs/performance.md from docs/performance.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench import libraries
from bench.report import budgets
from bench.report.tables import SECTIONS, table

Found = Mapping[str, Any]


def page(results: Found) -> str:
    """Return the page in Markdown."""
    budget_table = table(("What", "Budget", "Measured", "Met"), budgets.rows(results))
    parts = [_HEAD, "## Budgets", budget_table, *filter(None, [budgets.reasons(results)])]
    for name, (title, words) in _SECTIONS.items():
        if name in results:
            found = results[name]
            taken = found["taken"]
            where = f"{taken['date']}, {taken['in']}, {taken['on']}: `make bench BENCH={name}`"
            parts += [
                f"## {title}",
                _filled(words, found),
                SECTIONS[name](found),
                f"<sub>{where}</sub>",
            ]
    return "\n\n".join(parts) + "\n"


def _filled(words: str, found: Found) -> str:
    values = {
        "libraries": table(
            ("Imported", "Why"), [(f"`{one.statement}`", one.reason) for one in libraries.read()]
        ),
        "flood": f"{found.get('chunks', {}).get('flood', 0):,}",
        "runs": found.get("runs", 0),
        "versions": ", ".join(found.get("versions", {}).values()).replace("==", " "),
        "shipped": _SHIPPED,
        "seconds": found.get("seconds", 0),
    }
    return words.format(**values)


_SHIPPED = "https://github.com/BerriAI/litellm/blob/main/litellm/proxy/lambda.py"
_HEAD = """\
# Performance

The gateway's cost over a floor that no gateway avoids. Every figure with a budget is a ratio or a
difference of two measurements taken in turn in one run, on the deployed build, so other load on the
machine affects both; absolute times differ by machine. `make bench` measures all figures again;
[performance.json](performance.json) has the distributions. *CPU* is the processor time of all
threads of the process, *wall* the elapsed time. The upstream is a separate process that answers at
once, in each dialect, with bytes prepared in advance.

![Init, warm overhead and memory: the gateway, FastAPI and LiteLLM](performance.svg)"""

_SECTIONS = {
    "init": (
        "Init",
        """\
Fresh processes in turn; each reports its own times, without the start of the interpreter. The
garbage collector is off, as in the deployed function until its first invocation. The floor imports
only the libraries that the chat function needs in any case:

{libraries}

*First chat* is the time from the start to the first response. *No bytecode* is the cost of a build
made with another Python.""",
    ),
    "warm": (
        "A warm request",
        """\
In turn, one call each: the handler gets API Gateway's event, and bare urllib3 sends the same bytes
that the handler sent. The provider returns one whole response; [Streams](#streams) has the
cost of a chunk.""",
    ),
    "stream": (
        "Streams",
        """\
The cost over reading the same stream with bare urllib3. *At once*: {flood} chunks that are all
available, so only the gateway's own work counts. *Alone*: one chunk a millisecond, so the wake-up
with cold processor caches counts, too. *First*: the body's first byte, after the upstream's first
byte reached bare urllib3.""",
    ),
    "memory": (
        "Memory",
        "Resident memory of one process; the requests use all dialects in turn.",
    ),
    "peaks": (
        "Peaks of memory",
        "Resident memory that one request of 5 MB adds at its peak to a process at rest.",
    ),
    "size": ("Size", "In MB of 10⁶ bytes, zipped as for a deployment, with bytecode."),
    "peers": (
        "Comparison with others",
        """\
The same chat, from the same event of API Gateway to the same upstream in OpenAI's dialect. Each
runs in a process of its own, with bytecode and the packages of its own lock file, in turn.

- *FastAPI* is [a route](../bench/peers/fastapi_app.py) under Mangum with a pydantic model; the
  route forwards the body with urllib3.
- *LiteLLM* is its proxy under Mangum, with [its documented minimal
  configuration](../bench/peers/litellm.yaml): one model, no database, no callbacks, no telemetry,
  no caller's key. The proxy starts once, which is faster than the handler that LiteLLM ships
  (*as shipped*, [lambda.py]({shipped})): that handler reads the configuration in every call.

The provider's response has eight tokens and is whole. {versions}. FastAPI
does less than the gateway, LiteLLM more.""",
    ),
    "growth": (
        "Growth",
        """\
Processor time and peak memory as the input grows. An exponent of 1 is linear; exponents are of the
three largest sizes.""",
    ),
    "spread": (
        "The guard",
        """\
`make bench-check` measures these in some {seconds} s, and fails if one exceeds its limit three
times in a row. A limit is the median of {runs} runs on one commit plus twice the distance from
there to the highest run, and at least 15 % above the median, since relative costs differ by
processor. Where cost grows with the input, exponents up to 1.15 pass.""",
    ),
}
