"""docs/failures.md, from what a run of the table gave and what the limits are at the defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from chatd.catalog import CATALOG, Timeouts
from tests.faults.claims import CASES, FAULTS, JITTER, TEXT, TRIES, Case, Company, Fault, Way
from tests.faults.lanes import Seen

COMMAND = "CHATD_WRITE_FAILURES=1 make test TESTS=tests/faults/test_table.py"
_DEFAULTS = Timeouts()

_HEAD = f"""\
# Failures

What a provider can do wrong, and what a caller gets of it. This page is written by
`tests/faults/test_table.py`, which does each of these things to the gateway on real sockets, in
every dialect, for streams and for whole answers, and checks what comes back, how often and how far
apart the providers were asked, and how long it took; `{COMMAND}` writes it anew.
`tests/faults/test_chaos.py` mixes them at random.

## For a model alone

A failure before the first event is tried again where that may help, {TRIES - 1} times at most, after
waits drawn from 0–{JITTER[0]} s and 0–{JITTER[1]} s or as long as the provider asks; so nothing of it
is seen if it passes. After the first event nothing is asked again. A stream that has been sent ends
with an error event then, without a finish reason and without `[DONE]`; after 15 s of silence it is
committed too, and what fails fails inside it. A whole answer is never a part of one.

**Asked** is how often the provider is asked, **takes** how long the failure takes at most where the
limits are the defaults.
"""
_NEXT = """\
## With another model in the tier

The next model is asked once the first is given up: at once where that one was too slow, since its
silence has cost enough, and otherwise after the same retries. **Takes** is the time until then.
"""
_RESCUE = """\
Where the answer was begun, it depends on the next model, and not on the fault:
"""
_UNSTREAMED = """\
## With `upstream_stream = false`

A provider is asked to stream for every caller, so that silence is told from slowness. Where that is
switched off there are only the limits `connect` and `total`, and an answer has not begun before it
is whole:
"""
_ENDS = f"""\
## And besides

- Local Ollama may be silent for {CATALOG["ollama"].timeouts.silence:g} s if nobody else can be asked: it may be loading a model.
- All of it ends with the chat's time: `total`, or what Lambda has left.
- {{failures}} failures in a row open a provider's circuit for {{recovery}} s: it is not asked, the next model
  is, and with nobody left the caller gets 503 `no_healthy_provider` with `Retry-After`.
- `x-chatd-attempts` tells of the attempts before the first event, the log of all of them, and
  `rescued` in the answer who broke off and who went on.
"""


def page(table: Mapping[str, Seen], *, failures: int, recovery: int) -> str:
    """The page's text.

    Args:
        table: What every case gave.
        failures: How many open a circuit.
        recovery: Seconds for which it is open.

    """

    def told(cell: Callable[[Seen], str], fault: Fault, way: Way, company: Company) -> str:
        """What the cells of all dialects say: one thing, or the page shows that it is not."""
        cases = (
            case
            for case in CASES
            if (case.fault, case.way, case.company) == (fault, way, company)
        )
        return _one(cell(table[str(case)]) for case in cases)

    alone = [
        [
            fault.name,
            told(_outcome, fault, Way.STREAM, Company.NONE),
            told(_outcome, fault, Way.PLAIN, Company.NONE),
            told(_asked, fault, Way.PLAIN, Company.NONE),
            _takes(fault, alone=True),
        ]
        for fault in FAULTS
    ]
    return "\n".join(
        [
            _HEAD,
            _table(["The provider", "a stream", "a whole answer", "asked", "takes"], alone),
        ]
    )


def _one(cells: Iterable[str]) -> str:
    return " or ".join(sorted(set(cells)))
