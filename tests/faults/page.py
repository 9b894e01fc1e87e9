"""docs/failures.md, from what a run of the table gave and what the limits are at the defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chatd.config.catalog import WHOLE_SECONDS, Timeouts, limits_of
from chatd.resilience.circuit_breaker import FAILURES, RECOVERY_SECONDS
from chatd.resilience.retry import PATIENCE, PATIENCE_WITH_FALLBACK
from tests.faults.cases import CASES, Case, Company
from tests.faults.fault_list import FAULTS, JITTER, TEXT, TRIES, Fault, Way
from tests.faults.table_runner import Seen

COMMAND = "CHATD_WRITE_FAILURES=1 make test TESTS=tests/faults/test_table.py"
_LIMITS = Timeouts()
_OLLAMA = limits_of("ollama")
_RETRIES = {2: "twice"}[TRIES - 1]
_WAITS = " and ".join(f"{seconds:g} s" for seconds in JITTER)

_HEAD = f"""\
# Failures

What a provider can do wrong, and what becomes of it. This page is written by
`tests/faults/test_table.py`, which does each of these things to the gateway on real sockets, in
every dialect, for streams and for whole answers, and checks what the caller gets, how often and how
far apart the providers are asked, and how long it takes; `{COMMAND}`
writes it anew. `tests/faults/test_chaos.py` does them at random.

## To a model alone

What fails before the first event is tried again where that may help: {_RETRIES} at most, after
waits of up to {_WAITS}. A provider's `Retry-After` is obeyed instead, up to
{PATIENCE:g} s in total; a longer one goes to the caller at once. A silence is not tried again: the
provider would process the prompt from the start. The caller does not see a failure that passes.
After the first event nothing is tried again: a stream ends with an error event, without a finish
reason and without `[DONE]`, and a part is never taken for a whole answer.

*Takes* is how long the failure takes at most, where all limits are the defaults. A stream is
committed after 15 s of silence, so what fails later fails inside it.
"""
_NEXT = f"""
## Where a tier has another model

It is tried when the first is given up: at once where that one was too slow, and otherwise after
the same retries, with {PATIENCE_WITH_FALLBACK:g} s for `Retry-After`. Before its first event a
model gets an equal share of the time that is left, so that the next one has time. *Takes* is how
long it takes at most until the next one is tried.
"""
_GOES_ON = """
An answer that was begun is gone on with, or begun again:
"""
_STREAMED = """
## With `upstream_stream = true`

A provider streams for a caller that does not, too, also where no other model can take over: silence
is told from slowness, and an end mark ends the answer. What differs then, for a model alone:
"""
_ENDS = f"""
## And besides

- A provider of Ollama's dialect may be silent for {_OLLAMA.silence:g} s where no other model can
  answer: it may be loading a model.
- All of it ends with the chat's time: `total`, or what Lambda has left, if that is less. A stream
  that flows has no `total` unless chatd.toml sets one.
- {FAILURES} failures in a row open a circuit: for {RECOVERY_SECONDS} s that model is not tried, but
  the next one at once, and if none is left the caller gets 503 `no_healthy_provider` and
  `Retry-After`. The failures must come from two requests or callers at least, unless no connection
  could be made. Time that was spent before an attempt, or by an answer that flowed, counts against
  no model ([0020](decisions/0020-breaker-failures-and-time-shares.md)).
- `x-should-retry: false` comes with the failures for which chatd has spent its retries.
- `x-chatd-attempts` tells of the attempts before the first event, the log of all, and `rescued` in
  the answer of who broke off and who went on.
"""
_ASKED = ("asked", "takes")
_WHAT_IT_DOES = {
    Company.CONTINUES: "`prefill = true`: it goes on with what was said",
    Company.ECHOES: "`prefill = true`: it sends back what was said before it goes on",
    Company.REPEATS: "it says the same again, and what was sent is held back",
    Company.REFUSES: "`prefill = true`, but it refuses; it says the same again",
    Company.DIVERGES: "it says something else",
}


def page(table: Mapping[str, Seen]) -> str:
    """The page's text.

    Args:
        table: What every case gave.

    """

    def told(tell: Callable[[Seen], str], *which: object) -> str:
        """What all dialects gave: one thing, or the page shows that it is not."""
        found = {tell(table[str(case)]) for case in CASES if set(which) <= set(_marks(case))}
        return " or ".join(sorted(found))

    begun = [fault for fault in FAULTS if fault.begun and fault.costs != "total"]
    alone = [
        [
            fault.name,
            told(_got, fault.name, Way.STREAM, Company.NONE),
            told(_times, fault.name, Way.STREAM, Company.NONE),
            _takes(fault, alone=True),
            told(_got, fault.name, Way.PLAIN, Company.NONE),
            told(_times, fault.name, Way.PLAIN, Company.NONE),
            _takes(fault.asked(Way.PLAIN, alone=True), alone=True),
        ]
        for fault in FAULTS
    ]
    passed_on = [
        [
            fault.name,
            "it goes on" if fault in begun else told(_got, fault.name, Way.PLAIN, Company.REPEATS),
            told(_times, fault.name, Way.PLAIN, Company.REPEATS),
            _takes(fault, alone=False),
        ]
        for fault in FAULTS
        if not fault.succeeds
    ]
    goes_on = [
        [
            does,
            *(
                " or ".join(sorted({told(_got, fault.name, way, company) for fault in begun}))
                for way in (Way.STREAM, Way.PLAIN)
            ),
        ]
        for company, does in _WHAT_IT_DOES.items()
    ]
    streamed = [
        [
            fault.name,
            told(_got, fault.name, Way.STREAMED, Company.NONE),
            told(_times, fault.name, Way.STREAMED, Company.NONE),
            _takes(fault, alone=True),
        ]
        for fault in FAULTS
        if _differs(fault)
    ]
    return "".join(
        [
            _HEAD,
            _rows(
                ["The provider", *("a stream", *_ASKED), *("a whole answer", *_ASKED)],
                alone,
            ),
            _NEXT,
            _rows(["The provider", "the caller gets", "asked", "takes"], passed_on),
            _GOES_ON,
            _rows(["The next model", "a stream", "a whole answer"], goes_on),
            _STREAMED,
            _rows(["The provider", "the caller gets", "asked", "takes"], streamed),
            _ENDS,
        ]
    )


def _marks(case: Case) -> tuple[object, ...]:
    return case.fault.name, case.way, case.company


def _got(seen: Seen) -> str:
    heard = seen.heard
    if heard.error is not None:
        told = f"`{heard.code}`"
        return f"what came, and {told}" if heard.status == 200 else f"{heard.status} {told}"
    if heard.text != TEXT:
        return "the next model's own answer"
    if heard.rescued is not None:
        return "the answer"
    return "the next model's answer" if seen.instead else "the answer"


def _times(seen: Seen) -> str:
    """How often the failing provider was asked; the header tells where that one cannot see."""
    told = sum(attempt.startswith(seen.first) for attempt in seen.heard.story)
    return f"{len(seen.attempts) or told or 1}"


def _takes(fault: Fault, *, alone: bool) -> str:
    if fault.succeeds:
        return "–"
    seconds = fault.longest(_LIMITS, alone=alone)
    if fault.costs == "total" and fault.begun:
        return f"{WHOLE_SECONDS:g} s, a stream as long as the route allows"
    return f"{seconds:g} s" if seconds else "no time"


def _differs(fault: Fault) -> bool:
    whole = fault.asked(Way.PLAIN, alone=True)
    mine = (fault.status, fault.attempts(alone=True), fault.longest(_LIMITS, alone=True))
    return mine != (whole.status, whole.attempts(alone=True), whole.longest(_LIMITS, alone=True))


def _rows(head: list[str], rows: list[list[str]]) -> str:
    lines = ["\n", _row(head), _row(["---"] * len(head)), *map(_row, rows)]
    return "".join(lines).replace("| --- ", "|---")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
