"""Render docs/failures.md from a run of the table and the default limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chatd.config.provider import WHOLE_SECONDS, Timeouts, limits_of
from chatd.resilience.circuit_breaker import FAILURES
from chatd.resilience.circuit_breaker_store import RECOVERY_SECONDS
from chatd.resilience.retry import PATIENCE, PATIENCE_WITH_FALLBACK
from tests.faults.cases import CASES, Case, Fallback
from tests.faults.fault_list import FAULTS, JITTER, TEXT, TRIES, Fault, Way
from tests.faults.table_runner import CellResult

COMMAND = "CHATD_WRITE_FAILURES=1 make test TESTS=tests/faults/test_table.py"
_LIMITS = Timeouts()
_OLLAMA = limits_of("ollama")
_RETRIES = {2: "twice"}[TRIES - 1]
_WAITS = " and ".join(f"{seconds:g} s" for seconds in JITTER)

_HEAD = f"""\
# Failures

The faults of providers, and the caller's response to each. `tests/faults/test_table.py` writes this
page: the test injects every fault on real sockets, in every dialect, for streams and whole answers,
and checks the response, the number and spacing of attempts, and the duration.
`{COMMAND}` writes the page again. `tests/faults/test_chaos.py` injects the
faults at random.

## Without a fallback

A failure before the first event is retried if a retry may help: {_RETRIES} at most, after random
waits of up to {_WAITS}. A provider's `Retry-After` replaces these waits, up to
{PATIENCE:g} s in total; a longer one goes to the caller at once. Silence is not retried: the
provider would process the prompt from the start. The caller does not see a failure that a retry
resolves. After the first event there is no retry: the stream ends with an error event, without a
finish reason and without `[DONE]`, so that a partial answer never passes for a whole one.

*Tries* is the number of attempts at the provider, *takes* the longest time to the failure, with all
limits at their defaults. 15 s of silence commit a stream to status 200; later failures end the
stream with an error event.
"""
_WITH_FALLBACK = f"""
## With a fallback

A tier's next model is tried at once if the first was too slow, and otherwise after the same
retries, with up to {PATIENCE_WITH_FALLBACK:g} s for `Retry-After`. Until its first event a model
has an equal share of the remaining time, so that time is left for the next model. *Takes* is the
longest time until the next model is tried.
"""
_FAILOVER = """
A failure after the first event is continued by the next model (mid-stream failover):
"""
_STREAMED = """
## With `upstream_stream = true`

The provider streams for callers of whole answers, too, also without a fallback: the limits for
streams apply, and an end mark ends the answer. These whole answers differ, without a fallback:
"""
_ENDS = f"""
## Further rules

- Without a fallback, a provider of Ollama's dialect may be silent for {_OLLAMA.silence:g} s, as for
  the load of a model.
- All attempts together end at `total`, or at Lambda's remaining time if that is less. A stream in
  progress has no `total` unless chatd.toml sets one.
- {FAILURES} failures in a row open a provider's circuit breaker: for {RECOVERY_SECONDS} s chats go
  to the tier's next model at once; without one the caller gets 503 `no_healthy_provider` and
  `Retry-After`. The failures must come from at least two requests or callers, unless no connection
  was established. Time before an attempt, and time of an answer in progress, count against no
  model ([0020](decisions/0020-breaker-failures-and-time-shares.md)).
- `x-should-retry: false` marks the failures after which chatd has spent its retries.
- The header `x-chatd-attempts` lists the attempts before the first event, the log all attempts;
  `rescued` in the answer names the models before and after a failover.
"""
_CONTINUED = "the answer, continued"
_COLUMNS = ("tries", "takes")
_FALLBACKS = {
    Fallback.CONTINUES: "`prefill = true`: continues the text",
    Fallback.ECHOES: "`prefill = true`: echoes the text and continues",
    Fallback.REPEATS: "repeats the text; chatd drops the part already sent",
    Fallback.REFUSES: "`prefill = true`: refuses, then repeats the text",
    Fallback.DIVERGES: "sends another text",
}


def page(table: Mapping[str, CellResult]) -> str:
    """Return the page in Markdown.

    Args:
        table: The result of every case.

    """

    def cell(text: Callable[[CellResult], str], *marks: object) -> str:
        """Return the cell's text, or the texts if dialects differ."""
        found = {text(table[str(case)]) for case in CASES if set(marks) <= set(_marks(case))}
        return " or ".join(sorted(found))

    begun = [fault for fault in FAULTS if fault.begun and fault.costs != "total"]
    alone = [
        [
            fault.name,
            cell(_got, fault.name, Way.STREAM, Fallback.NONE),
            cell(_tries, fault.name, Way.STREAM, Fallback.NONE),
            _takes(fault, alone=True),
            cell(_got, fault.name, Way.PLAIN, Fallback.NONE),
            cell(_tries, fault.name, Way.PLAIN, Fallback.NONE),
            _takes(fault.for_way(Way.PLAIN, alone=True), alone=True),
        ]
        for fault in FAULTS
    ]
    with_fallback = [
        [
            fault.name,
            _CONTINUED if fault in begun else cell(_got, fault.name, Way.PLAIN, Fallback.REPEATS),
            cell(_tries, fault.name, Way.PLAIN, Fallback.REPEATS),
            _takes(fault, alone=False),
        ]
        for fault in FAULTS
        if not fault.succeeds
    ]
    failover = [
        [
            action,
            *(
                " or ".join(sorted({cell(_got, fault.name, way, fallback) for fault in begun}))
                for way in (Way.STREAM, Way.PLAIN)
            ),
        ]
        for fallback, action in _FALLBACKS.items()
    ]
    streamed = [
        [
            fault.name,
            cell(_got, fault.name, Way.STREAMED, Fallback.NONE),
            cell(_tries, fault.name, Way.STREAMED, Fallback.NONE),
            _takes(fault, alone=True),
        ]
        for fault in FAULTS
        if _differs(fault)
    ]
    return "".join(
        [
            _HEAD,
            _rows(
                ["The provider", *("a stream", *_COLUMNS), *("a whole answer", *_COLUMNS)],
                alone,
            ),
            _WITH_FALLBACK,
            _rows(["The provider", "the caller gets", "tries", "takes"], with_fallback),
            _FAILOVER,
            _rows(["The next model", "a stream", "a whole answer"], failover),
            _STREAMED,
            _rows(["The provider", "the caller gets", "tries", "takes"], streamed),
            _ENDS,
        ]
    )


def _marks(case: Case) -> tuple[object, ...]:
    return case.fault.name, case.way, case.fallback


def _got(result: CellResult) -> str:
    received = result.received
    if received.error is not None:
        code = f"`{received.code}`"
        in_stream = received.status == 200
        return f"the tokens so far, and {code}" if in_stream else f"{received.status} {code}"
    if received.text != TEXT:
        return "the next model's whole answer"
    if received.rescued is not None:
        return "the answer"
    return "the next model's answer" if result.fallback_attempts else "the answer"


def _tries(result: CellResult) -> str:
    """Return the number of attempts, from the header if no connection reached the provider."""
    reported = sum(
        attempt.startswith(result.first) for attempt in result.received.reported_attempts
    )
    return f"{len(result.attempts) or reported or 1}"


def _takes(fault: Fault, *, alone: bool) -> str:
    if fault.succeeds:
        return "–"
    seconds = fault.longest(_LIMITS, alone=alone)
    if fault.costs == "total" and fault.begun:
        return f"{WHOLE_SECONDS:g} s, a stream as long as the route allows"
    return f"{seconds:g} s" if seconds else "0 s"


def _differs(fault: Fault) -> bool:
    whole = fault.for_way(Way.PLAIN, alone=True)
    streamed = (fault.status, fault.attempts(alone=True), fault.longest(_LIMITS, alone=True))
    return streamed != (
        whole.status,
        whole.attempts(alone=True),
        whole.longest(_LIMITS, alone=True),
    )


def _rows(head: list[str], rows: list[list[str]]) -> str:
    lines = ["\n", _row(head), _row(["---"] * len(head)), *map(_row, rows)]
    return "".join(lines).replace("| --- ", "|---")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
