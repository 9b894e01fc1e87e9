"""Limit an idempotency key to one caller and one route."""

from __future__ import annotations

import hashlib

from chatd.access.caller_keys import presented
from chatd.aws_lambda.events import LambdaEvent, named_caller


def caller_of(event: LambdaEvent) -> str:
    """Identify the caller: by name, by IAM identity, or by a hash of the keys."""
    if name := named_caller(event):
        return name
    if keys := presented(event.get("headers") or {}):
        return f"key {hashlib.sha256(' '.join(keys).encode('utf-8', 'surrogatepass')).hexdigest()}"
    return "anyone"


def route_of(event: LambdaEvent) -> str:
    """Return the method and the path; the template's path where the event has one."""
    return f"{event['httpMethod']} {event.get('resource') or event.get('path')}"
