"""Measure the delay of the first token and the cost of a chunk, over bare urllib3.

Three streams separate the costs: all chunks available at once (our own work on a chunk), one chunk
at a time (the wake-up for each), and a pause after the first chunk (whether that chunk is held
back). The chunks go to a counting sink, and, for the cost of sending them, through the real
runtime's stream to a stand-in for Lambda's Runtime API.
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
    """Return a call that writes a streamed chat to a sink, and returns the sink."""

    def stream() -> Any:
        into = sink()
        handler(event, gateway.Context()).write_to(into)
        return into

    return stream


def checked(call: Call, writes: int) -> Call:
    """Make one call and check its sink, since a failed stream must not count as a fast one."""
    into = call()
    if into.status != 200 or into.writes < writes:  # noqa: PLR2004  # OK
        raise SystemExit(f"a stream of {writes} chunks: status {into.status}, {into.writes} writes")
    return call


def first_bytes(rounds: int, floor: Call, call: Call) -> dict[str, list[float]]:
    """Return the µs until the first byte, with bare urllib3 and with the handler."""
    taken: dict[str, list[float]] = {"floor": [], "ours": []}
    for _ in range(rounds):
        start = perf_counter_ns()
        taken["floor"].append((floor() - start) / 1000)
        start = perf_counter_ns()
        taken["ours"].append((call().first - start) / 1000)
    return taken


def bare_first(url: str) -> Call:
    """Return a call that repeats the last request and returns the first chunk's time in ns."""
    import urllib3  # noqa: PLC0415  # part of the measurement

    pool = urllib3.PoolManager()
    request = warm.last_request(pool, url)

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
    """Return a factory of the runtime's stream, with the upstream as the Runtime API."""
    from chatd.aws_lambda.runtime_stream import InvocationStream  # noqa: PLC0415  # the build's

    return lambda: InvocationStream(url.removeprefix("http://"), "id", None)


def sent_to_runtime(handler: Any, event: Any, sink: Callable[[], Any]) -> Call:
    """Return a call that sends a streamed chat through the runtime's stream to its end."""

    def stream() -> None:
        stream = sink()
        handler(event, gateway.Context()).write_to(stream)
        stream.end()
        stream.close()

    return stream


def main(rounds: int, flood: int, trickle: int, starts: int) -> dict[str, Any]:
    """Measure every surface with every dialect.

    Args:
        rounds: Number of times each stream is read.
        flood: Chunks of the stream that is available at once.
        trickle: Chunks of the stream with one chunk a millisecond.
        starts: Number of measurements of the first chunk.

    """
    measured: dict[str, Any] = {}
    slow = upstream.Model(chunks=3, gap=4000)
    with upstream.running() as url:
        handler = gateway.load_handler(url)

        def event(surface: str, dialect: str, model: upstream.Model) -> Any:
            body = gateway.body_of(surface, dialect, model.name, stream=True)
            return gateway.event(gateway.SURFACES[surface], body)

        def pair(case: tuple[str, str], model: upstream.Model) -> list[dict[str, list[float]]]:
            call = checked(ours(handler, event(*case, model)), model.chunks)
            return warm.in_turn(rounds, warm.warmed(warm.bare(url, stream=True), 1), call)

        for surface in gateway.SURFACES:
            for dialect in gateway.DIALECTS:
                case = surface, dialect
                at_once = pair(case, upstream.Model(chunks=flood))
                one_by_one = pair(case, upstream.Model(chunks=trickle, gap=1000))
                call = checked(ours(handler, event(*case, slow)), slow.chunks)
                measured[f"{surface} from {dialect}"] = {
                    "flood": dict(zip(("floor", "ours"), at_once, strict=True)),
                    "trickle": dict(zip(("floor", "ours"), one_by_one, strict=True)),
                    "first": first_bytes(starts, bare_first(url), call),
                }
        sent = event("openai", "openai_chat", upstream.Model(chunks=flood))
        counting = ours(handler, sent)
        posting = sent_to_runtime(handler, sent, through_runtime(url))
        one, other = warm.in_turn(rounds, counting, posting)
        measured["posted"] = {"counted": one, "posted": other}
    return {"flood": flood, "trickle": trickle, "measured": measured}


if __name__ == "__main__":
    gateway.report(main(**json.loads(sys.argv[1])))
