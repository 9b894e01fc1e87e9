"""The parts of a running function, built once, from the environment and chatd.toml.

It knows how the parts fit together, and nothing of what they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chatd.credentials import Credentials
from chatd.gateway import Gateway
from chatd.models import Models
from chatd.planning import Planner
from chatd.secrets import JsonSecret, SecretsManager
from chatd.settings import Settings, load
from chatd.telemetry import Telemetry
from chatd.transport import Urllib3Transport


@dataclass(frozen=True, slots=True)
class House:
    """What a door opens to."""

    settings: Settings
    credentials: Credentials
    gateway: Gateway
    models: Models
    transport: Urllib3Transport
    manager: SecretsManager

    def prepare(self) -> None:
        """Load all that a first chat needs, without a key and without a network."""
        from chatd import rehearsal  # noqa: PLC0415  # only for copies

        rehearsal.play(self.settings)
        # What a host's name is encoded with is loaded when the first is looked up.
        "localhost".encode("idna")
        if self.settings.secret_id:
            self.manager.prepare()

    def forget(self) -> None:
        """Forget what holds for a time or a machine: connections, keys, lists."""
        self.transport.forget()
        self.credentials.forget()
        self.manager.forget()
        self.models.forget()


def opened(environ: Mapping[str, str]) -> House:
    """Build the parts.

    Raises:
        ConfigError: If chatd.toml or the environment holds a mistake.

    """
    settings = load(environ)
    telemetry = Telemetry()
    manager = SecretsManager(environ)
    secret = JsonSecret(settings.secret_id, manager.fetch) if settings.secret_id else None
    credentials = Credentials(environ, secret, telemetry.warn)
    transport = Urllib3Transport()
    gateway = Gateway(Planner(settings, credentials), transport, telemetry)
    models = Models(settings, credentials, transport, telemetry.warn)
    return House(settings, credentials, gateway, models, transport, manager)
