"""Stream the response to one invocation to Lambda's Runtime API.

The response has the form that API Gateway's streaming integrations expect.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Mapping
from typing import Any

from awslambdaric.lambda_runtime_client import LambdaRuntimeClientError

from chatd.aws_lambda.streaming import CallerGoneError, Sink

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
# API Gateway searches this many bytes of the stream for the end of the prelude.
_PRELUDE_LIMIT = 16 * 1024
_PRELUDE_END = bytes(8)
_PRELUDE_KEYS = ("statusCode", "headers", "multiValueHeaders")
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
_ERROR_BODY = "Lambda-Runtime-Function-Error-Body"


class InvocationStream:
    """A `Sink` that sends each write at once as one HTTP chunk; any thread may write until the end.

    Attributes:
        begun: Whether anything was sent; after that an error can only be a trailer.
        connection_lost: Whether the connection was lost.

    """

    def __init__(self, address: str, invoke_id: str, invocation_id: str | None) -> None:
        self._path = f"/2018-06-01/runtime/invocation/{invoke_id}/response"
        self._invocation_id = invocation_id
        # http.client sets TCP_NODELAY: https://github.com/python/cpython/blob/3.13/Lib/http/client.py
        self._connection = http.client.HTTPConnection(address)
        self._lock = threading.Lock()
        self._ended = False
        self.begun = False
        self.connection_lost = False

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers."""
        self._begin({"statusCode": status, "headers": dict(headers)})

    def write(self, data: bytes) -> None:
        """Send a piece of the body; skip an empty one, because an empty chunk ends the stream."""
        if not self.begun:
            raise RuntimeError("the response has not begun")
        if data:
            self._send(_chunk(data))

    def whole(self, result: Mapping[str, Any]) -> None:
        """Send the status, headers and body of a proxy result, without the end."""
        self._begin({name: result[name] for name in _PRELUDE_KEYS if result.get(name)})
        body = result.get("body") or ""
        self.write(base64.b64decode(body) if result.get("isBase64Encoded") else body.encode())

    def end(self) -> None:
        """End the response.

        Raises:
            CallerGoneError: If the connection is lost.
            LambdaRuntimeClientError: If Lambda refused the response.

        """
        self._end("")

    def fail(self, name: str, body: bytes) -> None:
        """End with an error, given as a type and a JSON object; raise as `end` does."""
        encoded = base64.b64encode(body).decode()
        self._end(f"{_ERROR_TYPE}: {name}\r\n{_ERROR_BODY}: {encoded}\r\n")

    def close(self) -> None:
        """Close the connection; without an end mark the response is cut off."""
        self._connection.close()

    def _begin(self, prelude: Mapping[str, Any]) -> None:
        data = json.dumps(prelude, separators=(",", ":")).encode() + _PRELUDE_END
        if len(data) > _PRELUDE_LIMIT:
            raise ValueError(f"the response's headers take more than {_PRELUDE_LIMIT} bytes")
        if self.begun:
            raise RuntimeError("the response has begun already")
        self.begun = True
        request = self._connection
        request.putrequest("POST", self._path, skip_accept_encoding=True)
        request.putheader("Content-Type", CONTENT_TYPE)
        request.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        request.putheader("Transfer-Encoding", "chunked")
        request.putheader("Trailer", f"{_ERROR_TYPE}, {_ERROR_BODY}")
        if self._invocation_id:
            request.putheader("Lambda-Runtime-Invocation-Id", self._invocation_id)
        try:
            request.endheaders(_chunk(data))
        except OSError as error:
            raise self._lose_connection() from error

    def _end(self, trailers: str) -> None:
        self._send(f"0\r\n{trailers}\r\n".encode(), last=True)
        try:
            response = self._connection.getresponse()
            response_body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._lose_connection() from error
        if response.status != http.HTTPStatus.ACCEPTED:
            raise LambdaRuntimeClientError(self._path, response.status, response_body)

    def _send(self, data: bytes, *, last: bool = False) -> None:
        with self._lock:
            if self.connection_lost or self._ended:
                raise CallerGoneError("the response has ended, or its connection is lost")
            self._ended = last
            try:
                self._connection.send(data)
            except OSError as error:
                raise self._lose_connection() from error

    def _lose_connection(self) -> CallerGoneError:
        self.connection_lost = True
        return CallerGoneError("the connection to the Runtime API is lost")


_CONFORMS: type[Sink] = InvocationStream


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
