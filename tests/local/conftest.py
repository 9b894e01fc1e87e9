"""Start gateways on this machine as users do: real processes, real sockets."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import pytest

from chatd.config.catalog import CATALOG

ROOT = Path(__file__).resolve().parents[2]
# Seconds to wait for an expected event, which takes far less.
PATIENCE = 60.0

_CHATD_VARIABLES = re.compile(r"(CHATD|AWS)_|^(HOST|PORT)$")
_PROVIDER_VARIABLES = {
    name for row in CATALOG.values() for name in (row.base_url_variable, row.key_variable)
}
_T = TypeVar("_T")


def until(condition: Callable[[], _T], event: str) -> _T:
    """Poll `condition` until its value is true; return the value."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE:g} s for {event}")


def is_running(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    ps = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return ps.stdout.strip()[:1] not in ("", "Z")


def exists(pid: int) -> bool:
    """Whether a child of the gateway exists, running or zombie.

    The gateway detects a killed worker by its closed socket. A process is a zombie as soon as its
    main thread has ended, and keeps its sockets until all threads have ended; then the gateway
    reaps the process.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@dataclass(frozen=True)
class Answer:
    """An HTTP response, its headers by lower-case name."""

    status: int
    headers: dict[str, str]
    all_headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error's code; asserts that the body has the shape of every error."""
        error = self.json["error"]
        assert {"message", "type", "param", "code", "request_id"} <= error.keys()
        assert error["request_id"] == self.headers["x-amzn-requestid"]
        return str(error["code"])


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send a request to a server on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        pairs = response.getheaders()
        lower = {name.lower(): value for name, value in pairs}
        return Answer(response.status, lower, pairs, response.read())
    finally:
        connection.close()


@dataclass(frozen=True)
class Gateway:
    """A running `python -m local` and its output."""

    process: subprocess.Popen[bytes]
    output: Path
    url: str

    @property
    def output_text(self) -> str:
        return self.output.read_text("utf-8", "replace")

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = json.dumps(body).encode() if isinstance(body, Mapping) else body
        return ask(self.port, method, path, sent, headers)

    def run_action(self, do: str, path: str = "/act", **more: Any) -> Answer:
        return self.ask("POST", path, {"do": do, **more})

    def worker(self, path: str = "/act") -> int:
        """The process id of a worker that answers now."""
        return int(self.run_action("report", path).json["pid"])

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


class Start(Protocol):
    def __call__(self, *arguments: str, module: str = "local", **environment: str) -> Gateway: ...


def environment(**more: str) -> dict[str, str]:
    """This process's environment without chatd's variables, and with PORT=0."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not _CHATD_VARIABLES.search(name) and name not in _PROVIDER_VARIABLES
    }
    paths = os.pathsep.join((str(ROOT / "functions"), str(ROOT)))
    return {**kept, "PYTHONPATH": paths, "PORT": "0", **more}


def failed_start(*arguments: str, module: str = "local", **more: str) -> tuple[int, list[str]]:
    """Start a gateway that must fail; return the exit status and the lines of stderr."""
    ended = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment(**more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return ended.returncode, ended.stderr.splitlines()


SCRIPTED = (
    *("--template", str(ROOT / "tests/local/template.yaml")),
    *("--code", str(ROOT / "tests/local/code")),
)


def _starter(folder: Path, started: list[Gateway]) -> Start:
    def start(*arguments: str, module: str = "local", **more: str) -> Gateway:
        output = folder / f"output-{len(started)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *(arguments or SCRIPTED)],
                env=environment(**more),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(Gateway(process, output, ""))

        def url() -> str | None:
            text = output.read_text("utf-8", "replace")
            assert process.poll() is None, text
            found = re.search(r"chatd serves (http://\S+) .*Try it:\n[^\n]+\n", text, re.DOTALL)
            return found and found[1]

        started[-1] = Gateway(process, output, str(until(url, "the banner")))
        return started[-1]

    return start


def _ended(started: list[Gateway]) -> None:
    for gateway in started:
        if gateway.process.poll() is None:
            gateway.stop(signal.SIGTERM)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start gateways, which are stopped at the end of the test."""
    started: list[Gateway] = []
    yield _starter(tmp_path, started)
    _ended(started)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway with the scripted handler, for all tests that do not change its state."""
    started: list[Gateway] = []
    yield _starter(tmp_path_factory.mktemp("gateway"), started)()
    _ended(started)


@dataclass(frozen=True)
class Rendezvous:
    """A port to which handlers connect, to wait for their release by the test."""

    sock: socket.socket

    @property
    def port(self) -> int:
        return int(self.sock.getsockname()[1])

    def wait_for(self, number: int) -> list[socket.socket]:
        """Wait until `number` handlers are connected at once; return their connections."""
        self.sock.settimeout(PATIENCE)
        return [self.sock.accept()[0] for _ in range(number)]

    def none_waiting(self) -> bool:
        """Whether no further handler connects within 0.3 s."""
        self.sock.settimeout(0.3)
        try:
            self.sock.accept()[0].close()
        except TimeoutError:
            return True
        return False


def release(waiting: Sequence[socket.socket]) -> None:
    """Let the handlers return."""
    for handler in waiting:
        handler.sendall(b"go")
        handler.close()


@pytest.fixture
def rendezvous() -> Iterator[Rendezvous]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as sock:
        yield Rendezvous(sock)


class InBackground(Protocol):
    def __call__(self, call: Callable[[], Answer]) -> Callable[[], Answer]: ...


@pytest.fixture
def in_background() -> InBackground:
    """Make a call in a thread; the returned function waits for the answer."""

    def begin(call: Callable[[], Answer]) -> Callable[[], Answer]:
        answers: list[Answer] = []
        thread = threading.Thread(target=lambda: answers.append(call()), daemon=True)
        thread.start()

        def result() -> Answer:
            thread.join(PATIENCE)
            assert answers, "no answer"
            return answers[0]

        return result

    return begin


@pytest.fixture(scope="session")
def demo_url() -> Iterator[str]:
    """The URL of a running `python -m local.demo_ollama`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local.demo_ollama"],
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        yield process.stdout.readline().split()[-1]
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
