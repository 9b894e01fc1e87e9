"""A handler for the tests of the local server: its body says what it is to do."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import sys
import threading
from typing import Any

from chatd.aws_lambda.streaming import CallerGoneError


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    asked = _body(event)
    act = _ACTIONS[asked.get("do", "report")]
    return act(asked, event, context)


def _body(event: dict[str, Any]) -> dict[str, Any]:
    try:
        asked = json.loads(event["body"] or "{}")
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _report(_asked: dict[str, Any], event: dict[str, Any], context: Any) -> dict[str, Any]:
    told = {
        "event": event,
        "pid": os.getpid(),
        "environment": dict(os.environ),
        "context": {
            "aws_request_id": context.aws_request_id,
            "function_name": context.function_name,
            "function_version": context.function_version,
            "invoked_function_arn": context.invoked_function_arn,
            "memory_limit_in_mb": context.memory_limit_in_mb,
            "log_group_name": context.log_group_name,
            "log_stream_name": context.log_stream_name,
            "remaining": context.get_remaining_time_in_millis(),
        },
    }
    return {"statusCode": 200, "body": json.dumps(told)}


def _wait(asked: dict[str, Any], _event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Go to a rendezvous and come back when its host lets everybody go."""
    with socket.create_connection(("127.0.0.1", asked["port"])) as host:
        said = host.recv(16)
    return {"statusCode": 200, "body": json.dumps({"said": said.decode(), "pid": os.getpid()})}


def _result(asked: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    return asked["result"]


def _binary(_asked: dict[str, Any], _event: dict[str, Any], _context: Any) -> dict[str, Any]:
    body = base64.b64encode(bytes(range(256))).decode()
    headers = {"Content-Type": "application/octet-stream"}
    return {"statusCode": 200, "headers": headers, "body": body, "isBase64Encoded": True}


def _log(asked: dict[str, Any], _event: dict[str, Any], _context: Any) -> dict[str, Any]:
    print(json.dumps({"line": asked["line"]}))
    print(f"complaint of {asked['line']}", file=sys.stderr)
    return {"statusCode": 204}


def _fail(_asked: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    raise RuntimeError("on purpose")


def _unserializable(_asked: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    return {"statusCode": 200, "body": object()}


def _exit(_asked: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    sys.exit(3)


def _signal(asked: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    os.kill(os.getpid(), getattr(signal, asked["signal"]))


def _hang(_asked: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    threading.Event().wait()


class _Streamed:
    """An answer in the making: what it does depends on the request."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._asked = asked
        self._aborted = threading.Event()
        port = asked.get("port")
        self._test = socket.create_connection(("127.0.0.1", port)) if port else None

    def write_to(self, sink: Any) -> None:
        try:
            getattr(self, f"_{self._asked['pour']}")(sink)
        finally:
            if self._test:
                self._test.close()

    def abort(self) -> None:
        self._tell(b"aborted ")
        self._aborted.set()
        if self._asked.get("abort_fails"):
            raise RuntimeError("on purpose")

    def _tell(self, what: bytes) -> None:
        if self._test:
            self._test.sendall(what)

    def _pieces(self, sink: Any) -> None:
        sink.commit(self._asked.get("status", 200), self._asked.get("headers", {}))
        for piece in self._asked.get("pieces", ()):
            sink.write(piece.encode())

    def _numbers(self, sink: Any) -> None:
        sink.commit(200, {})
        for number in range(self._asked["many"]):
            sink.write(b"%d;" % number)

    def _in_turn(self, sink: Any) -> None:
        """Make each piece when the test, which has seen the one before, says what it is."""
        sink.commit(200, {"Content-Type": "text/event-stream"})
        while self._test and (said := self._test.recv(16)):
            sink.write(said)

    def _until_aborted(self, sink: Any) -> None:
        sink.commit(200, {})
        self._until_aborted_early(sink)

    def _until_aborted_early(self, sink: Any) -> None:
        self._tell(b"waits ")
        self._aborted.wait()
        self._then_notice(sink)

    def _then_notice(self, sink: Any) -> None:
        try:
            sink.commit(200, {})
        except CallerGoneError:
            self._tell(b"gone ")
            if self._asked.get("again"):
                raise

    def _stubborn(self, sink: Any) -> None:
        sink.commit(200, {})
        self._tell(b"waits ")
        threading.Event().wait()

    def _late_write(self, sink: Any) -> None:
        """End, and write once more when the test has seen the end."""
        sink.commit(200, {})
        test, self._test = self._test, None
        assert test

        def write() -> None:
            with test:
                test.recv(1)
                try:
                    sink.write(b"too late")
                except CallerGoneError:
                    test.sendall(b"gone ")

        threading.Thread(target=write).start()

    def _fail(self, _sink: Any) -> None:
        raise RuntimeError("on purpose")

    def _fail_after(self, sink: Any) -> None:
        self._pieces(sink)
        self._fail(sink)

    def _exit_after(self, sink: Any) -> None:
        self._pieces(sink)
        sys.exit(3)

    def _hang_after(self, sink: Any) -> None:
        self._pieces(sink)
        threading.Event().wait()

    def _nothing(self, _sink: Any) -> None:
        return


def _stream(asked: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    return _Streamed(asked)


def _late_stream(asked: dict[str, Any], event: dict[str, Any], context: Any) -> Any:
    """Begin to stream only after a rendezvous."""
    streamed = _Streamed(asked)
    _wait(asked, event, context)
    return streamed


_ACTIONS = {
    "stream": _stream,
    "late_stream": _late_stream,
    "report": _report,
    "wait": _wait,
    "result": _result,
    "binary": _binary,
    "log": _log,
    "fail": _fail,
    "unserializable": _unserializable,
    "exit": _exit,
    "signal": _signal,
    "hang": _hang,
}
