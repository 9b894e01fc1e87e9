"""A worker process: one handler, one request at a time, as in a Lambda environment.

It speaks frames over an inherited socket and leaves when the other end is closed, so that no way
of ending the front leaves a worker behind. It knows nothing of HTTP, routes or other workers.

    front → worker   {"event": …, "context": {…}}
    worker → front   {"ready": true} once, when the handler is imported
                     {"failed": "…"} instead, when it cannot be; then the worker leaves
                     {"result": …} or {"error": {"type", "message"}} for each event; a streamed
                     result will be several frames
"""

from __future__ import annotations

import argparse
import importlib
import os
import queue
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from local import frames
from local.context import LambdaContext

Handler = Callable[[Any, LambdaContext], Any]

# Seconds that a handler may still run once the front is gone.
_GRACE = 0.5


def main() -> None:
    """Serve until the socket closes."""
    # Ctrl-C reaches a whole terminal; the front decides when its workers leave.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parser = argparse.ArgumentParser(prog="python -m local.worker")
    parser.add_argument("handler", help="such as chat.app.lambda_handler")
    parser.add_argument("--socket", type=int, required=True, help="an inherited descriptor")
    options = parser.parse_args()
    with socket.socket(fileno=options.socket) as sock:
        _serve(sock, options.handler)


def _serve(sock: socket.socket, name: str) -> None:
    inbox: queue.SimpleQueue[frames.Frame | None] = queue.SimpleQueue()
    leaving = threading.Event()
    # Only this thread sees the socket close while the handler has the main thread.
    threading.Thread(target=_listen, args=(sock, inbox, leaving), daemon=True).start()
    try:
        handler = _imported(name)
    except Exception as error:  # noqa: BLE001  # whatever an import raises, the front must hear of
        traceback.print_exc()
        _send(sock, frames.encode({"failed": f"{type(error).__name__}: {error}"}))
        return
    _send(sock, frames.encode({"ready": True}))
    while (frame := inbox.get()) is not None:
        _send(sock, _answer(handler, frame))
    leaving.set()


def _listen(
    sock: socket.socket, inbox: queue.SimpleQueue[frames.Frame | None], leaving: threading.Event
) -> None:
    while (frame := frames.receive(sock)) is not None:
        inbox.put(frame)
    inbox.put(None)
    if not leaving.wait(_GRACE):
        os._exit(1)


def _imported(name: str) -> Handler:
    module, _, function = name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), function)
    return handler


def _answer(handler: Handler, frame: frames.Frame) -> bytes:
    """What the handler makes of the event; SystemExit ends the worker, as it would on Lambda."""
    try:
        result = handler(frame["event"], LambdaContext(**frame["context"]))
        return frames.encode({"result": result})
    except Exception as error:  # noqa: BLE001  # a handler may raise anything; Lambda reports it too
        traceback.print_exc()
        return frames.encode({"error": {"type": type(error).__name__, "message": str(error)}})
    finally:
        sys.stdout.flush()


def _send(sock: socket.socket, frame: bytes) -> None:
    try:
        sock.sendall(frame)
    except ConnectionError:
        return  # the front is gone; the listener has seen it too


if __name__ == "__main__":
    main()
