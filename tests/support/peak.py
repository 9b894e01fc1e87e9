"""Measure the memory that one event adds to a process with the chat function.

    python -m tests.support.peak URL EVENT_FILE

Every provider is at URL, in another process. The event is read from a file and parsed as Lambda's
runtime does. The result is a JSON line: the response's status and error, and MB over rest.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_ONE_EVENT = {
    "httpMethod": "POST",
    "path": "/v1/chat/completions",
    "resource": "/v1/chat/completions",
    "headers": {},
    "requestContext": {},
    "isBase64Encoded": False,
}


@dataclass(frozen=True, slots=True)
class Peak:
    """The memory that an event adds.

    Attributes:
        status: The response's status; that of the error for a direct invocation.
        error: The message of its error, or an empty text.
        rest: MB of resident memory before the event was read.
        over: MB of the peak of resident memory over `rest`.
        size: Bytes of the response's body.

    """

    status: int
    error: str
    rest: float
    over: float
    size: int


def http_event(body: str, path: str = "/v1/chat/completions") -> dict[str, Any]:
    """Return API Gateway's event with this body."""
    return {**_ONE_EVENT, "path": path, "resource": path, "body": body}


def peak(url: str, event: bytes, folder: Path) -> Peak:
    """Serve the event, given as JSON, in a new process with every provider at `url`."""
    path = folder / "event.json"
    path.write_bytes(event)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.peak", url, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'functions'}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    return Peak(**json.loads(done.stdout.splitlines()[-1]))


def _environment(url: str) -> None:
    from chatd.config.catalog import CATALOG  # noqa: PLC0415  # only the measured process needs it

    for row in CATALOG.values():
        os.environ[str(row.base_url_variable)] = url
        if row.key_variable:
            os.environ[row.key_variable] = "sk-test-0123456789abcdef"
    os.environ["CHATD_CONFIG"] = os.devnull


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))


class _Context:
    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class _Sink:
    def __init__(self) -> None:
        self.status = 0
        self.size = 0
        self.last = b""

    def commit(self, status: int, headers: object) -> None:
        self.status = status

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self.last = data


def _served(handler: Any, event: Any) -> tuple[int, str, int]:
    """Return status, error message and size of the handler's response."""
    from chatd.errors import ChatdError  # noqa: PLC0415  # as above

    try:
        answer = handler(event, _Context())
    except ChatdError as error:
        return error.status, error.message, 0
    if hasattr(answer, "write_to"):
        answer.write_to(sink := _Sink())
        broken = b'"error"' in sink.last
        return sink.status, sink.last.decode() if broken else "", sink.size
    if "statusCode" not in answer:
        return 200, "", len(json.dumps(answer))
    status, body = answer["statusCode"], answer["body"]
    return status, "" if status == 200 else json.loads(body)["error"]["message"], len(body)


def main(url: str, path: str) -> None:
    """Measure the event in this process, and print the result."""
    _environment(url)
    from chat.app import lambda_handler  # noqa: PLC0415  # the environment comes first
    from chatd.safe_json.value_count import Unread, is_bounded  # noqa: PLC0415  # as above

    message = {"role": "user", "content": "Hi"}
    for model in ("m", "kimi/k3", "openrouter/v/m"):
        for surface in ("/v1/chat", "/v1/chat/completions", "/v1/messages"):
            for stream in (False, True):
                body = {"model": model, "messages": [message], "stream": stream, "max_tokens": 9}
                _served(lambda_handler, http_event(json.dumps(body), surface))
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # resets VmHWM
    rest = _kilobytes("VmRSS")
    content = Path(path).read_bytes()
    event = json.loads(content) if is_bounded(content) else Unread()  # as chatd/runtime.py
    status, error, size = _served(lambda_handler, event)
    over = (_kilobytes("VmHWM") - rest) / 1024
    found = {"status": status, "error": error[:300], "rest": rest / 1024, "over": over}
    print(json.dumps({**found, "size": size}))


if __name__ == "__main__":
    main(*sys.argv[1:])
