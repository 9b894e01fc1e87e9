"""A handler for the tests of the runtime: the event says what it is to do."""

from __future__ import annotations

import base64
import gc
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chatd.aws_lambda.streaming import CallerGoneError, Sink

SECRET = "words of the caller"
HEADERS = {"Content-Type": "text/event-stream"}


@dataclass
class Streamed:
    """A `Live` that is one function."""

    write_to: Callable[[Sink], None]

    def abort(self) -> None:
        raise NotImplementedError


def lambda_handler(event: Mapping[str, Any], _context: object) -> Any:
    asked = json.loads(event["body"]) if "httpMethod" in event else event
    return globals()[asked["do"]](asked)


def echo(asked: Mapping[str, Any]) -> Any:
    return {"said": asked["say"], "pid": os.getpid()}


def collector(_asked: Mapping[str, Any]) -> Any:
    return {"on": gc.isenabled(), "spared": gc.get_freeze_count()}


def proxy(asked: Mapping[str, Any]) -> Any:
    return asked["result"]


def binary(_asked: Mapping[str, Any]) -> Any:
    body = base64.b64encode(bytes(range(256))).decode()
    return {"statusCode": 200, "headers": {}, "body": body, "isBase64Encoded": True}


def fail(_asked: Mapping[str, Any]) -> Any:
    raise ValueError("on purpose")


def stream(asked: Mapping[str, Any]) -> Streamed:
    def write_to(sink: Sink) -> None:
        sink.commit(asked.get("status", 200), asked.get("headers", HEADERS))
        for piece in asked["pieces"]:
            sink.write(piece.encode())

    return Streamed(write_to)


def in_turn(asked: Mapping[str, Any]) -> Streamed:
    """Make each piece only when the test, which has seen the one before, says so."""

    def write_to(sink: Sink) -> None:
        with socket.create_connection(("127.0.0.1", asked["port"])) as test:
            sink.commit(200, HEADERS)
            while said := test.recv(1):
                sink.write(said)

    return Streamed(write_to)


def fail_before(_asked: Mapping[str, Any]) -> Streamed:
    def write_to(_sink: Sink) -> None:
        raise KeyError(SECRET)

    return Streamed(write_to)


def fail_after(_asked: Mapping[str, Any]) -> Streamed:
    def write_to(sink: Sink) -> None:
        sink.commit(200, HEADERS)
        sink.write(b"the first half")
        raise KeyError(SECRET)

    return Streamed(write_to)


def exit_after(_asked: Mapping[str, Any]) -> Streamed:
    def write_to(sink: Sink) -> None:
        sink.commit(200, HEADERS)
        raise SystemExit(3)

    return Streamed(write_to)


def nothing(_asked: Mapping[str, Any]) -> Streamed:
    return Streamed(lambda _sink: None)


def commit_twice(_asked: Mapping[str, Any]) -> Streamed:
    def write_to(sink: Sink) -> None:
        sink.commit(200, HEADERS)
        sink.commit(200, HEADERS)

    return Streamed(write_to)


def write_first(_asked: Mapping[str, Any]) -> Streamed:
    return Streamed(lambda sink: sink.write(b"too soon"))


def until_gone(asked: Mapping[str, Any]) -> Streamed:
    """Write until the caller is gone, and tell the test on its port."""

    def write_to(sink: Sink) -> None:
        with socket.create_connection(("127.0.0.1", asked["port"])) as test:
            sink.commit(200, HEADERS)
            try:
                while True:
                    sink.write(b"more")
            except CallerGoneError:
                test.sendall(b"gone")
                if asked.get("again"):
                    raise

    return Streamed(write_to)


def late_write(asked: Mapping[str, Any]) -> Streamed:
    """End, and write once more when the test has seen the end."""

    def write(sink: Sink, test: socket.socket) -> None:
        with test:
            test.recv(1)
            try:
                sink.write(b"too late")
            except CallerGoneError:
                test.sendall(b"gone")

    def write_to(sink: Sink) -> None:
        sink.commit(200, HEADERS)
        test = socket.create_connection(("127.0.0.1", asked["port"]))
        threading.Thread(target=write, args=(sink, test)).start()

    return Streamed(write_to)


def leave(_asked: Mapping[str, Any]) -> Any:
    raise SystemExit(0)


def modules(_asked: Mapping[str, Any]) -> Any:
    return sorted(sys.modules)


def trace(_asked: Mapping[str, Any]) -> Any:
    return os.environ["_X_AMZN_TRACE_ID"]
