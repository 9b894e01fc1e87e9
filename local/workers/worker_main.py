"""Run a worker process: one handler, one request at a time, as in a Lambda environment.

The worker exchanges frames over an inherited socket and exits when the socket is closed, so that no
worker outlives the server, even a killed one.

    server → worker   {"event": …, "context": {…}}
                      {"cancel": true}: stop the answer, because the caller hung up
    worker → server   {"ready": true} once, after the handler is imported
                      {"failed": "…"} instead, if the import fails; then the worker exits
                      {"result": …} or {"error": {"type", "message"}} for each event
                      for a streamed answer: {"streamed": true} at its start, then
                      {"head": {"statusCode", "headers"}}, raw bytes any number of times,
                      and {"end": true} or {"error": …}
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import queue
import signal
import socket
import threading
import traceback

from local.workers import frames
from local.workers.invocation import Handler, Invocation

# Seconds that a handler may run after the socket is closed.
_EXIT_SECONDS = 0.5


def main() -> None:
    """Serve until the socket closes."""
    # Ctrl-C signals every process of a terminal; the server stops its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parser = argparse.ArgumentParser(prog="python -m local.workers.worker_main")
    parser.add_argument("handler", help="for example chat.app.lambda_handler")
    parser.add_argument("--socket", type=int, required=True, help="an inherited descriptor")
    options = parser.parse_args()
    with socket.socket(fileno=options.socket) as sock:
        _run(sock, options.handler)


def _run(sock: socket.socket, name: str) -> None:
    inbox: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
    leaving = threading.Event()
    # This thread receives cancellations while the main thread runs the handler.
    threading.Thread(target=_receive_messages, args=(sock, inbox, leaving), daemon=True).start()
    try:
        handler = _import_handler(name)
    except Exception as error:  # noqa: BLE001  # an import may raise anything; the server reports it
        traceback.print_exc()
        _send(sock, {"failed": f"{type(error).__name__}: {error}"})
        return
    _send(sock, {"ready": True})
    while (invocation := inbox.get()) is not None:
        invocation.run(handler)
    leaving.set()


def _receive_messages(
    sock: socket.socket, inbox: queue.SimpleQueue[Invocation | None], leaving: threading.Event
) -> None:
    last: Invocation | None = None
    while (message := frames.receive(sock)) is not None:
        if "cancel" not in message:
            last = Invocation(sock, message)
            inbox.put(last)
        elif last is not None:
            last.cancel()
    if last is not None:
        last.cancel()
    inbox.put(None)
    if not leaving.wait(_EXIT_SECONDS):
        os._exit(1)


def _import_handler(name: str) -> Handler:
    module, _, function = name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), function)
    return handler


def _send(sock: socket.socket, message: frames.Message) -> None:
    with contextlib.suppress(
        ConnectionError
    ):  # the server ended; the receiving thread stops the worker
        sock.sendall(frames.encode(message))


if __name__ == "__main__":
    main()
