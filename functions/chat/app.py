"""The door of the chat function: POST /v1/chat, and direct invocations."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.event_handler import Response

from chatd import api, house
from chatd.surfaces.native import Native

app = api.resolver()
native = Native()
opened = cache(partial(house.opened, os.environ))


@app.post("/v1/chat")
def chat() -> Response[str]:
    """A chat on the native surface."""
    event = app.current_event.raw_event
    call = api.call_of(event, app.lambda_context, opened().settings)
    return api.answered(opened().gateway.chat(native, partial(api.body_of, event), call))


def lambda_handler(event: Any, context: api.Context) -> dict[str, Any]:
    """Answer API Gateway, or whoever invokes the function directly."""
    if api.is_http(event):
        return api.resolved(app, event, context, lambda: opened().settings)
    return api.invoked(partial(_chat_directly, event, context))


def _chat_directly(event: object, context: api.Context) -> Mapping[str, Any]:
    call = api.call_of(None, context, opened().settings)
    return opened().gateway.chat(native, partial(api.request_of, event), call)
