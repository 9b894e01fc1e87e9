"""Run the chat function's loop on Lambda: awslambdaric's, with a client that can stream.

Lambda's Python runtime posts an answer in one piece. This one always streams the answer to an HTTP
event: in template.yaml only streaming integrations of API Gateway invoke this function.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from awslambdaric import bootstrap
from awslambdaric.lambda_config import LambdaConfigProvider
from awslambdaric.lambda_multi_concurrent_utils import MultiConcurrentRunner
from awslambdaric.lambda_runtime_client import (
    BaseLambdaRuntimeClient,
    LambdaMultiConcurrentRuntimeClient,
    LambdaRuntimeClient,
    LambdaRuntimeClientError,
)
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller, to_json

from chatd.aws_lambda.runtime_stream import CONTENT_TYPE, InvocationStream
from chatd.aws_lambda.streaming import CallerGoneError
from chatd.safe_json.value_count import Unread, is_bounded

# An exception's message may quote the caller.
_FAULT = "The answer could not be written; the function's log has the place."


class Marshaller(LambdaMarshaller):  # type: ignore[misc]  # awslambdaric ships no types
    """Read and write JSON; pass the answer to an HTTP event through for streaming."""

    _is_http = False

    def unmarshal_request(self, request: Any, content_type: str = "application/json") -> Any:
        """Read the event, which decides the form of the answer."""
        self._is_http = False
        if not is_bounded(request if isinstance(request, bytes) else str(request).encode()):
            return Unread()  # parsed, the event may not fit into memory; the handler refuses it
        event = super().unmarshal_request(request, content_type)
        self._is_http = isinstance(event, dict) and {"httpMethod", "requestContext"} <= event.keys()
        return event

    def marshal_response(self, response: Any) -> tuple[Any, str]:
        """Return the answer and its content type."""
        # `sam local`, which sets a variable, cannot read a stream: 502.
        streams = self._is_http and os.environ.get("AWS_SAM_LOCAL") != "true"
        if streams and (_is_streaming(response) or _is_proxy_result(response)):
            return response, CONTENT_TYPE
        marshalled: tuple[Any, str] = super().marshal_response(response)
        return marshalled


class Streaming(BaseLambdaRuntimeClient):  # type: ignore[misc]  # awslambdaric ships no types
    """Add streaming to a client of awslambdaric."""

    marshaller = Marshaller()

    def post_invocation_result(
        self,
        invoke_id: str,
        result_data: Any,
        content_type: str = "application/json",
        invocation_id: str | None = None,
    ) -> None:
        """Post a whole answer, or stream one."""
        if content_type != CONTENT_TYPE:
            super().post_invocation_result(invoke_id, result_data, content_type, invocation_id)
            return
        stream = InvocationStream(self.lambda_runtime_address, invoke_id, invocation_id)
        try:
            fault = _write(result_data, stream)
            if fault is None:
                stream.end()
                return
            error, cause = _describe(fault, invoke_id)
            if stream.begun:
                stream.fail(error["errorType"], to_json(error).encode())
            else:
                self.post_invocation_error(invoke_id, to_json(error), to_json(cause), invocation_id)
        except CallerGoneError as hang_up:
            logging.warning("%s: %s", invoke_id, hang_up)
        except LambdaRuntimeClientError as error:
            self.handle_exception(error)
        finally:
            stream.close()

    def post_invocation_error(
        self,
        invoke_id: str,
        error_response_data: str,
        xray_fault: str,
        invocation_id: str | None = None,
    ) -> None:
        """Post a failure, which the invoker sees."""
        public_error = to_json(_without_source(json.loads(error_response_data)))
        super().post_invocation_error(invoke_id, public_error, xray_fault, invocation_id)

    def post_init_error(
        self, error_response_data: dict[str, Any], error_type_override: str | None = None
    ) -> None:
        """Post a failed start of the function, which the invoker sees."""
        super().post_init_error(_without_source(error_response_data), error_type_override)

    def report_restore_error(self, restore_error_data: dict[str, Any]) -> None:
        """Post a failed restore from a SnapStart snapshot."""
        super().report_restore_error(_without_source(restore_error_data))


class Client(Streaming, LambdaRuntimeClient):  # type: ignore[misc]  # awslambdaric ships no types
    """The client of an environment that serves one invocation at a time."""

    def wait_next_invocation(self) -> Any:
        """Wait for the next invocation; before the first, freeze all objects for the collector.

        Loaded modules stay for good, and collecting them takes a twentieth of the time of a
        start, and part of the time of each later collection.
        """
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        return super().wait_next_invocation()


class ConcurrentClient(Streaming, LambdaMultiConcurrentRuntimeClient):  # type: ignore[misc]  # as above
    """The client of each process of an environment that serves several invocations at once."""


class Runner(MultiConcurrentRunner):  # type: ignore[misc]  # awslambdaric ships no types
    """Fork a process for each concurrent invocation, as awslambdaric does.

    The handler is loaded and prepared before the fork, as before a snapshot: the processes share
    that memory, and memory limits their number (docs/cost.md).
    """

    @classmethod
    def run_concurrent(cls, handler: str, *arguments: Any) -> None:
        """Start the processes and wait for their end.

        Args:
            handler: The handler's name.
            arguments: The other arguments of awslambdaric.

        """
        from awslambdaric.lambda_runtime_hooks_runner import (  # noqa: PLC0415  # most never fork
            run_before_snapshot,
        )

        with suppress(Exception):  # each process raises it again, and can report it to Lambda
            import_module(handler.rpartition(".")[0].replace("/", "."))
            run_before_snapshot()
        gc.collect()
        gc.freeze()  # the collector writes to each object that it visits, which would copy the page
        super().run_concurrent(handler, *arguments)

    @classmethod
    def run_single(cls, handler: str, api_addr: str, use_thread: bool, socket_path: str) -> None:  # noqa: FBT001  # as awslambdaric calls it
        """Run one of the processes."""
        if socket_path:
            cls._redirect_output(socket_path)
        bootstrap.run(handler, ConcurrentClient(api_addr, use_thread))


def main(arguments: Sequence[str]) -> None:
    """Serve invocations until the environment ends, as awslambdaric does.

    https://github.com/aws/aws-lambda-python-runtime-interface-client/blob/main/awslambdaric/__main__.py

    Args:
        arguments: This program's name, and the handler's.

    """
    config = LambdaConfigProvider(arguments)
    address, threaded = config.api_address, config.use_thread_polling
    if config.is_multi_concurrent:
        Runner.run_concurrent(
            config.handler, address, threaded, config.lmi_socket_path, int(config.max_concurrency)
        )
    else:
        gc.disable()  # until the first invocation
        bootstrap.run(config.handler, Client(address, threaded))


def _write(result: Any, stream: InvocationStream) -> Exception | None:
    """Send an answer without its end; return the internal error of a failure, or None.

    Raises:
        CallerGoneError: If the connection was lost.

    """
    try:
        if _is_streaming(result):
            result.write_to(stream)
        else:
            stream.whole(result)
    except Exception as fault:
        if stream.connection_lost:
            raise CallerGoneError("the connection was lost before the answer ended") from fault
        return fault
    return None if stream.begun else RuntimeError("the answer ended before it began")


def _describe(fault: Exception, invoke_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Log an exception; return its descriptions for Lambda and X-Ray, as awslambdaric does."""
    name, frames = type(fault).__name__, bootstrap.extract_traceback(fault.__traceback__)
    error = bootstrap.make_error(_FAULT, name, traceback.format_list(frames), invoke_id)
    logging.error("%s in %s\n%s", name, invoke_id, "".join(error["stackTrace"]))
    cause = bootstrap.make_xray_fault(name, _FAULT, str(Path.cwd()), frames)
    return _without_source(error), cause


def _is_streaming(response: object) -> bool:
    return callable(getattr(response, "write_to", None))


def _is_proxy_result(response: object) -> bool:
    return isinstance(response, dict) and "statusCode" in response


def _without_source(error: dict[str, Any]) -> dict[str, Any]:
    """Return the error with the file and line of each frame, without source lines."""
    frames = [str(frame).partition("\n")[0] for frame in error.get("stackTrace") or ()]
    return {**error, "stackTrace": frames}


if __name__ == "__main__":
    main(sys.argv)
