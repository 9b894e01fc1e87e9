"""The door of the providers function: what can be asked for, and what there is to know of it."""

from __future__ import annotations

import os
from functools import cache, partial
from typing import Any
from urllib.parse import unquote

from chatd import __version__, composition
from chatd.aws_lambda import events, http
from chatd.aws_lambda.events import Context, LambdaEvent
from chatd.discovery.api_description import document
from chatd.discovery.model_list import Models
from chatd.discovery.provider_list import provider_list

compose = cache(partial(composition.compose, os.environ))
lists = cache(lambda parts: Models(parts.settings, parts.credentials, parts.transport, parts.warn))


def providers(_event: LambdaEvent, _context: Context) -> http.Response:
    """The registered providers."""
    return http.answered(provider_list(compose().settings, compose().credentials))


def models(_event: LambdaEvent, _context: Context) -> http.Response:
    """The tiers, and the live models of every registered provider."""
    return http.answered(lists(compose()).all())


def model(event: LambdaEvent, _context: Context) -> http.Response:
    """One model; its name may hold slashes."""
    return http.answered(lists(compose()).one(unquote((event["pathParameters"] or {})["id"])))


def health(_event: LambdaEvent, _context: Context) -> http.Response:
    """That the gateway runs; it asks no provider and fetches no key."""
    return http.answered({"status": "ok", "version": __version__})


def described(_event: LambdaEvent, _context: Context) -> http.Response:
    """The OpenAPI description."""
    return http.Response(200, document("openapi.json"))


def page(_event: LambdaEvent, _context: Context) -> http.Response:
    """The same for people."""
    return http.Response(200, document("api.html"), content_type="text/html; charset=utf-8")


router = http.Router(
    lambda: compose().settings,
    {
        "GET /v1/chat/providers": http.Route(providers),
        "GET /v1/models": http.Route(models),
        "GET /v1/models/{id+}": http.Route(model),
        "GET /health": http.Route(health),
        "GET /openapi.json": http.Route(described),
        "GET /docs": http.Route(page),
    },
)


def lambda_handler(event: Any, context: Context) -> Any:
    """Answer API Gateway, or whoever invokes the function directly: with the list of providers."""
    if events.is_http(event):
        return router.answer(event, context)
    return http.invoked(lambda: provider_list(compose().settings, compose().credentials))
