"""Profiles of the handler: the functions that take longest by themselves.

A profiler makes calls dear, so the shares say where to look, and not how long anything takes.
"""

from __future__ import annotations

import cProfile
import io
import json
import pstats
import sys
from collections.abc import Callable

from bench.inside import gateway, stream, upstream, warm

_LINES = 30


def profiled(call: Callable[[], object], times: int) -> str:
    """The table of a call that is made some times, after as many that are not counted."""
    warm.warmed(call, times // 10)
    profile = cProfile.Profile()
    profile.runcall(warm.warmed, call, times)
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(_LINES)
    return text.getvalue()


def main(requests: int) -> dict[str, str]:
    """Profile whole answers, and the chunks of streams."""
    with upstream.running() as url:
        handler = gateway.settle(url)
        whole = gateway.event("/v1/chat", gateway.ask("ollama_chat", upstream.Model().name))
        long = upstream.Model(chunks=requests)
        streamed = gateway.event(
            "/v1/chat/completions", gateway.ask("openai_chat", long.name, stream=True)
        )
        return {
            "whole answers": profiled(lambda: handler(whole, gateway.Context()), requests),
            "chunks": profiled(stream.ours(handler, streamed), 10),
        }


if __name__ == "__main__":
    gateway.report(main(**json.loads(sys.argv[1])))
