"""One event in a worker: the handler is called, and its answer sent to the front.

What a handler returns is sent as it is; what it returns to be poured (`chatd.live`) is sent while
it is made. It knows the frames, and nothing of HTTP or of how a worker lives.
"""

from __future__ import annotations

import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from chatd.live import CallerGoneError, Live, Sink
from local import frames
from local.context import LambdaContext

Handler = Callable[[Any, LambdaContext], Any]


class Exchange:
    """An event and what comes of it; the `Sink` of an answer that is poured."""

    def __init__(self, sock: socket.socket, message: frames.Message) -> None:
        self._sock = sock
        self._message = message
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._live: Live | None = None
        self._gone = False
        self._over = False

    def answer(self, handler: Handler) -> None:
        """Call the handler; SystemExit ends the worker, as it would on Lambda."""
        try:
            self._send(self._answered(handler))
        except CallerGoneError:
            return  # the front is gone; whoever listens to it has seen it too
        finally:
            sys.stdout.flush()

    def cancel(self) -> None:
        """Take note that the caller is gone, and stop what is being made; from any thread."""
        with self._lock:
            self._gone = True
            live = self._live
        if live is not None:
            _abort(live)

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers."""
        self._stream(frames.encode({"head": {"statusCode": status, "headers": dict(headers)}}))

    def write(self, data: bytes) -> None:
        """Send some of the body, at once."""
        self._stream(frames.raw(data))

    def _answered(self, handler: Handler) -> bytes:
        """The frame that ends the exchange."""
        try:
            result = handler(self._message["event"], LambdaContext(**self._message["context"]))
            if callable(getattr(result, "pour", None)):
                self._send(frames.encode({"live": True}))
                self._pour(result)
                return frames.encode({"end": True})
            return frames.encode({"result": result})
        except Exception as error:  # noqa: BLE001  # a handler may raise anything; Lambda reports it too
            if self._gone and isinstance(error, CallerGoneError):
                return frames.encode({"end": True})
            traceback.print_exc()
            return frames.encode({"error": {"type": type(error).__name__, "message": str(error)}})

    def _pour(self, live: Live) -> None:
        with self._lock:
            self._live = live
            gone = self._gone
        try:
            if gone:
                _abort(live)
            live.pour(self)
        finally:
            with self._lock, self._writing:
                # A thread that still writes would write into the next answer.
                self._live, self._over = None, True

    def _stream(self, frame: bytes) -> None:
        with self._writing:
            if self._gone or self._over:
                raise CallerGoneError
            self._send(frame)

    def _send(self, frame: bytes) -> None:
        try:
            self._sock.sendall(frame)
        except ConnectionError:
            self._gone = True
            raise CallerGoneError from None


_CONFORMS: type[Sink] = Exchange


def _abort(live: Live) -> None:
    try:
        live.abort()
    except Exception:  # noqa: BLE001  # the thread that listens must live on
        traceback.print_exc()
