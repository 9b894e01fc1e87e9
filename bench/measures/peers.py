"""Measure LiteLLM, and FastAPI under Mangum, with the gateway's call and upstream."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bench.measures import environments, load
from bench.sample_statistics import Distribution, rounded
from bench.target import Target

FLOOR = "bare"


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """Return the figures of each handler and of each whole server, and the peers' versions."""
    folders = {peer: environments.install_peer(peer, target) for peer in environments.PEERS}
    fastapi, litellm = (f"{folders[peer]}:{target.bench}" for peer in environments.PEERS)
    volumes = tuple(folders.values())
    paths = {
        FLOOR: target.paths,
        "chatd": target.paths,
        "fastapi": fastapi,
        "litellm": litellm,
        "litellm as shipped": litellm,
    }
    found = target.run(
        "peers",
        {
            "starts": 2 if quick else 7,
            "rounds": 3 if quick else 20,
            "block": 20,
            "paths": paths,
            "quiet": _quiet(target),
        },
        volumes=volumes,
    )
    handlers = {name: _side(found, name) for name in paths}
    servers = {
        "chatd": f"{target.paths}:{folders['fastapi']}",
        "fastapi": fastapi,
        "litellm": litellm,
    }
    return {
        "handlers": handlers,
        "servers": _under_load(target, servers, volumes, quick=quick),
        "versions": {peer: _version(peer) for peer in environments.PEERS},
    }


def _side(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    cold, warm = found["cold"][name], found["warm"][name]
    floor = found["warm"][FLOOR]
    return {
        **{
            step: {
                clock: Distribution.of([one[step][clock] / 1000 for one in cold]).json()
                for clock in ("wall", "cpu")
            }
            for step in ("init", "first")
        },
        "resident": rounded(statistics.median(one["at rest"] for one in cold)),
        "resident_after": rounded(warm["resident"][-1]),
        "warm": {clock: Distribution.of(warm[clock]).json() for clock in ("wall", "cpu")},
        "overhead": {
            clock: rounded(statistics.median(warm[clock]) - statistics.median(floor[clock]))
            for clock in ("wall", "cpu")
        },
    }


def _under_load(
    target: Target, paths: Mapping[str, str], volumes: Sequence[Any], *, quick: bool
) -> dict[str, Any]:
    if not load.available():
        print("bench: wrk is not installed (apt-get install wrk): no load test", file=sys.stderr)
        return {}
    parameters = {"paths": paths, "quiet": _quiet(target), "bench": target.bench}
    with target.serving("servers", parameters, volumes=tuple(volumes)) as urls:
        chats = {name: f"{url}/v1/chat/completions" for name, url in urls.items()}
        models = {"chatd": "openrouter/bench"}
        # Start the workers before the measurement: servers start them on demand.
        load.in_turn(chats, models, target.scratch, 1, 1)
        rounds, seconds = (1, 1) if quick else (3, 4)
        taken = load.in_turn(chats, models, target.scratch, rounds, seconds)
    return {
        name: {connections: _load(loads) for connections, loads in by_number.items()}
        for name, by_number in taken.items()
    }


def _load(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the medians of the rounds: requests a second, and latencies in µs."""
    return {
        "a_second": rounded(statistics.median(one["count"] / one["seconds"] for one in rounds), 3),
        "median": statistics.median(one["median"] for one in rounds),
        "p99": statistics.median(one["p99"] for one in rounds),
    }


def _quiet(target: Target) -> dict[str, str]:
    """Return variables that configure LiteLLM and switch off its work beside the call.

    https://docs.litellm.ai/docs/proxy/config_settings
    """
    return {
        "CONFIG_FILE_PATH": f"{target.bench}/bench/peers/litellm.yaml",
        "LITELLM_LOG": "ERROR",
        "LITELLM_TELEMETRY": "False",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "DISABLE_ADMIN_UI": "True",
        # The gateway checks no caller's key here either.
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }


def _version(peer: str) -> str:
    lock = (environments.LOCKS / f"requirements-{peer}.txt").read_text("utf-8")
    return next(line.split()[0] for line in lock.splitlines() if line.startswith(f"{peer}=="))
