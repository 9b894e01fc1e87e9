"""Stream one chat: write the gateway's events to a sink in the surface's format."""

from __future__ import annotations

import json

from chatd.aws_lambda.streaming import CallerGoneError, HeartbeatSink, Sink
from chatd.call import Call
from chatd.canonical.request import ChatRequest
from chatd.errors import CallCancelledError, ChatdError, UpstreamError
from chatd.gateway import Gateway, settle, to_client_error
from chatd.resilience.chat_context import ChatContext
from chatd.surfaces import Surface
from chatd.telemetry.record import ChatRecord


class StreamingChat:
    """The streaming response of one chat.

    Nothing is sent before the first event, so that an earlier failure has its own HTTP status; only
    a silence of 15 s commits the response earlier.
    """

    def __init__(
        self, gateway: Gateway, surface: Surface, request: ChatRequest, call: Call
    ) -> None:
        self._gateway = gateway
        self._surface = surface
        self._stream_writer = surface.stream(request, call.request_id)
        self._request = request
        self._call = call
        self._record = ChatRecord(call.request_id, request.model)
        self._headers: dict[str, str] = {"Cache-Control": "no-cache"}

    def write_to(self, sink: Sink) -> None:
        """Write the stream, and record the chat after the last byte."""
        heartbeat_sink = HeartbeatSink(sink, lambda: self._headers, self.abort)
        try:
            with heartbeat_sink.heartbeat():
                self._write_events(heartbeat_sink)
        except CallerGoneError:
            self._record.error = CallCancelledError.default_code
            self.abort()  # also if a reference to the stream remains
        finally:
            settle(self._record, self._request)
            self._gateway.finish(self._record, self._call)

    def abort(self) -> None:
        """Cancel the call, from any thread: the caller hung up."""
        self._call.cancel()

    def _write_events(self, heartbeat_sink: HeartbeatSink) -> None:
        try:
            chat_context = ChatContext(self._call, self._record, self._request, streamed=True)
            target, events = self._gateway.begin(chat_context)
            self._headers |= {**target.headers, **self._record.headers}
            for piece in self._stream_writer.write(events, target.served):
                heartbeat_sink.write(piece)
        except CallerGoneError:
            raise
        except Exception as error:  # noqa: BLE001  # the last line: logged by place, never by words
            if self._call.cancelled.is_set():
                raise CallerGoneError from None
            self._fail(to_client_error(error, self._record), heartbeat_sink)

    def _fail(self, error: ChatdError, heartbeat_sink: HeartbeatSink) -> None:
        """Send a failure with its status; after the commit, as the last piece of the stream."""
        request_id = self._call.request_id
        failure = self._surface.error(error, request_id)
        body = json.dumps(failure.body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", **failure.headers}
        if not heartbeat_sink.refuse(failure.status, headers, body):
            if error.code == UpstreamError.default_code:
                error.code = "upstream_stream_error"
            heartbeat_sink.write(self._stream_writer.fail(error))
