"""Which upstream answers a model's bare name here: the user's Ollama, a demo, or another provider.

It only looks; starting the demo is __main__.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import urllib3

from chatd.config.catalog import CATALOG, Provider
from chatd.config.settings import Settings
from chatd.credentials.provider_keys import Credentials
from chatd.errors import ModelNotFoundError
from chatd.routing.registry import Registry

# Seconds to wait for an Ollama, which on this machine answers at once or not at all.
_TIMEOUT = urllib3.Timeout(connect=1.0, read=2.0)


@dataclass(frozen=True, slots=True)
class Upstream:
    """The default provider.

    Attributes:
        kind: `ollama` answers; `demo` stands in, because nothing does; `unreachable`: nothing
            answers at the address that the user gave; `other`: it is another provider.
        provider: The provider's name.
        url: Where it is.
        models: Models that it is known to serve.

    """

    kind: Literal["ollama", "demo", "unreachable", "other"]
    provider: str
    url: str
    models: tuple[str, ...] = ()


def detect_upstream(settings: Settings, environ: Mapping[str, str]) -> Upstream:
    """Find out what answers a bare model name."""
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
    """The first registered provider, as far as the environment and the .env files tell."""
    try:
        return Registry(settings, Credentials(environ, None, lambda _sentence: None)).default()
    except ModelNotFoundError:
        return None


def _get_json(http: urllib3.PoolManager, url: str) -> dict[str, Any]:
    """The JSON object at `url`, empty when there is none to be had."""
    try:
        answer = http.request("GET", url, redirect=False).json()
    except (urllib3.exceptions.HTTPError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _model_names(models: Any) -> list[str]:
    found = [model.get("name") for model in models if isinstance(model, dict)]
    return [name for name in found if isinstance(name, str) and name]
