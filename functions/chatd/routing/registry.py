"""Decide which providers are registered, and select the default provider.

The chat, the provider list and the model list all read the result here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from chatd.config.provider import Provider
from chatd.config.settings import Settings
from chatd.credentials.provider_key import ProviderKey
from chatd.credentials.provider_keys import Credentials
from chatd.errors import ModelNotFoundError


@dataclass(frozen=True, slots=True, eq=False)
class Availability:
    """The availability of a provider.

    Attributes:
        registered: Whether the provider is registered.
        reason: Why the provider is not registered, or not available; None if it is both.
        key: The result of the key lookup.

    """

    registered: bool
    reason: str | None = None
    key: ProviderKey = field(default_factory=ProviderKey)


class Registry:
    """Decide which providers are registered.

    Args:
        settings: The rows and the configured default provider.
        credentials: Looks up keys.

    """

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._settings = settings
        self._credentials = credentials

    def availability(self, row: Provider) -> Availability:
        """Decide whether a provider is registered.

        Registered means: not excluded by the settings, and needing no key, or having one, or its
        lookup having failed. After a failed lookup the provider is registered and not available.
        """
        if row.excluded is not None:
            return Availability(registered=False, reason=row.excluded)
        return _with_key(row, self._credentials.key_of(row))

    def registered(self) -> list[tuple[Provider, Availability]]:
        """List the registered providers, in the order of the catalog and of chatd.toml."""
        return [
            (row, _with_key(row, key))
            for row, key in self._credentials.keys_of(self._included())
            if _is_registered(row, key)
        ]

    def default(self) -> Provider:
        """Return the provider of a model name without a known prefix, suffix or tier.

        Returns:
            The configured provider; else the first registered one, with Ollama before all others.

        Raises:
            ModelNotFoundError: If no provider is configured as default and none is registered.

        """
        if self._settings.default_provider is not None:
            return self._settings.providers[self._settings.default_provider]
        for row, key in self._credentials.keys_of(self._included()):
            if _is_registered(row, key):
                return row
        raise ModelNotFoundError(
            "no provider is registered: give one a key (`make keys` on a stack), or set the URL"
            " of your Ollama (OLLAMA_URL; the stack's parameter OllamaUrl)",
            param="model",
        )

    def _included(self) -> Iterator[Provider]:
        """Yield the rows that the settings do not exclude."""
        return (row for row in self._settings.providers.values() if row.excluded is None)


def _is_registered(row: Provider, key: ProviderKey) -> bool:
    """Whether a row that is not excluded needs no key, has one, or its lookup has failed."""
    return _is_usable(row, key) or key.failure is not None


def _is_usable(row: Provider, key: ProviderKey) -> bool:
    if row.key_optional and key.failure is None:
        return True
    return key.is_found or (row.key_variable is None and row.aws is None)


def _with_key(row: Provider, key: ProviderKey) -> Availability:
    if not _is_registered(row, key):
        return Availability(registered=False, reason=f"no {row.key_variable} was found")
    if _is_usable(row, key):
        return Availability(registered=True, key=key)
    return Availability(registered=True, reason=key.failure, key=key)
