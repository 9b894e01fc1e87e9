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


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    asked = _body(event)
    act = _ACTS[asked.get("do", "tell")]
    return act(asked, event, context)


def _body(event: dict[str, Any]) -> dict[str, Any]:
    try:
        asked = json.loads(event["body"] or "{}")
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _tell(_asked: dict[str, Any], event: dict[str, Any], context: Any) -> dict[str, Any]:
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


def _meet(asked: dict[str, Any], _event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Go to a meeting and come back when its host lets everybody go."""
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


_ACTS = {
    "tell": _tell,
    "meet": _meet,
    "result": _result,
    "binary": _binary,
    "log": _log,
    "fail": _fail,
    "unserializable": _unserializable,
    "exit": _exit,
    "signal": _signal,
    "hang": _hang,
}
