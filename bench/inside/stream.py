"""Streams: how late the first token is, and what a chunk costs, over bare urllib3.

Three streams tell it apart: one whose chunks are all there at once (what our code does with a
chunk), one whose chunks come one by one (what waking up for each costs beside that), and one that
is slow after its first chunk (whether that is held back). The chunks go to a sink that counts them,
and, for what it costs to pass them on, through the real runtime's stream to a stand-in for
Lambda's Runtime API.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from bench.inside import gateway, upstream, warm

Call = Callable[[], Any]


def ours(handler: Any, event: Any, sink: Callable[[], Any] = gateway.Sink) -> Call:
    """A streamed chat, poured to its end; gives back the sink."""

    def pour() -> Any:
        into = sink()
        handler(event, gateway.Context()).pour(into)
        return into

    return pour


def counted(call: Call, writes: int) -> Call:
    """A call whose first sink is looked at: a stream that failed must not count as a fast one."""
    into = call()
    if into.status != 200 or into.writes < writes:  # noqa: PLR2004  # OK
        raise SystemExit(f"a stream of {writes} chunks: status {into.status}, {into.writes} writes")
    return call


def first_bytes(rounds: int, floor: Call, call: Call) -> dict[str, list[float]]:
    """Microseconds until the first byte, of the upstream's stream read bare, and of ours."""
    taken: dict[str, list[float]] = {"floor": [], "ours": []}
    for _ in range(rounds):
        began = perf_counter_ns()
        taken["floor"].append((floor() - began) / 1000)
        began = perf_counter_ns()
        taken["ours"].append((call().first - began) / 1000)
    return taken


def bare_first(url: str) -> Call:
    """The last request again; when its first chunk was there."""
    import urllib3  # noqa: PLC0415  # part of what is measured

    pool = urllib3.PoolManager()
    request = warm.last(pool, url)

    def first() -> int:
        response = pool.urlopen(**request, preload_content=False)
        response.read1(65536, decode_content=True)
        at = perf_counter_ns()
        while response.read1(65536, decode_content=True):
            pass
        response.release_conn()
        return at

    return first


def through_runtime(url: str) -> Callable[[], Any]:
    """Makes the sink that chatd.runtime pours into, with the upstream as the Runtime API."""
    from chatd.runtime_stream import Stream  # noqa: PLC0415  # the build's

    return lambda: Stream(url.removeprefix("http://"), "id", None)


def passed_on(handler: Any, event: Any, sink: Callable[[], Any]) -> Call:
    """A streamed chat through the runtime's stream, which is ended and closed."""

    def pour() -> None:
        stream = sink()
        handler(event, gateway.Context()).pour(stream)
        stream.end()
        stream.close()

    return pour


def main(rounds: int, flood: int, trickle: int, starts: int) -> dict[str, Any]:
    """Measure every surface with every dialect.

    Args:
        rounds: How often each stream is read.
        flood: Chunks of the stream that is there at once.
        trickle: Chunks of the one that comes bit by bit, one a millisecond.
        starts: How often the first chunk is waited for.

    """
    measured: dict[str, Any] = {}
    slow = upstream.Model(chunks=3, gap=4000)
    with upstream.running() as url:
        handler = gateway.settle(url)

        def event(surface: str, dialect: str, model: upstream.Model) -> Any:
            body = gateway.ask(dialect, model.name, stream=True)
            return gateway.event(gateway.SURFACES[surface], body)

        def pair(case: tuple[str, str], model: upstream.Model) -> list[dict[str, list[float]]]:
            call = counted(ours(handler, event(*case, model)), model.chunks)
            return warm.in_turn(rounds, warm.warmed(warm.bare(url, stream=True), 1), call)

        for surface in gateway.SURFACES:
            for dialect in gateway.DIALECTS:
                case = surface, dialect
                at_once = pair(case, upstream.Model(chunks=flood))
                one_by_one = pair(case, upstream.Model(chunks=trickle, gap=1000))
                call = counted(ours(handler, event(*case, slow)), slow.chunks)
                measured[f"{surface} from {dialect}"] = {
                    "flood": dict(zip(("floor", "ours"), at_once, strict=True)),
                    "trickle": dict(zip(("floor", "ours"), one_by_one, strict=True)),
                    "first": first_bytes(starts, bare_first(url), call),
                }
        sent = event("openai", "openai_chat", upstream.Model(chunks=flood))
        counting = ours(handler, sent)
        posting = passed_on(handler, sent, through_runtime(url))
        one, other = warm.in_turn(rounds, counting, posting)
        measured["posted"] = {"counted": one, "posted": other}
    return {"flood": flood, "trickle": trickle, "measured": measured}


if __name__ == "__main__":
    gateway.report(main(**json.loads(sys.argv[1])))
