"""Run whole servers for the load test: that of `make run`, and the peers' own.

Reports their URLs, and stops them when standard input ends.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from bench.inside import gateway, upstream

# Seconds for the start of a server.
_START = 120.0
_LITELLM = "from litellm import run_server; run_server()"


def command(name: str, port: int, bench: str) -> list[str]:
    """Return a server's command, with one worker process per core, as both peers advise."""
    workers = str(os.cpu_count() or 1)
    if name == "chatd":
        return [sys.executable, "-m", "local"]
    if name == "fastapi":
        app = "bench.peers.fastapi_app:app"
        quiet = ["--log-level", "warning", "--no-access-log"]
        return [sys.executable, "-m", "uvicorn", app, "--port", str(port), *quiet]
    config = f"{bench}/bench/peers/litellm.yaml"
    arguments = ["--config", config, "--port", str(port), "--num_workers", workers]
    return [sys.executable, "-c", _LITELLM, "--host", "127.0.0.1", *arguments]


@contextmanager
def server(name: str, env: Mapping[str, str], bench: str) -> Iterator[str]:
    """Run a server until the block ends; yield its URL once the port accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        command(name, port, bench),
        env={**env, "PORT": str(port)},
        cwd=bench,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        _await(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{process.args!r} does not accept connections")


def main(paths: Mapping[str, str], quiet: Mapping[str, str], bench: str) -> None:
    """Run the servers until standard input ends."""
    with ExitStack() as stack:
        url = stack.enter_context(upstream.running())
        same = {
            **os.environ,
            **gateway.environment(url),
            **quiet,
            "UPSTREAM_URL": f"{url}/v1",
            "UPSTREAM_KEY": gateway.KEY,
        }
        urls = {"upstream": url}
        for name, path in paths.items():
            env = {**same, "PYTHONPATH": path}
            urls[name] = stack.enter_context(server(name, env, bench))
        gateway.report(urls)
        sys.stdin.read()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
