"""A handler for the tests of the local server; the request's body selects an action."""

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
    request = _body(event)
    act = _ACTIONS[request.get("do", "report")]
    return act(request, event, context)


def _body(event: dict[str, Any]) -> dict[str, Any]:
    try:
        request = json.loads(event["body"] or "{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def _report(_request: dict[str, Any], event: dict[str, Any], context: Any) -> dict[str, Any]:
    report = {
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
    return {"statusCode": 200, "body": json.dumps(report)}


def _wait(request: dict[str, Any], _event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Connect to the test's rendezvous, and return when the test releases the handler."""
    with socket.create_connection(("127.0.0.1", request["port"])) as host:
        received = host.recv(16)
    return {
        "statusCode": 200,
        "body": json.dumps({"received": received.decode(), "pid": os.getpid()}),
    }


def _result(request: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    return request["result"]


def _binary(_request: dict[str, Any], _event: dict[str, Any], _context: Any) -> dict[str, Any]:
    body = base64.b64encode(bytes(range(256))).decode()
    headers = {"Content-Type": "application/octet-stream"}
    return {"statusCode": 200, "headers": headers, "body": body, "isBase64Encoded": True}


def _log(request: dict[str, Any], _event: dict[str, Any], _context: Any) -> dict[str, Any]:
    print(json.dumps({"line": request["line"]}))
    print(f"error of {request['line']}", file=sys.stderr)
    return {"statusCode": 204}


def _fail(_request: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    raise RuntimeError("on purpose")


def _unserializable(_request: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    return {"statusCode": 200, "body": object()}


def _exit(_request: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    sys.exit(3)


def _signal(request: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    os.kill(os.getpid(), getattr(signal, request["signal"]))


def _hang(_request: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    threading.Event().wait()


class _Streamed:
    """A streamed answer that follows the script named in the request."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._script = request
        self._aborted = threading.Event()
        port = request.get("port")
        self._test = socket.create_connection(("127.0.0.1", port)) if port else None

    def write_to(self, sink: Any) -> None:
        try:
            getattr(self, f"_{self._script['script']}")(sink)
        finally:
            if self._test:
                self._test.close()

    def abort(self) -> None:
        self._send(b"aborted ")
        self._aborted.set()
        if self._script.get("abort_fails"):
            raise RuntimeError("on purpose")

    def _send(self, data: bytes) -> None:
        if self._test:
            self._test.sendall(data)

    def _pieces(self, sink: Any) -> None:
        sink.commit(self._script.get("status", 200), self._script.get("headers", {}))
        for piece in self._script.get("pieces", ()):
            sink.write(piece.encode())

    def _numbers(self, sink: Any) -> None:
        sink.commit(200, {})
        for number in range(self._script["many"]):
            sink.write(b"%d;" % number)

    def _in_turn(self, sink: Any) -> None:
        """Write each piece that the test sends."""
        sink.commit(200, {"Content-Type": "text/event-stream"})
        while self._test and (piece := self._test.recv(16)):
            sink.write(piece)

    def _until_aborted(self, sink: Any) -> None:
        sink.commit(200, {})
        self._until_aborted_before_head(sink)

    def _until_aborted_before_head(self, sink: Any) -> None:
        self._send(b"waits ")
        self._aborted.wait()
        self._notice_after_abort(sink)

    def _notice_after_abort(self, sink: Any) -> None:
        try:
            sink.commit(200, {})
        except CallerGoneError:
            self._send(b"noticed ")
            if self._script.get("again"):
                raise

    def _stubborn(self, sink: Any) -> None:
        sink.commit(200, {})
        self._send(b"waits ")
        threading.Event().wait()

    def _late_write(self, sink: Any) -> None:
        """End the answer, and write again when the test has seen the end."""
        sink.commit(200, {})
        test, self._test = self._test, None
        assert test

        def write() -> None:
            with test:
                test.recv(1)
                try:
                    sink.write(b"too late")
                except CallerGoneError:
                    test.sendall(b"noticed ")

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


def _stream(request: dict[str, Any], _event: dict[str, Any], _context: Any) -> Any:
    return _Streamed(request)


def _late_stream(request: dict[str, Any], event: dict[str, Any], context: Any) -> Any:
    """Start a streamed answer after a rendezvous."""
    streamed = _Streamed(request)
    _wait(request, event, context)
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
