"""Describe the model that an attempt is sent to: route, key, time limits and circuit breaker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from chatd.call import Call
from chatd.canonical.served import Served
from chatd.config.provider import WHOLE_SECONDS, Timeouts
from chatd.credentials.provider_key import ProviderKey, Signer
from chatd.deadline import Deadline
from chatd.routing.router import Route
from chatd.upstream_http import HttpRequest


@dataclass(slots=True, eq=False)
class ModelTarget:
    """The provider and model of an attempt; a subclass adds the request and the dialect.

    Attributes:
        route: The provider's row, and its name for the model.
        key: The provider's key, if it needs one.
        served: The provider and model, for the caller.
        signer: Signs the requests, for a provider that takes signatures in place of a key.

    """

    route: Route
    key: SecretStr | None
    served: Served
    signer: Signer | None = field(default=None, kw_only=True)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        raise NotImplementedError

    def signed(self, request: HttpRequest) -> HttpRequest:
        """Return a request to the provider with its signature, if the provider takes one."""
        return self.provider_key.signed(request)

    @property
    def provider_key(self) -> ProviderKey:
        """The key and the signer, as a lookup returns them."""
        return ProviderKey(self.key, signer=self.signer)

    @property
    def secrets(self) -> list[str]:
        """The key and the secrets of the signer, which no message may quote."""
        return [secret.get_secret_value() for secret in self.provider_key.secrets]

    @property
    def streams(self) -> bool:
        """Whether the provider streams its answer."""
        return False

    def limits(self, *, fallback: bool) -> Timeouts:
        """The limits of time; the limit of silence is shorter with a fallback."""
        limits = self.route.timeouts
        if not fallback:
            return limits
        return replace(limits, silence=min(limits.silence, limits.silence_with_fallback))

    def deadline(self, call: Call, *, streamed: bool) -> Deadline:
        """The deadline of the call, over all attempts.

        Args:
            call: The call, with the limits of its route.
            streamed: Whether the caller gets the answer as a stream.

        """
        total = self.route.timeouts.total or (None if streamed else WHOLE_SECONDS)
        if total is None:
            return call.deadline
        return Deadline(min(call.deadline.at, call.started + total))

    @property
    def circuit(self) -> str:
        """The name of the circuit breaker: the model's own only if chatd.toml names the model."""
        return self.name if self.route.named else self.served.provider

    @property
    def name(self) -> str:
        """The provider's name, and its name for the model."""
        return f"{self.served.provider}/{self.served.model}"
