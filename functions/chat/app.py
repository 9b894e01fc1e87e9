"""Handle the chat function's events: every chat surface over HTTP, and direct invocations."""

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
from chatd.errors import ChatdError, ResponseNotFoundError
from chatd.surfaces import SURFACES, ErrorResponse, surface

compose = cache(partial(composition.compose, os.environ))
once = cache(lambda: composition.once(os.environ, compose().settings))
store = cache(lambda: composition.stored_responses(os.environ, compose().settings))
counter_of = cache(composition.token_counter)
embedder_of = cache(composition.embedding_gateway)

# The surface whose responses can be stored, and the routes of a stored response.
_STORED = "openai_responses"
_STORED_ROUTES = (
    "GET /v1/responses/{id}",
    "DELETE /v1/responses/{id}",
    "GET /v1/responses/{id}/input_items",
)
_COUNT_ROUTE = "POST /v1/messages/count_tokens"
_EMBEDDINGS_ROUTE = "POST /v1/embeddings"


def chat(name: str, event: LambdaEvent, context: Context) -> http.Response | StreamingResponse:
    """Answer a chat over HTTP; an `Idempotency-Key` returns the stored response, if there is one.

    Args:
        name: The surface's, in SURFACES.
        event: API Gateway's.
        context: Lambda's.

    """
    fresh = partial(answer, name, event, context)
    if events.header(event, "idempotency-key") is None:
        return fresh()
    return once().answer(event, context, fresh, surface(name).is_end)


def answer(name: str, event: LambdaEvent, context: Context) -> http.Response | StreamingResponse:
    """Answer a chat over HTTP, whole or streamed as requested."""
    responses = store() if name == _STORED else None
    stored = responses and responses.surface(surface(name), event)
    gateway, api = compose().gateway, stored or surface(name)
    call = events.call_of(event, context, compose().settings)
    headers = events.Headers(event)
    request = gateway.read(api, headers, partial(events.body_of, event), call)
    if request.stream:
        return StreamingChat(gateway, api, request, call)
    events.limit_whole(call, event, compose().settings)
    reply = gateway.chat(api, request, call)
    return http.answered(reply.body, stored.headers(reply.headers) if stored else reply.headers)


def stored_response(route: str, event: LambdaEvent, _context: Context) -> http.Response:
    """Return, delete or list a stored response of the caller."""
    responses = store()
    if responses is None:
        from chatd.stored_responses import PARAMETER  # noqa: PLC0415  # for this message alone

        raise ResponseNotFoundError(
            f"this deployment stores no responses: its parameter {PARAMETER} is false"
        )
    return responses.answer(route, event)


def count_tokens(event: LambdaEvent, context: Context) -> http.Response:
    """Count the input tokens of a request of Anthropic's surface."""
    call = events.call_of(event, context, compose().settings)
    count = counter_of(compose()).count(events.Headers(event), partial(events.body_of, event), call)
    return http.answered(count.body, count.headers)


def embed(event: LambdaEvent, context: Context) -> http.Response | StreamingResponse:
    """Answer a request for embeddings; a large answer is written piece by piece."""
    from chatd.aws_lambda.embeddings import response  # noqa: PLC0415  # for one route only

    call = events.call_of(event, context, compose().settings)
    events.limit_whole(call, event, compose().settings)
    return response(embedder_of(compose()).embed(partial(events.body_of, event), call), call)


def error(name: str, failure: ChatdError, request_id: str) -> ErrorResponse:
    """Write a failure in the surface's API."""
    return surface(name).error(failure, request_id)


def invoke(event: object, context: Context) -> Mapping[str, Any]:
    """Answer a direct invocation, always whole; a request with `input` is one for embeddings."""
    call = events.call_of(None, context, compose().settings)
    if events.asks_for_embeddings(event):
        return embedder_of(compose()).embed(partial(events.request_of, event), call).body()
    gateway, native = compose().gateway, surface("native")
    request = gateway.read(native, {}, partial(events.request_of, event), call)
    return gateway.chat(native, request, call).body


router = http.Router(
    lambda: compose().settings,
    {
        f"POST {entry.path}": http.Route(partial(chat, name), partial(error, name))
        for name, entry in SURFACES.items()
    }
    | {route: http.Route(partial(stored_response, route)) for route in _STORED_ROUTES}
    | {
        _COUNT_ROUTE: http.Route(count_tokens, partial(error, "anthropic_messages")),
        _EMBEDDINGS_ROUTE: http.Route(embed, partial(error, "openai_chat")),
    },
)


snapstart.hooks(os.environ, lambda: compose().prepare(), lambda: compose().forget())


def lambda_handler(event: Any, context: Context) -> Any:
    """Answer API Gateway, or a direct invocation."""
    if events.is_http(event):
        return router.answer(event, context)
    return http.invoked(partial(invoke, event, context))
