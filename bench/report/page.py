"""docs/performance.md: what was measured last, in words and tables, from docs/performance.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench import libraries
from bench.report import budgets
from bench.report.tables import SECTIONS, table

Found = Mapping[str, Any]


def page(everything: Found) -> str:
    """The page's text."""
    held = table(("What", "Budget", "Measured", "Met"), budgets.rows(everything))
    parts = [_HEAD, "## Budgets", held, *filter(None, [budgets.reasons(everything)])]
    for name, (title, words) in _SECTIONS.items():
        if name in everything:
            found = everything[name]
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

What the gateway costs beside what it cannot avoid. Every figure that counts is a ratio or a
difference of two things measured in turn in one run, on the build that is deployed, so that
whatever else the machine does falls on both; times by themselves say little. `make bench` measures
all of it anew, and [performance.json](performance.json) has the distributions. *CPU* is the time
that all threads of the process spend on a processor, *wall* what the clock on the wall says. The
upstream is a process of its own that answers at once, in each dialect, with bytes made before.

![Init, warm overhead and memory: the gateway, FastAPI and LiteLLM](performance.svg)"""

_SECTIONS = {
    "init": (
        "Init",
        """\
Fresh processes in turn; each tells its own times, without the interpreter's own start, and in each
the garbage collector rests, as it does in the deployed function until its first invocation. The
floor is to import what the chat function cannot do without, and nothing else:

{libraries}

*First chat* is from nothing to the first answer. Without bytecode is what a build costs that
another Python made.""",
    ),
    "warm": (
        "A warm request",
        """\
The handler is called with API Gateway's event, and bare urllib3 sends the very bytes that it sent;
in turn, one call each. The gateway asks the provider to stream whatever the caller wants: here the
answer is one chunk and the end, and each chunk more costs what is under [Streams](#streams).""",
    ),
    "stream": (
        "Streams",
        """\
Over reading the same stream with bare urllib3. *At once*: {flood} chunks that are all there, so
that only our own work counts. *Alone*: one a millisecond, so that waking up, with what was in the
caches gone, counts too. *First*: the first byte of the body, after the upstream's first byte came
to bare urllib3.""",
    ),
    "memory": (
        "Memory",
        "Resident memory of one process; the requests go to all dialects in turn.",
    ),
    "peaks": (
        "Peaks of memory",
        "What one request of 5 MB adds at its peak to a process at rest.",
    ),
    "size": ("Size", "In MB of 10⁶ bytes, zipped as a deployment is, bytecode included."),
    "peers": (
        "Beside others",
        """\
The same chat, from the same event of API Gateway to the same upstream in OpenAI's dialect; each in
a process of its own, with the packages of its own lock file, with bytecode, in turn.

- *FastAPI* is [a route](../bench/peers/fastapi_app.py) with a pydantic model that passes the body
  on with urllib3, under Mangum.
- *LiteLLM* is its proxy under Mangum, with [its documented minimum](../bench/peers/litellm.yaml)
  of a configuration: one model, no database, no callbacks, no telemetry, no caller's key. Its start
  is made once, which is better than what it ships: that one (*as shipped*,
  [lambda.py]({shipped})) reads the configuration at every call.

The provider's answer has eight tokens, which the gateway gets as a stream and the others whole.
{versions}. They do other things than the gateway does: FastAPI less, LiteLLM more.""",
    ),
    "growth": (
        "Growth",
        """\
Processor time and the peak of memory as the input grows. An exponent of 1 is linear; it is that of
the three largest sizes.""",
    ),
    "spread": (
        "The guard",
        """\
`make bench-check` measures these in some {seconds} s, and fails if one is beyond its limit three
times in a row. A limit is the median of {runs} runs on one commit and twice the way from there to
the worst of them, and at least 15 % above the median, since another processor finds other things
dear; what grows with its input may do so up to an exponent of 1.15.""",
    ),
}
