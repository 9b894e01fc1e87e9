"""The door of the chat function: both chat surfaces over HTTP, and direct invocations."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from chatd import composition
from chatd.aws_lambda import events, http, snapstart
from chatd.aws_lambda.events import Context, LambdaEvent
from chatd.aws_lambda.streaming import StreamingResponse
from chatd.aws_lambda.streaming_chat import StreamingChat
from chatd.surfaces import surface

compose = cache(partial(composition.compose, os.environ))
once = cache(lambda: composition.once(os.environ, compose().settings))


def chat(spoken: str, event: LambdaEvent, context: Context) -> http.Response | StreamingResponse:
    """A chat over HTTP; under an `Idempotency-Key` the same answer again, if there is one."""
    fresh = partial(answer, spoken, event, context)
    if events.header(event, "idempotency-key") is None:
        return fresh()
    return once().answer(event, context, fresh, surface(spoken).ends)


def answer(spoken: str, event: LambdaEvent, context: Context) -> http.Response | StreamingResponse:
    """A chat over HTTP, whole or streamed as the caller wants it."""
    gateway, speaking = compose().gateway, surface(spoken)
    call = events.call_of(event, context, compose().settings)
    request = gateway.read(speaking, partial(events.body_of, event), call)
    if request.stream:
        return StreamingChat(gateway, speaking, request, call)
    events.limit_whole(call, event, compose().settings)
    reply = gateway.chat(speaking, request, call)
    return http.answered(reply.body, reply.headers)


def invoke(event: object, context: Context) -> Mapping[str, Any]:
    """A chat of a direct invocation, which is always answered whole."""
    gateway, native = compose().gateway, surface("native")
    call = events.call_of(None, context, compose().settings)
    request = gateway.read(native, partial(events.request_of, event), call)
    return gateway.chat(native, request, call).body


router = http.Router(
    lambda: compose().settings,
    {
        "POST /v1/chat": partial(chat, "native"),
        "POST /v1/chat/completions": partial(chat, "openai"),
    },
)


snapstart.hooks(os.environ, lambda: compose().prepare(), lambda: compose().forget())


def lambda_handler(event: Any, context: Context) -> Any:
    """Answer API Gateway, or whoever invokes the function directly."""
    if events.is_http(event):
        return router.answer(event, context)
    return http.invoked(partial(invoke, event, context))
