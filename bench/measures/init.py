"""Measure the start of the chat function in fresh processes, against its libraries alone."""

from __future__ import annotations

import json
import logging
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from bench import libraries
from bench.inside.gateway import DIALECTS, KEY, SURFACES
from bench.sample_statistics import Distribution, ratio, rounded
from bench.target import Target

SECRET = "chatd/bench"  # noqa: S105  # its name
# moto requires credentials and ignores their values.
_DUMMIES = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_MODULES = 25  # rows of the table by module that are kept
# Start with which each start is compared.
FLOORS = {
    "handler": "libraries",
    "handler, no bytecode": "libraries, no bytecode",
    "the same that can stream": "Lambda's runtime client",
    "first chat, no key": "libraries",
    "first chat, key in the environment": "libraries",
    "first chat, key in Secrets Manager": "libraries",
    # Surfaces and dialects are imported on their first use.
    **{f"first chat by {name}": "first chat by native" for name in SURFACES if name != "native"},
    **{
        f"first chat to {name}": "first chat to ollama_chat"
        for name in DIALECTS
        if name != "ollama_chat"
    },
}


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """Return the times of each kind of start, and import times by module and by package."""
    with secrets_manager() as secret:
        found = target.run(
            "init",
            {
                "rounds": 5 if quick else 40,
                "libraries": libraries.statements(),
                "secret": secret,
            },
        )
    return {
        "starts": figures(found["starts"]),
        "modules": _by_module(found["modules"]),
        "packages": _by_package(found["modules"]),
    }


def figures(taken: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, Any]:
    """Return the times of each kind of start in ms, and their ratio to its floor's."""
    found: dict[str, Any] = {}
    for name, times in taken.items():
        found[name] = {clock: Distribution.of(times[clock]).json() for clock in ("wall", "cpu")}
        if name in FLOORS:
            floor = taken[FLOORS[name]]
            found[name]["ratio"] = {clock: ratio(times[clock], floor[clock]) for clock in times}
    return found


@contextmanager
def secrets_manager() -> Iterator[dict[str, str]]:
    """Run moto's Secrets Manager with one key; yield the variables that point to the server."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        client = boto3.client(
            "secretsmanager",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="bench",
            aws_secret_access_key="bench",  # noqa: S106  # moto ignores its value
        )
        client.create_secret(Name=SECRET, SecretString=json.dumps({"OPENROUTER_API_KEY": KEY}))
        yield {**_DUMMIES, "AWS_ENDPOINT_URL_SECRETS_MANAGER": url, "CHATD_SECRET_ID": SECRET}
        # All of moto's servers in a process share their state.
        client.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
        client.close()
    finally:
        server.stop()


Imports = Sequence[Mapping[str, Sequence[float]]]


def _medians(rounds: Imports, column: int) -> dict[str, float]:
    """Return each module's time in ms: its own (column 0), or with its imports (column 1)."""
    times: dict[str, list[float]] = defaultdict(list)
    for one in rounds:
        for name, taken in one.items():
            times[name].append(taken[column] / 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def _by_module(rounds: Imports) -> list[list[Any]]:
    own, cumulative = _medians(rounds, 0), _medians(rounds, 1)
    longest = sorted(own, key=lambda name: -own[name])[:_MODULES]
    return [[name, rounded(own[name], 3), rounded(cumulative[name], 3)] for name in longest]


def _by_package(rounds: Imports) -> list[list[Any]]:
    """Return the sum of own times in ms by package; the standard library counts as one."""
    total: dict[str, float] = defaultdict(float)
    for name, own in _medians(rounds, 0).items():
        top = name.partition(".")[0].lstrip("_")
        total[top if top in _PACKAGES else "the standard library"] += own
    return [[name, rounded(own, 3)] for name, own in sorted(total.items(), key=lambda row: -row[1])]


_PACKAGES = {
    "annotated_types",
    "aws_lambda_powertools",
    "chat",
    "chatd",
    "jmespath",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
    "typing_inspection",
    "urllib3",
}
