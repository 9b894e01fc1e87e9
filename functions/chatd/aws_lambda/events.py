"""What comes in: the events of API Gateway, and of direct invocations.

It knows events, and nothing of how they are answered.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Mapping
from typing import Any, Protocol

from chatd.call import Call
from chatd.config.settings import Settings
from chatd.deadline import Deadline
from chatd.errors import InvalidRequestError, RequestTooLargeError
from chatd.safe_json.value_count import MAX_VALUES, Unread

# Seconds of the time there is that are kept to render an answer and hand it over.
_MARGIN = 0.5

LambdaEvent = Mapping[str, Any]


class Context(Protocol):
    """What is needed of Lambda's context object."""

    @property
    def aws_request_id(self) -> str:
        """The invocation's id."""

    def get_remaining_time_in_millis(self) -> int:
        """The milliseconds until Lambda ends the invocation."""


def is_http(event: object) -> bool:
    """Whether the event came through API Gateway; otherwise it is a direct invocation."""
    if not isinstance(event, dict):
        return False
    return isinstance(event.get("requestContext"), dict) and "httpMethod" in event


def body_of(event: LambdaEvent) -> bytes:
    """The body of an API Gateway event.

    Raises:
        InvalidRequestError: If it says to be base64 and is not.

    """
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidRequestError("the body is not the base64 that it says to be") from None
    return str(body).encode("utf-8", "surrogatepass")


def request_of(event: object) -> bytes:
    """The request of a direct invocation; in an EventBridge envelope it is `detail`.

    Raises:
        InvalidRequestError: If it cannot be JSON.
        RequestTooLargeError: If the runtime did not parse it.

    """
    if isinstance(event, Unread):
        raise RequestTooLargeError(f"the event holds more than {MAX_VALUES:,} JSON values")
    if isinstance(event, dict) and "detail-type" in event and "detail" in event:
        event = event["detail"]
    try:
        return json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError):
        raise InvalidRequestError("the event is not JSON, or is nested too deeply") from None


def call_of(event: LambdaEvent | None, context: Context, settings: Settings) -> Call:
    """The invocation's id, its caller and its deadline: the sooner of Lambda's and the route's.

    Args:
        event: The event of API Gateway; None for a direct invocation, which has no route.
        context: Lambda's context.
        settings: Holds the route's limit.

    """
    deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - _MARGIN)
    call = Call(context.aws_request_id, deadline)
    # Only `make run` knows when a caller hangs up: Lambda's context has no such method.
    on_cancel = getattr(context, "on_cancel", None)
    if on_cancel is not None:
        on_cancel(call.cancel)
    if event is None:
        return call
    call.caller = named_caller(event) or ""
    call.api_request_id = _text(event["requestContext"].get("requestId"))
    if settings.http_seconds is not None:
        call.deadline = deadline.within(settings.http_seconds - _waited(event) - _MARGIN)
    return call


def named_caller(event: LambdaEvent) -> str | None:
    """The caller's name at the authorizer, or IAM's ARN; None if API Gateway checked neither.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    context = event["requestContext"]
    if name := _text(_members(context, "authorizer").get("principalId")):
        return f"caller {name}"
    identity = _members(context, "identity")
    if name := _text(identity.get("userArn")) or _text(identity.get("caller")):
        return f"iam {name}"
    return None


def _members(context: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A member that is an object; empty for anything else: a direct invoker can send any event."""
    value = context.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    """A text of the event; None for an empty one and for anything else."""
    return value or None if isinstance(value, str) else None


def limit_whole(call: Call, event: LambdaEvent, settings: Settings) -> None:
    """Shorten the deadline of a call over HTTP that is answered whole.

    API Gateway cuts a response that sends nothing for 300 s, and such an answer sends nothing
    before its end.
    """
    if settings.http_whole_seconds is not None:
        seconds = settings.http_whole_seconds - _waited(event) - _MARGIN
        call.deadline = call.deadline.within(seconds)


def header(event: LambdaEvent, name: str) -> str | None:
    """A header's value, by its name in lower case."""
    headers = event.get("headers") or {}
    return next((value for key, value in headers.items() if key.lower() == name), None)


def headers_of(event: LambdaEvent) -> dict[str, str]:
    """The headers by lower-case name."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def _waited(event: LambdaEvent) -> float:
    """The seconds since API Gateway took the request, a cold start included."""
    taken = event["requestContext"].get("requestTimeEpoch")
    waited = time.time() - taken / 1000 if isinstance(taken, int) else 0.0
    # `sam local` and recorded events give other times: they say nothing of this request.
    return waited if 0 < waited < 60 else 0.0  # noqa: PLR2004  # no cold start takes a minute
