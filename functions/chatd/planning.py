"""Who answers a chat, and whether they can: route → key → what is left out.

It knows rows, keys and settings, and sends nothing.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from chatd import schema
from chatd.adapters import Adapter, adapter_for
from chatd.catalog import Provider
from chatd.chat import ChatRequest
from chatd.credentials import Credentials, standing
from chatd.deadline import Deadline
from chatd.errors import (
    CredentialsUnavailableError,
    InvalidRequestError,
    ModelNotFoundError,
    UpstreamError,
    one_of,
)
from chatd.routing import Route, routes
from chatd.settings import Settings, is_loopback
from chatd.surfaces import Served
from chatd.telemetry import Record

# A field's name is the caller's string; only one that is harmless goes into a header.
_HARMLESS = re.compile(r"[A-Za-z0-9_.-]{1,50}")
_MAX_HEADER = 500


@dataclass(frozen=True, slots=True)
class Call:
    """What a door knows of a call: the invocation's id, and when it must have been answered."""

    request_id: str
    deadline: Deadline
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Plan:
    """A chat that has its provider: what will be asked, of whom, and how."""

    route: Route
    key: SecretStr | None
    adapter: Adapter
    request: ChatRequest
    served: Served
    left_out: tuple[str, ...]

    @property
    def headers(self) -> dict[str, str]:
        """What the caller is told beside the answer."""
        if not self.left_out:
            return {}
        names = [name if _HARMLESS.fullmatch(name) else "?" for name in self.left_out]
        return {"x-chatd-dropped-params": ", ".join(names)[:_MAX_HEADER]}

    @property
    def must_be_checked(self) -> bool:
        """Whether a form was asked for that the provider does not hold its answers to."""
        return self.request.format is not None and not self.route.provider.honours_format


class Planner:
    """Finds who answers.

    Args:
        settings: What this deployment serves.
        credentials: Looks up keys.

    """

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._settings = settings
        self._credentials = credentials

    def plan(self, request: ChatRequest, call: Call, record: Record) -> Plan:
        """Find who answers, and check that they can.

        Raises:
            ChatdError: If nobody can.

        """
        record.request_model = request.model
        route, key = self._registered(request.model)
        row = route.provider
        record.provider = row.name
        record.named_model = route.model if route.named else None
        request = replace(request, model=route.model)
        if self._settings.deployed and is_loopback(row.base_url):
            raise UpstreamError(
                f"{row.name}: its address is {row.base_url}, which on Lambda is the function"
                f" itself; set {row.base_url_variable or 'its base_url'} to where it really is",
                provider=row.name,
            )
        if request.format is not None and not row.honours_format:
            request = schema.asked(request)
        adapter = adapter_for(row, request)
        served = Served(row.name, route.model, call.request_id, call.started)
        return Plan(route, key, adapter, request, served, self._left_out(adapter, request, row))

    def _registered(self, model: str) -> tuple[Route, SecretStr | None]:
        """The first route whose provider is registered, and its key."""
        reasons = []
        for route in routes(model, self._settings):
            row = route.provider
            key = self._credentials.key_of(row)
            found = standing(row, key)
            if found.registered and found.reason is None:
                return route, key.value
            if found.registered:
                raise CredentialsUnavailableError(
                    f"the key of {row.name!r} could not be looked up: {found.reason}",
                    provider=row.name,
                )
            reasons.append(f"{row.name!r}, which is not registered ({found.reason})")
        raise ModelNotFoundError(
            f"the model {model!r} leads to {', then to '.join(reasons)};"
            " GET /v1/chat/providers lists what is",
            param="model",
        )

    def _left_out(self, adapter: Adapter, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """The fields that are left out, because the provider fixes them or chatd.toml says so."""
        refused = adapter.refused(request, row)
        if refused and not self._settings.drop_params:
            raise InvalidRequestError(
                f"{row.name} cannot honour {one_of(name[:50] for name in refused)}; leave it out,"
                " or let drop_params in chatd.toml drop it",
                param=refused[0][:50],
                provider=row.name,
                code="unsupported_parameter",
            )
        return (*refused, *adapter.omitted(request, row))
