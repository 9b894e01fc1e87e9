"""How much memory the chat function should have: what each size makes of a start and of a chat.

Lambda gives a function processor time in proportion to its memory, one vCPU at 1,769 MB
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). Here containers of the
Lambda image get those shares, one after the other and round again, so that whatever else this
machine does meets all sizes alike: the ratios between them are the result, not the times.

    make build ARCH=x86_64
    python -m bench.memory_size            # as JSON
    python -m bench.memory_size --write    # also to docs/memory-size.json, for docs/cost.md

It also counts the memory of the processes that Managed Instances fork, of which the kernel says
how much each shares. It knows containers and Lambda's Runtime API, and nothing of prices.
"""

from __future__ import annotations

import argparse
import json
import queue
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".aws-sam" / "build"
RESULT = ROOT / "docs" / "memory-size.json"
IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
VCPU_MB = 1769
SIZES = (256, 512, 1024, VCPU_MB)
PROCESSES = 32
_PATIENCE = 120.0
_WARM = 30
_LARGE_BYTES = 5_000_000
# It says when it begins: a container takes some time of its own before that.
_ENTRY = 'date +%s%N; exec /var/task/chatd/bootstrap "$@"'
_SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
_SECRET = {"SecretString": json.dumps({"OPENROUTER_API_KEY": "sk-none"})}
_ANSWER = {
    "model": "m",
    "choices": [{"index": 0, "message": {"content": "Hello!"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What one container took.

    Attributes:
        init: Seconds from the start of the process to its first question for an event.
        first: Seconds of the first chat, whose key comes from Secrets Manager.
        restored: Seconds of the first chat where SnapStart is on.
        warm: Seconds of a later chat: the median of some.
        resident: Megabytes of memory after these.
        peak: Megabytes that it had at most, a chat of 5 MB included.

    """

    init: float
    first: float
    restored: float
    warm: float
    resident: float
    peak: float


class Services(ThreadingHTTPServer):
    """The Runtime API, Secrets Manager and a provider that answers at once, on one port."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: queue.SimpleQueue[float] = queue.SimpleQueue()
        self.events: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.answered: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self.together: threading.Barrier | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"

    def chat(self, words: int = 1) -> float:
        """Have the function answer a chat; the seconds from the event to its answer.

        Raises:
            RuntimeError: If it failed.

        """
        data = _event(words)
        began = time.perf_counter()
        self.events.put(data)
        return self._ended() - began

    def chats(self, number: int) -> None:
        """Have so many chats at once: the provider answers none before all have come.

        Raises:
            RuntimeError: If one failed.

        """
        self.together = threading.Barrier(number, timeout=_PATIENCE)
        for _ in range(number):
            self.events.put(_event())
        for _ in range(number):
            self._ended()
        self.together = None

    def _ended(self) -> float:
        ended, answer = self.answered.get(timeout=_PATIENCE)
        if b"Hello!" not in answer:
            raise RuntimeError(f"the chat failed: {answer.decode()[:500]}")
        return ended


class _Handler(BaseHTTPRequestHandler):
    server: Services
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path.endswith("/restore/next"):
            self._answer(b"")
            return
        self.server.asked.put(time.time())
        event = self.server.events.get()
        self._answer(
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": "a-chat",
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + _PATIENCE) * 1000)),
                "Content-Type": "application/json",
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "/runtime/" in self.path:
            self.server.answered.put((time.perf_counter(), body))
            self._answer(b"", status=202)
        elif self.path == "/":
            self._answer(json.dumps(_SECRET).encode())
        else:
            if self.server.together is not None:
                self.server.together.wait()
            self._answer(json.dumps(_ANSWER).encode())

    def _answer(
        self, body: bytes, headers: Mapping[str, str] | None = None, status: int = 200
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def measured(size: int) -> Figures:
    """Start the function in a container of that many megabytes, and have it chat.

    Raises:
        RuntimeError: If the container or a chat failed.

    """
    with _services() as services, _container(size, services) as (name, process):
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        began = int(process.stdout.readline() or 0) / 1e9
        init = services.asked.get(timeout=_PATIENCE) - began
        first = services.chat()
        warm = statistics.median(services.chat() for _ in range(_WARM))
        resident = _memory(name)["VmRSS"]
        services.chat(_LARGE_BYTES // len("word "))
        peak = _memory(name)["VmHWM"]
    with _services() as services, _container(size, services, _SNAP_START):
        services.asked.get(timeout=_PATIENCE)
        restored = services.chat()
    return Figures(init, first, restored, warm, resident, peak)


def shared() -> dict[str, float]:
    """How many processes serve chats at once, and the megabytes of each.

    A page that several have counts for each as its part of it.

    Raises:
        RuntimeError: If the container or a chat failed.

    """
    many = {"AWS_LAMBDA_MAX_CONCURRENCY": str(PROCESSES)}
    with _services() as services, _container(4096, services, many) as (name, _process):
        for _ in range(2):
            services.chats(PROCESSES)
        said = _within(name, "cat /proc/[0-9]*/smaps_rollup 2>/dev/null")
    kilobytes = sum(int(line.split()[1]) for line in said.splitlines() if line.startswith("Pss:"))
    return {"count": PROCESSES, "each": round(kilobytes / 1024 / PROCESSES, 1)}


def table(rounds: Sequence[Mapping[int, Figures]]) -> dict[str, dict[str, float]]:
    """The medians over all rounds, by size; times in units of a start with a whole vCPU.

    A ratio is taken within its round, where both sides met the same noise.
    """

    def ratio(size: int, name: str) -> float:
        values: list[float] = [getattr(r[size], name) / r[VCPU_MB].init for r in rounds]
        return round(statistics.median(values), 3)

    def median(size: int, name: str) -> float:
        values: list[float] = [getattr(r[size], name) for r in rounds]
        return round(statistics.median(values), 1)

    return {
        str(size): {
            **{name: ratio(size, name) for name in ("init", "first", "restored", "warm")},
            **{name: median(size, name) for name in ("resident", "peak")},
        }
        for size in SIZES
    }


@contextmanager
def _services() -> Iterator[Services]:
    with Services() as services:
        threading.Thread(target=services.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield services
        finally:
            services.shutdown()


@contextmanager
def _container(
    size: int, services: Services, more: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    name = f"chatd-memory-{size}-{services.server_port}"
    variables = {
        "AWS_LAMBDA_RUNTIME_API": services.address,
        # And no AWS_LAMBDA_FUNCTION_NAME: a deployed function refuses a provider on loopback.
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://{services.address}",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
        "CHATD_SECRET_ID": "chatd/providers",
        "OPENROUTER_BASE_URL": f"http://{services.address}/v1",
        "_HANDLER": "chat.app.lambda_handler",
        **(more or {}),
    }
    options = [
        *("--name", name, "--rm", "--network", "host"),
        *(
            "--cpus",
            f"{min(1.0, size / VCPU_MB):.3f}",
            "--memory",
            f"{size}m",
            "--memory-swap",
            f"{size}m",
        ),
        *("--volume", f"{BUILD / 'ChatFunction'}:/var/task:ro"),
        *("--volume", f"{BUILD / 'VendorLayer'}:/opt:ro"),
        *(part for pair in variables.items() for part in ("--env", "=".join(pair))),
    ]
    command = ["sh", "-c", _ENTRY, "sh", "/var/lang/bin/python3.13", "/var/runtime/bootstrap.py"]
    process = subprocess.Popen(
        ["docker", "run", *options, "--entrypoint", command[0], IMAGE, *command[1:]],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield name, process
    finally:
        subprocess.run(["docker", "kill", name], capture_output=True, check=False)
        process.communicate()


def _memory(name: str) -> dict[str, float]:
    """What /proc says of the function's process, in megabytes."""
    lines = _within(name, "cat /proc/1/status").splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return {key: int(fields[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM")}


def _within(name: str, command: str) -> str:
    """What a command says in a container; one that ends while it is asked about is no failure."""
    return subprocess.run(
        ["docker", "exec", name, "sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def _event(words: int = 1) -> bytes:
    turn = {"role": "user", "content": "word " * words}
    return json.dumps({"model": "openrouter/m", "messages": [turn]}).encode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if there is nothing to measure with."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory_size", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=int, default=7, help="of one start a size (7)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULT.relative_to(ROOT)}")
    options = parser.parse_args(arguments)
    if not (BUILD / "ChatFunction").is_dir():
        print("bench: nothing is built: run make build ARCH=x86_64", file=sys.stderr)
        return 1
    rounds: list[dict[int, Figures]] = []
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        rounds.append({size: measured(size) for size in SIZES})
    result: dict[str, Any] = {
        "rounds": options.rounds,
        "sizes": table(rounds),
        "unit_ms": round(1000 * statistics.median(r[VCPU_MB].init for r in rounds)),
        "processes": shared(),
    }
    print(json.dumps(result, indent=2))
    if options.write:
        RESULT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
