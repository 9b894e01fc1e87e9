"""Hold the key or the request signer that a lookup found for a provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from chatd.upstream_http import HttpRequest


class Signer(Protocol):
    """Signs requests to a provider that takes signatures in place of a key."""

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """The secrets that a provider's message may quote, such as a session token."""

    def signed(self, request: HttpRequest) -> HttpRequest:
        """Return the request with its signature, which is valid for some minutes."""


@dataclass(frozen=True, slots=True, eq=False)
class ProviderKey:
    """The result of a lookup.

    Attributes:
        value: The key, or None.
        failure: A sentence on a failed source; a later source may still have the key.
        signer: Signs the requests to the provider, if it takes signatures; else None.

    """

    value: SecretStr | None = None
    failure: str | None = None
    signer: Signer | None = None

    @property
    def is_found(self) -> bool:
        """Whether there is a key or a signer."""
        return self.value is not None or self.signer is not None

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """The key and the secrets of the signer, which no message may quote."""
        signing = () if self.signer is None else self.signer.secrets
        return signing if self.value is None else (self.value, *signing)

    def signed(self, request: HttpRequest) -> HttpRequest:
        """Return the request with its signature; the request itself without a signer."""
        return request if self.signer is None else self.signer.signed(request)
