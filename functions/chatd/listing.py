"""The list of providers: names and standings, never a key."""

from __future__ import annotations

from typing import Any

from chatd.credentials import Credentials, standing
from chatd.settings import Settings, is_loopback


def provider_list(settings: Settings, credentials: Credentials) -> dict[str, Any]:
    """The body of `GET /v1/chat/providers`: exactly the registered providers."""
    providers = []
    for row in settings.providers.values():
        if not row.enabled:
            continue
        found = standing(row, credentials.key_of(row))
        if not found.registered:
            continue
        reason = found.reason
        if settings.deployed and is_loopback(row.base_url):
            reason = f"its address is {row.base_url}, which on Lambda is the function itself"
        entry: dict[str, Any] = {
            "name": row.name,
            "available": reason is None,
            "prefixes": [row.prefix],
            "dialect": row.dialect,
        }
        providers.append(entry if reason is None else {**entry, "reason": reason})
    return {"default": settings.default_provider, "providers": providers}
