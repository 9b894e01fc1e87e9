"""Run the function of this module named by the event's `do`."""

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
    """Write a response with one function."""

    write_to: Callable[[Sink], None]

    def abort(self) -> None:
        raise NotImplementedError


def lambda_handler(event: Mapping[str, Any], _context: object) -> Any:
    script = json.loads(event["body"]) if "httpMethod" in event else event
    return globals()[script["do"]](script)


def echo(script: Mapping[str, Any]) -> Any:
    return {"text": script["text"], "pid": os.getpid()}


def collector(_script: Mapping[str, Any]) -> Any:
    return {"enabled": gc.isenabled(), "frozen": gc.get_freeze_count()}


def proxy(script: Mapping[str, Any]) -> Any:
    return script["result"]


def binary(_script: Mapping[str, Any]) -> Any:
    body = base64.b64encode(bytes(range(256))).decode()
    return {"statusCode": 200, "headers": {}, "body": body, "isBase64Encoded": True}


def fail(_script: Mapping[str, Any]) -> Any:
    raise ValueError("on purpose")


def stream(script: Mapping[str, Any]) -> Streamed:
    def write_to(sink: Sink) -> None:
        sink.commit(script.get("status", 200), script.get("headers", HEADERS))
        for piece in script["pieces"]:
            sink.write(piece.encode())

    return Streamed(write_to)


def relay(script: Mapping[str, Any]) -> Streamed:
    """Write each byte that the test sends to its port."""

    def write_to(sink: Sink) -> None:
        with socket.create_connection(("127.0.0.1", script["port"])) as test:
            sink.commit(200, HEADERS)
            while data := test.recv(1):
                sink.write(data)

    return Streamed(write_to)


def fail_before(_script: Mapping[str, Any]) -> Streamed:
    def write_to(_sink: Sink) -> None:
        raise KeyError(SECRET)

    return Streamed(write_to)


def fail_after(_script: Mapping[str, Any]) -> Streamed:
    def write_to(sink: Sink) -> None:
        sink.commit(200, HEADERS)
        sink.write(b"the first half")
        raise KeyError(SECRET)

    return Streamed(write_to)


def exit_after(_script: Mapping[str, Any]) -> Streamed:
    def write_to(sink: Sink) -> None:
        sink.commit(200, HEADERS)
        raise SystemExit(3)

    return Streamed(write_to)


def nothing(_script: Mapping[str, Any]) -> Streamed:
    return Streamed(lambda _sink: None)


def commit_twice(_script: Mapping[str, Any]) -> Streamed:
    def write_to(sink: Sink) -> None:
        sink.commit(200, HEADERS)
        sink.commit(200, HEADERS)

    return Streamed(write_to)


def write_first(_script: Mapping[str, Any]) -> Streamed:
    return Streamed(lambda sink: sink.write(b"too soon"))


def write_until_disconnected(script: Mapping[str, Any]) -> Streamed:
    """Write until the connection is lost, and report the loss to the test's port."""

    def write_to(sink: Sink) -> None:
        with socket.create_connection(("127.0.0.1", script["port"])) as test:
            sink.commit(200, HEADERS)
            try:
                while True:
                    sink.write(b"more")
            except CallerGoneError:
                test.sendall(b"lost")
                if script.get("again"):
                    raise

    return Streamed(write_to)


def late_write(script: Mapping[str, Any]) -> Streamed:
    """End the response, and write again after a byte from the test."""

    def write(sink: Sink, test: socket.socket) -> None:
        with test:
            test.recv(1)
            try:
                sink.write(b"too late")
            except CallerGoneError:
                test.sendall(b"lost")

    def write_to(sink: Sink) -> None:
        sink.commit(200, HEADERS)
        test = socket.create_connection(("127.0.0.1", script["port"]))
        threading.Thread(target=write, args=(sink, test)).start()

    return Streamed(write_to)


def exit_process(_script: Mapping[str, Any]) -> Any:
    raise SystemExit(0)


def modules(_script: Mapping[str, Any]) -> Any:
    return sorted(sys.modules)


def trace(_script: Mapping[str, Any]) -> Any:
    return os.environ["_X_AMZN_TRACE_ID"]
