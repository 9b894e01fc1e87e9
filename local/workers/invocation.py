"""Invoke the handler with one event, and send the answer to the HTTP server.

A plain result is sent as one message, a streamed answer part by part. When the caller hangs up, a
streamed answer is aborted, and the callbacks run that the handler gave to its context's
`on_cancel`.
"""

from __future__ import annotations

import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from chatd.aws_lambda.streaming import CallerGoneError, Sink, StreamingResponse
from local.workers import frames
from local.workers.cancellation import Cancellation
from local.workers.lambda_context import LambdaContext

Handler = Callable[[Any, LambdaContext], Any]


class Invocation:
    """One event and its answer; the `Sink` of a streamed answer."""

    def __init__(self, sock: socket.socket, message: frames.Message) -> None:
        self._sock = sock
        self._message = message
        self._writing = threading.Lock()
        self._cancellation = Cancellation()
        self._cancelled = False
        self._ended = False

    def run(self, handler: Handler) -> None:
        """Call the handler and send its answer. SystemExit ends the worker, as on Lambda."""
        try:
            self._send(self._final_frame(handler))
        except CallerGoneError:
            return  # the server ended; the receiving thread stops the worker
        finally:
            sys.stdout.flush()

    def cancel(self) -> None:
        """Cancel the request after a hang-up; callable from any thread."""
        self._cancelled = True
        self._cancellation.cancel()

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers."""
        self._send_part(frames.encode({"head": {"statusCode": status, "headers": dict(headers)}}))

    def write(self, data: bytes) -> None:
        """Send a part of the body at once."""
        self._send_part(frames.encode_bytes(data))

    def _final_frame(self, handler: Handler) -> bytes:
        """Call the handler, and return the frame that ends the invocation."""
        try:
            result = handler(self._message["event"], self._context())
            if callable(getattr(result, "write_to", None)):
                self._send(frames.encode({"streamed": True}))
                self._send_streamed(result)
                return frames.encode({"end": True})
            return frames.encode({"result": result})
        except Exception as error:  # noqa: BLE001  # a handler may raise anything, and Lambda reports it
            if self._cancelled and isinstance(error, CallerGoneError):
                return frames.encode({"end": True})
            traceback.print_exc()
            return frames.encode({"error": {"type": type(error).__name__, "message": str(error)}})

    def _context(self) -> LambdaContext:
        return LambdaContext(**self._message["context"], cancellation=self._cancellation)

    def _send_streamed(self, answer: StreamingResponse) -> None:
        self._cancellation.add(answer.abort)
        try:
            answer.write_to(self)
        finally:
            with self._writing:
                self._ended = True  # a later write would become part of the next answer

    def _send_part(self, frame: bytes) -> None:
        with self._writing:
            if self._cancelled or self._ended:
                raise CallerGoneError
            self._send(frame)

    def _send(self, frame: bytes) -> None:
        try:
            self._sock.sendall(frame)
        except ConnectionError:
            self._cancelled = True
            raise CallerGoneError from None


_CONFORMS: type[Sink] = Invocation
