"""Read the events of API Gateway and of direct invocations."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from chatd.call import Call
from chatd.config.settings import Settings
from chatd.deadline import Deadline
from chatd.errors import InvalidRequestError, RequestTooLargeError
from chatd.safe_json.value_count import MAX_VALUES, Unread

# Seconds reserved to write the response and return it.
_MARGIN = 0.5

LambdaEvent = Mapping[str, Any]


class Context(Protocol):
    """The part of Lambda's context object that the gateway uses."""

    @property
    def aws_request_id(self) -> str:
        """The id of the invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""


def is_http(event: object) -> bool:
    """Whether the event came through API Gateway; otherwise a direct invocation sent the event."""
    if not isinstance(event, dict):
        return False
    return isinstance(event.get("requestContext"), dict) and "httpMethod" in event


def body_of(event: LambdaEvent) -> bytes:
    """Return the body of an API Gateway event.

    Raises:
        InvalidRequestError: If the body is marked as base64 and is not.

    """
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidRequestError("the body is marked as base64 and is not") from None
    return str(body).encode("utf-8", "surrogatepass")


def request_of(event: object) -> bytes:
    """Return the request of a direct invocation; of an EventBridge envelope, `detail`.

    Raises:
        InvalidRequestError: If the event is not JSON.
        RequestTooLargeError: If the runtime did not parse the event.

    """
    if isinstance(event, Unread):
        raise RequestTooLargeError(f"the event holds more than {MAX_VALUES:,} JSON values")
    try:
        return json.dumps(_unwrapped(event), ensure_ascii=False).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError):
        raise InvalidRequestError("the event is not JSON, or is nested too deeply") from None


def asks_for_embeddings(event: object) -> bool:
    """Whether a direct invocation asks for embeddings: by `input`, and without `messages`."""
    request = _unwrapped(event)
    return isinstance(request, dict) and "input" in request and "messages" not in request


def _unwrapped(event: object) -> object:
    """Return the `detail` of an EventBridge envelope; another event unchanged."""
    if isinstance(event, dict) and "detail-type" in event and "detail" in event:
        return event["detail"]
    return event


def call_of(event: LambdaEvent | None, context: Context, settings: Settings) -> Call:
    """Make the call of an event; its deadline is the sooner of Lambda's and the route's.

    Args:
        event: The event of API Gateway; None for a direct invocation, which has no route.
        context: Lambda's context.
        settings: Has the route's limit.

    """
    deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - _MARGIN)
    call = Call(context.aws_request_id, deadline)
    # Only the context of `make run` reports that a caller hung up; Lambda's has no such method.
    on_cancel = getattr(context, "on_cancel", None)
    if on_cancel is not None:
        on_cancel(call.cancel)
    if event is None:
        return call
    call.caller = named_caller(event) or ""
    call.api_request_id = _text(event["requestContext"].get("requestId"))
    if settings.http_seconds is not None:
        call.deadline = deadline.within(
            settings.http_seconds - _seconds_since_arrival(event) - _MARGIN
        )
    return call


def named_caller(event: LambdaEvent) -> str | None:
    """Return the authorizer's name for the caller, or IAM's ARN; None without either check.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    context = event["requestContext"]
    if name := _text(_object_member(context, "authorizer").get("principalId")):
        return f"caller {name}"
    identity = _object_member(context, "identity")
    if name := _text(identity.get("userArn")) or _text(identity.get("caller")):
        return f"iam {name}"
    return None


def _object_member(context: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a member that is an object; otherwise {}: a direct invoker can send any event."""
    value = context.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    """Return a text of the event; None for an empty text and for any other value."""
    return value or None if isinstance(value, str) else None


def limit_whole(call: Call, event: LambdaEvent, settings: Settings) -> None:
    """Shorten the deadline of an HTTP call that gets a whole answer.

    API Gateway cuts a response that sends nothing for 300 s, and a whole answer sends nothing
    before its end.
    """
    if settings.http_whole_seconds is not None:
        seconds = settings.http_whole_seconds - _seconds_since_arrival(event) - _MARGIN
        call.deadline = call.deadline.within(seconds)


def header(event: LambdaEvent, name: str) -> str | None:
    """Return the value of a header, by its lower-case name."""
    headers = event.get("headers") or {}
    return next((value for key, value in headers.items() if key.lower() == name), None)


class Headers(Mapping[str, str]):
    """An event's headers by lower-case name.

    A header is looked up when it is read: most surfaces read none, and a dict of lower-case names
    takes 3 µs.
    """

    def __init__(self, event: LambdaEvent) -> None:
        self._event = event

    def __getitem__(self, name: str) -> str:
        value = header(self._event, name)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name.lower() for name in self._event.get("headers") or {})

    def __len__(self) -> int:
        return len(self._event.get("headers") or {})


def _seconds_since_arrival(event: LambdaEvent) -> float:
    """Return the seconds since API Gateway received the request, including a cold start."""
    arrived_ms = event["requestContext"].get("requestTimeEpoch")
    waited = time.time() - arrived_ms / 1000 if isinstance(arrived_ms, int) else 0.0
    # `sam local` and recorded events hold other times, which do not concern this request.
    return waited if 0 < waited < 60 else 0.0  # noqa: PLR2004  # no cold start takes a minute
