"""Profile the handler: the functions with the most own time.

A profiler slows down calls: the shares show where to look, the times are not real.
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
    """Return the profile of `times` calls, after a tenth as many that are not counted."""
    warm.warmed(call, times // 10)
    profile = cProfile.Profile()
    profile.runcall(warm.warmed, call, times)
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(_LINES)
    return text.getvalue()


def main(requests: int) -> dict[str, str]:
    """Profile whole responses, and the chunks of streams."""
    with upstream.running() as url:
        handler = gateway.load_handler(url)
        whole = gateway.event("/v1/chat", gateway.chat_body("ollama_chat", upstream.Model().name))
        long = upstream.Model(chunks=requests)
        streamed = gateway.event(
            "/v1/chat/completions", gateway.chat_body("openai_chat", long.name, stream=True)
        )
        return {
            "whole answers": profiled(lambda: handler(whole, gateway.Context()), requests),
            "chunks": profiled(stream.ours(handler, streamed), 10),
        }


if __name__ == "__main__":
    gateway.report(main(**json.loads(sys.argv[1])))
