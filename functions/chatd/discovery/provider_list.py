"""List the registered providers and their availability, without keys."""

from __future__ import annotations

from typing import Any

from chatd.config.settings import Settings
from chatd.credentials.provider_keys import Credentials
from chatd.errors import ModelNotFoundError
from chatd.routing.registry import Registry


def provider_list(settings: Settings, credentials: Credentials) -> dict[str, Any]:
    """Make the body of `GET /v1/chat/providers`: exactly the registered providers.

    `default` is None where no provider is registered.
    """
    registry = Registry(settings, credentials)
    providers = []
    for row, availability in registry.registered():
        entry: dict[str, Any] = {
            "name": row.name,
            "available": availability.reason is None,
            "prefixes": [row.prefix],
            "dialect": row.dialect,
        }
        if availability.reason is not None:
            entry["reason"] = availability.reason
        providers.append(entry)
    try:
        default = registry.default().name
    except ModelNotFoundError:
        default = None
    return {"default": default, "providers": providers}
