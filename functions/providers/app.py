"""The door of the providers function: GET /v1/chat/providers, GET /health, direct invocation."""

from __future__ import annotations

import os
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.event_handler import Response

from chatd import __version__, api, house
from chatd.listing import provider_list

app = api.resolver()
opened = cache(partial(house.opened, os.environ))


@app.get("/v1/chat/providers")
def providers() -> Response[str]:
    """The registered providers."""
    return api.answered(provider_list(opened().settings, opened().credentials))


@app.get("/health")
def health() -> Response[str]:
    """That the gateway runs; it asks no provider and fetches no key."""
    return api.answered({"status": "ok", "version": __version__})


def lambda_handler(event: Any, context: api.Context) -> dict[str, Any]:
    """Answer API Gateway, or whoever invokes the function directly: with the list."""
    if api.is_http(event):
        return api.resolved(app, event, context, lambda: opened().settings)
    return api.invoked(lambda: provider_list(opened().settings, opened().credentials))
