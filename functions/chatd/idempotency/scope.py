"""Within what an idempotency key counts: who calls, and which route.

It knows the events of API Gateway, and nothing of what is kept.
"""

from __future__ import annotations

import hashlib

from chatd.access.caller_keys import presented
from chatd.aws_lambda.events import LambdaEvent, named_caller


def caller_of(event: LambdaEvent) -> str:
    """Who calls, as surely as the event tells: a caller's name, IAM's, or the hash of a key."""
    if name := named_caller(event):
        return name
    if key := presented(event.get("headers") or {}):
        return f"key {hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return "anyone"


def route_of(event: LambdaEvent) -> str:
    """The method, and the path as the template has it where the event says so."""
    return f"{event['httpMethod']} {event.get('resource') or event.get('path')}"
