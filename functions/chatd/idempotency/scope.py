"""Within what an idempotency key counts: who calls, and which route.

It knows the events of API Gateway, and nothing of what is kept.
"""

from __future__ import annotations

import hashlib

from chatd.callers import presented
from chatd.events import Event


def caller_of(event: Event) -> str:
    """Who calls, as surely as the event tells: a caller's name, IAM's, or the hash of a key.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    context = event["requestContext"]
    authorizer, identity = context.get("authorizer") or {}, context.get("identity") or {}
    if name := authorizer.get("principalId"):
        return f"caller {name}"
    if name := identity.get("userArn") or identity.get("caller"):
        return f"iam {name}"
    if key := presented(event.get("headers") or {}):
        return f"key {hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return "anyone"


def route_of(event: Event) -> str:
    """The method, and the path as the template has it where the event says so."""
    return f"{event['httpMethod']} {event.get('resource') or event.get('path')}"
