"""Start fresh processes in turn, with the chat function or with its libraries alone.

Each process reports its own times, without the start of the interpreter, which is the same for all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.inside import gateway, upstream

# The garbage collector is off in every process, as in our runtime until the first invocation: its
# passes would add time to varying modules.
_TIMED = """
import gc, time
gc.disable()
cpu, wall = time.process_time_ns(), time.perf_counter_ns()
{statements}
wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
import os
os.write({out}, f"{{wall / 1e6}} {{cpu / 1e6}}".encode())
"""
# Packages in the build's folders, and not in the runtime's.
_BUILT = ("chatd", "pydantic")
_FETCHED = "first chat, key in Secrets Manager"
_HANDLER = "from chat.app import lambda_handler"
# The start of Lambda's runtime client, and of the runtime that wraps the client.
_CLIENT = "from awslambdaric import bootstrap"
_RUNTIME = "import chatd.aws_lambda.runtime"
# A whole first chat; a key is required unless the provider is Ollama.
_CHAT = """
import json
from chat.app import lambda_handler
class Context:
    aws_request_id = "1"
    def get_remaining_time_in_millis(self):
        return 30000
answer = lambda_handler(json.loads({event!r}), Context())
assert answer["statusCode"] == 200, answer
"""


@dataclass(frozen=True, slots=True)
class Start:
    """The statements and the environment of a process."""

    statements: str
    env: Mapping[str, str]


def in_turn(starts: Mapping[str, Start], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return wall and processor times of each start in ms; the first round is not counted."""
    taken: dict[str, dict[str, list[float]]] = {name: {"wall": [], "cpu": []} for name in starts}
    for number in range(rounds + 1):
        for name, start in starts.items():
            wall, cpu = _timed(start)
            if number:
                taken[name]["wall"].append(wall)
                taken[name]["cpu"].append(cpu)
    return taken


def _timed(start: Start) -> tuple[float, float]:
    read, write = os.pipe()
    code = _TIMED.format(statements=start.statements, out=write)
    with os.fdopen(read) as report:
        subprocess.run(
            [sys.executable, "-c", code],
            env=dict(start.env),
            stdout=subprocess.DEVNULL,
            check=True,
            pass_fds=(write,),
        )
        os.close(write)
        wall, cpu = report.read().split()
    return float(wall), float(cpu)


def bare_of_bytecode(folder: Path) -> dict[str, str]:
    """Return an environment with the build copied without bytecode, and no writing of bytecode."""
    places = [Path(place) for place in os.environ["PYTHONPATH"].split(":") if place]
    ours = [place for place in places if any((place / name).is_dir() for name in _BUILT)]
    copies = []
    for number, place in enumerate(ours):
        copy = folder / f"bare{number}"
        shutil.copytree(place, copy, ignore=shutil.ignore_patterns("__pycache__"))
        copies.append(str(copy))
    rest = [str(place) for place in places if place not in ours]
    return {**os.environ, "PYTHONPATH": ":".join(copies + rest), "PYTHONDONTWRITEBYTECODE": "1"}


def by_module(rounds: int) -> list[dict[str, list[float]]]:
    """Measure the chat function's imports by module, with `-X importtime`.

    Returns:
        For each round, each module's own time and its time with its imports, in µs.

    """
    return [_import_times() for _ in range(rounds)]


def _import_times() -> dict[str, list[float]]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"import gc; gc.disable(); {_HANDLER}"],
        capture_output=True,
        text=True,
        check=True,
    )
    times = {}
    for line in done.stderr.splitlines()[1:]:
        own, cumulative, name = line.removeprefix("import time:").split("|")
        times[name.strip()] = [float(own), float(cumulative)]
    return times


def starts(libraries: Sequence[str], url: str, secret: Mapping[str, str]) -> dict[str, Start]:
    """Return every kind of start, by name."""
    env = dict(os.environ)
    bare = bare_of_bytecode(Path(tempfile.mkdtemp()))
    floor = "\n".join(libraries)
    settled = {**env, **gateway.environment(url)}
    keyless = {name: value for name, value in settled.items() if not name.endswith("_API_KEY")}

    def chat(dialect: str, surface: str = "native") -> str:
        body = gateway.body_of(surface, dialect, upstream.Model().name)
        event = gateway.event(gateway.SURFACES[surface], body)
        return _CHAT.format(event=json.dumps(event))

    ways = {
        "libraries": Start(floor, env),
        "handler": Start(_HANDLER, env),
        "libraries, no bytecode": Start(floor, bare),
        "handler, no bytecode": Start(_HANDLER, bare),
        "Lambda's runtime client": Start(_CLIENT, env),
        "the same that can stream": Start(_RUNTIME, env),
        "first chat, no key": Start(chat("ollama_chat"), keyless),
        "first chat, key in the environment": Start(chat("openai_chat"), settled),
        **{
            f"first chat by {surface}": Start(chat("ollama_chat", surface), settled)
            for surface in gateway.SURFACES
        },
        **{
            f"first chat to {dialect}": Start(chat(dialect), settled)
            for dialect in gateway.DIALECTS
        },
    }
    if secret:
        ways[_FETCHED] = Start(chat("openai_chat"), {**keyless, **secret})
    return ways


def with_boto3(start: Start, folder: str) -> Start:
    """Return the start with the boto3 of a folder, which precedes the runtime's as a layer does."""
    return Start(
        start.statements, {**start.env, "PYTHONPATH": f"{folder}:{start.env['PYTHONPATH']}"}
    )


def main(
    rounds: int,
    libraries: Sequence[str],
    secret: Mapping[str, str],
    only: Sequence[str] = (),
    boto3: Mapping[str, str] = {},  # never mutated
) -> dict[str, Any]:
    """Measure every kind of start, and each module's import time.

    Args:
        rounds: Number of starts of each kind.
        libraries: Import statements of the floor.
        secret: Variables that point to Secrets Manager.
        only: Measure only these starts, and no modules.
        boto3: Measure the start from Secrets Manager also with the boto3 of these folders.

    """
    with upstream.running() as url:
        ways = starts(libraries, url, secret)
        for name, folder in boto3.items():
            ways[f"{_FETCHED}, boto3 {name}"] = with_boto3(ways[_FETCHED], folder)
        own = ways.pop(_FETCHED, None)
        if own and find_spec("boto3"):  # the Lambda image has boto3, another Python none
            ways[f"{_FETCHED}, boto3 the runtime's own" if boto3 else _FETCHED] = own
        wanted = {
            name: start
            for name, start in ways.items()
            if not only or name in only or "boto3" in name
        }
        measured = in_turn(wanted, rounds)
    return {"starts": measured, "modules": [] if only else by_module(max(rounds // 2, 3))}


if __name__ == "__main__":
    gateway.report(main(**json.loads(sys.argv[1])))
