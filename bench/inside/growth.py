"""Measure time and peak memory over the size of the input, in each dimension."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import process_time_ns
from typing import Any

from bench.inside import gateway, upstream

Call = Callable[[], Any]
_TOOL = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "The city's name, in English."},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
    },
    "required": ["city"],
}
# The sizes of each dimension, from usual to the maximum.
DIMENSIONS: Mapping[str, Sequence[int]] = {
    "providers": (1, 10, 100, 300, 1000),
    "messages": (1, 10, 100, 300, 1000),
    "kilobytes": (1, 16, 256, 1024, 4900),
    "tools": (1, 8, 32, 64, 128),
}


def bodies(dimension: str, size: int, dialect: str) -> Any:
    """Return a request body of this size in this dimension."""
    model = upstream.Model().name
    if dimension == "messages":
        turns = [
            {"role": ("user", "assistant")[turn % 2], "content": f"Turn {turn}: why is that so?"}
            for turn in range(size - 1 + size % 2)
        ]
        return {**gateway.chat_body(dialect, model), "messages": turns}
    if dimension == "kilobytes":
        return gateway.chat_body(dialect, model, "Why is the sky blue? " * (size * 1024 // 21))
    if dimension == "tools":
        functions = [
            {"name": f"weather_{number}", "description": "Forecast.", "parameters": _TOOL}
            for number in range(size)
        ]
        return gateway.chat_body(
            dialect, model, tools=[{"type": "function", "function": one} for one in functions]
        )
    return gateway.chat_body(dialect, model)


def catalog(path: Path, providers: int, url: str) -> None:
    """Write a chatd.toml with `providers` further providers."""
    path.write_text(
        "\n".join(
            f'[providers.p{number}]\ndialect = "openai_chat"\nbase_url = "{url}/v1"'
            f'\nkey_variable = "OPENROUTER_API_KEY"'
            for number in range(providers)
        ),
        "utf-8",
    )


def cost(calls: Sequence[Call], rounds: int) -> list[list[float]]:
    """Return each call's processor times in µs, taken in turn for `rounds` rounds."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, taken, strict=True):
            start = process_time_ns()
            call()
            times.append((process_time_ns() - start) / 1000)
    return taken


def peak(call: Call) -> int:
    """Return the peak of memory that a call allocates, in bytes."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main(rounds: int, dialects: Sequence[str]) -> dict[str, Any]:
    """Measure every dimension; return its sizes, times in µs, and peaks in bytes."""
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, upstream.running() as url:
        config = Path(folder) / "chatd.toml"
        catalog(config, 0, url)
        handler = gateway.load_handler(url)
        os.environ["CHATD_CONFIG"] = str(config)

        def answered(event: Any) -> None:
            answer = handler(event, gateway.Context())
            if answer["statusCode"] != 200:  # noqa: PLR2004  # OK
                raise SystemExit(answer["body"])

        def chat_call(dimension: str, size: int, dialect: str) -> Call:
            event = gateway.event("/v1/chat/completions", bodies(dimension, size, dialect))
            return lambda: answered(event)

        for dialect in dialects:
            for dimension in ("messages", "kilobytes", "tools"):
                sizes = DIMENSIONS[dimension]
                calls = [chat_call(dimension, size, dialect) for size in sizes]
                cost(calls, 2)
                measured[f"{dimension}, {dialect}"] = {
                    "sizes": list(sizes),
                    "times": cost(calls, rounds),
                    "peaks": [peak(call) for call in calls],
                }
        measured |= _providers(chat_call("providers", 1, "ollama_chat"), config, rounds, url)
    return measured


def _providers(chat: Call, config: Path, rounds: int, url: str) -> dict[str, Any]:
    """Measure the gateway's composition and a chat, over the number of configured providers."""
    from chat import app  # noqa: PLC0415  # after the environment is set

    sizes = DIMENSIONS["providers"]

    def compose() -> None:
        app.compose.cache_clear()
        app.compose()

    found: dict[str, Any] = {
        "providers, opening": {"sizes": list(sizes), "times": [], "peaks": []},
        "providers, a chat": {"sizes": list(sizes), "times": [], "peaks": []},
    }
    for size in sizes:
        catalog(config, size, url)
        for call, kept in zip((compose, chat), found.values(), strict=True):
            cost([call], 2)
            kept["times"] += cost([call], rounds)
            kept["peaks"].append(peak(call))
    return found


if __name__ == "__main__":
    gateway.report(main(**json.loads(sys.argv[1])))
