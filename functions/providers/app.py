"""Handle the providers function's events: lists, API description and health."""

from __future__ import annotations

import os
from functools import cache, partial
from typing import Any
from urllib.parse import unquote

from chatd import __version__, composition
from chatd.aws_lambda import events, http
from chatd.aws_lambda.events import Context, LambdaEvent
from chatd.discovery.api_description import document
from chatd.discovery.model_list import ListedModel, Models
from chatd.discovery.provider_list import provider_list
from chatd.errors import ChatdError
from chatd.surfaces import ErrorResponse, surface
from chatd.surfaces.anthropic_messages.models import model_info, page_of

compose = cache(partial(composition.compose, os.environ))
model_lists = cache(
    lambda parts: Models(parts.settings, parts.credentials, parts.transport, parts.warn)
)


def providers(_event: LambdaEvent, _context: Context) -> http.Response:
    """List the registered providers."""
    return http.answered(provider_list(compose().settings, compose().credentials))


def models(_event: LambdaEvent, _context: Context) -> http.Response:
    """List the tiers and the current models of every registered provider, in OpenAI's shape."""
    data = [model.in_openais_shape for model in model_lists(compose()).all()]
    return http.answered({"object": "list", "data": data})


def model(event: LambdaEvent, _context: Context) -> http.Response:
    """Describe one model in OpenAI's shape; a model's name may contain slashes."""
    return http.answered(_named(event).in_openais_shape)


def anthropic_models(event: LambdaEvent, _context: Context) -> http.Response:
    """List the same models in Anthropic's shape, one page of them."""
    listed = [model.in_anthropics_terms for model in model_lists(compose()).all()]
    return http.answered(page_of(listed, event.get("queryStringParameters") or {}))


def anthropic_model(event: LambdaEvent, _context: Context) -> http.Response:
    """Describe one model in Anthropic's shape."""
    return http.answered(model_info(*_named(event).in_anthropics_terms))


def anthropic_error(failure: ChatdError, request_id: str) -> ErrorResponse:
    """Write a failure in Anthropic's shape."""
    return surface("anthropic_messages").error(failure, request_id)


def _named(event: LambdaEvent) -> ListedModel:
    return model_lists(compose()).one(unquote((event["pathParameters"] or {})["id"]))


def health(_event: LambdaEvent, _context: Context) -> http.Response:
    """Report health and version, without a provider call or a key lookup."""
    return http.answered({"status": "ok", "version": __version__})


def api_description(_event: LambdaEvent, _context: Context) -> http.Response:
    """Return the OpenAPI description."""
    return http.Response(200, document("openapi.json"))


def api_page(_event: LambdaEvent, _context: Context) -> http.Response:
    """Return the HTML page of the API description."""
    return http.Response(200, document("api.html"), content_type="text/html; charset=utf-8")


def _for_anthropics_sdks(handler: http.Handler) -> dict[str, http.Route]:
    """Route the requests of Anthropic's SDKs, which share the path with OpenAI's."""
    return {"anthropic-version": http.Route(handler, anthropic_error)}


router = http.Router(
    lambda: compose().settings,
    {
        "GET /v1/chat/providers": http.Route(providers),
        "GET /v1/models": http.Route(models, by_header=_for_anthropics_sdks(anthropic_models)),
        "GET /v1/models/{id+}": http.Route(model, by_header=_for_anthropics_sdks(anthropic_model)),
        "GET /health": http.Route(health),
        "GET /openapi.json": http.Route(api_description),
        "GET /docs": http.Route(api_page),
    },
)


def lambda_handler(event: Any, context: Context) -> Any:
    """Answer API Gateway; answer a direct invocation with the list of providers."""
    if events.is_http(event):
        return router.answer(event, context)
    return http.invoked(lambda: provider_list(compose().settings, compose().credentials))
