"""Detect the upstream of models without a prefix: Ollama, the demo or another provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import urllib3

from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from chatd.config.settings import Settings
from chatd.credentials.provider_keys import Credentials
from chatd.errors import ModelNotFoundError
from chatd.routing.registry import Registry

# Seconds to wait for Ollama, which answers at once when it runs on this machine.
_TIMEOUT = urllib3.Timeout(connect=1.0, read=2.0)


@dataclass(frozen=True, slots=True)
class Upstream:
    """The default provider.

    Attributes:
        kind: `ollama`: Ollama answers; `demo`: nothing answers at Ollama's default address;
            `unreachable`: nothing answers at the configured address; `other`: another provider.
        provider: The provider's name.
        url: The provider's address.
        models: Models that the provider serves, as far as known.

    """

    kind: Literal["ollama", "demo", "unreachable", "other"]
    provider: str
    url: str
    models: tuple[str, ...] = ()


def detect_upstream(settings: Settings, environ: Mapping[str, str]) -> Upstream:
    """Detect the default provider, and the models of an Ollama."""
    row = settings.providers[settings.default_provider or "ollama"]
    if row.excluded is not None:
        row = _first_registered(settings, environ) or row
    if row.name != "ollama":
        return Upstream("other", row.name, row.base_url)
    with urllib3.PoolManager(timeout=_TIMEOUT, retries=False) as http:
        if "version" in _get_json(http, f"{row.base_url}/api/version"):
            models = _get_json(http, f"{row.base_url}/api/tags").get("models") or []
            return Upstream("ollama", row.name, row.base_url, tuple(_model_names(models)))
    configured = bool(environ.get("OLLAMA_URL")) or row.base_url != CATALOG["ollama"].base_url
    return Upstream("unreachable" if configured else "demo", row.name, row.base_url)


def _first_registered(settings: Settings, environ: Mapping[str, str]) -> Provider | None:
    """Return the default provider by the keys of the environment and .env files."""
    try:
        return Registry(settings, Credentials(environ, None, lambda _sentence: None)).default()
    except ModelNotFoundError:
        return None


def _get_json(http: urllib3.PoolManager, url: str) -> dict[str, Any]:
    """Get a JSON object; return an empty object on any failure."""
    try:
        answer = http.request("GET", url, redirect=False).json()
    except (urllib3.exceptions.HTTPError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _model_names(models: Any) -> list[str]:
    found = [model.get("name") for model in models if isinstance(model, dict)]
    return [name for name in found if isinstance(name, str) and name]
