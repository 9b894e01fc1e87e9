"""List the tiers and the models of each registered provider.

The providers are queried in parallel, within 4 s each, and the lists are kept for 60 s. If a
provider is slow or fails, its last list is used, and a retry follows after 5 s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from chatd.config.model_facts import NOTHING, ModelFacts, facts_of, over
from chatd.config.provider import Provider
from chatd.config.settings import Settings, Tier
from chatd.credentials.provider_keys import Credentials
from chatd.deadline import Deadline
from chatd.dialects import load_dialect
from chatd.discovery.model_pages import model_names
from chatd.errors import ChatdError, ModelNotFoundError
from chatd.routing.registry import Registry
from chatd.routing.router import Route, routes
from chatd.transport.http_client import Transport
from chatd.upstream_http import HttpRequest, HttpResponse

_FRESH_SECONDS = 60.0
# After a failure: a provider that starts, or was reconfigured, soon works again.
_RETRY_SECONDS = 5.0
_TIMEOUT_SECONDS = 4.0
_LABELLED = 3  # models of a tier in its display name
# The abilities shown in OpenAI's entry of a model, by their names there.
_SHOWN: Mapping[str, str] = MappingProxyType(
    {
        "tools": "tools",
        "images": "images",
        "pdfs": "pdfs",
        "thinks": "thinking",
        "sampling": "sampling",
        "prefill": "prefill",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class ListedModel:
    """A model that callers may name.

    Attributes:
        id: The name, as a request takes it.
        owner: The provider's name; `chatd` for a tier.
        label: The models of a tier, in the order of preference; None for a provider's model.
        facts: What is known of the model; of a tier's first model for a tier.

    """

    id: str
    owner: str
    label: str | None = None
    facts: ModelFacts | None = None

    @property
    def display_name(self) -> str:
        """The name for a person: a tier's has the models that the tier leads to."""
        return self.id if self.label is None else f"{self.id}: {self.label}"

    @property
    def in_openais_shape(self) -> dict[str, Any]:
        """OpenAI's entry; providers give no date, and OpenAI's SDKs want a number."""
        entry = {"id": self.id, "object": "model", "created": 0, "owned_by": self.owner}
        return entry if self.facts is None else {**entry, **_further(self.facts)}

    @property
    def in_anthropics_terms(self) -> tuple[str, str, ModelFacts | None]:
        """The id, the display name and the facts."""
        return self.id, self.display_name, self.facts


class Models:
    """List models.

    Args:
        settings: The tiers and the rows.
        credentials: Looks up keys.
        transport: Sends the requests.
        warn: Called with a sentence for each provider without a list.
        clock: Monotonic seconds.

    """

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        transport: Transport,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._registry = Registry(settings, credentials)
        self._transport = transport
        self._warn = warn
        self._clock = clock
        self._lists: dict[str, tuple[float, list[str]]] = {}

    def all(self) -> list[ListedModel]:
        """List every model, the tiers first, by the ids that callers send."""
        models = [self._of_tier(name, tier) for name, tier in self._settings.tiers.items()]
        rows = self._available()
        self._refresh([row for row in rows if self._is_stale(row)])
        for row in rows:
            _, names = self._lists.get(row.name, (0.0, []))
            listed = dict.fromkeys((*row.model_ids, *names))
            models += [
                ListedModel(row.prefix + name, row.name, facts=facts_of(row, name))
                for name in listed
            ]
        return models

    def one(self, name: str) -> ListedModel:
        """Find a model by its listed id or another spelling of the id.

        Raises:
            ModelNotFoundError: If no model of that name is listed.

        """
        route = routes(name, self._settings, self._registry.default)[0]
        listed = {model.id: model for model in self.all()}
        for model in (name, *(route.provider.prefix + model for model in _spellings(route))):
            if model in listed:
                return replace(listed[model], id=name)
        raise ModelNotFoundError(f"there is no model {name!r}; GET /v1/models lists them")

    def _of_tier(self, name: str, tier: Tier) -> ListedModel:
        models = [entry.model for entry in tier.models]
        more = len(models) - _LABELLED
        shown = [*models[:_LABELLED], *([f"{more} more"] if more > 0 else [])]
        facts = self._facts_of_tier(name)
        return ListedModel(name, "chatd", ", then ".join(shown), facts)

    def _facts_of_tier(self, name: str) -> ModelFacts | None:
        """Return the facts of the tier's first model, with the context that the tier states."""
        try:
            route = routes(name, self._settings, self._registry.default)[0]
        except ChatdError:  # its model has no provider; the chat tells why
            return None
        facts = facts_of(route.provider, route.model)
        if route.context is None:
            return facts
        return over(facts or NOTHING, ModelFacts(context=route.context))

    def _available(self) -> list[Provider]:
        return [
            row
            for row, availability in self._registry.registered()
            if availability.reason is None and "model_list" not in row.refuses
        ]

    def _is_stale(self, row: Provider) -> bool:
        due_at, _ = self._lists.get(row.name, (float("-inf"), []))
        return self._clock() >= due_at

    def _refresh(self, rows: list[Provider]) -> None:
        if not rows:
            return
        with ThreadPoolExecutor(len(rows)) as threads:
            wait([threads.submit(self._query, row) for row in rows])

    def _query(self, row: Provider) -> None:
        """Query a provider; after a failure keep its last list and retry in 5 s."""
        fresh = _FRESH_SECONDS
        adapter = load_dialect(row.variants.get(row.dialect, row.dialect))
        try:
            deadline = Deadline.after(_TIMEOUT_SECONDS)
            send = partial(self._send, deadline, row.timeouts.connect)
            names = model_names(adapter, row, self._credentials.key_of(row), send)
        except ChatdError as error:
            _, names = self._lists.get(row.name, (0.0, []))
            fresh = _RETRY_SECONDS
            self._warn(f"{row.name} gave no list of its models: {error.default_code}")
        self._lists[row.name] = (self._clock() + fresh, names)

    def _send(self, deadline: Deadline, connect: float, request: HttpRequest) -> HttpResponse:
        return self._transport.send(request, deadline, connect)


def _spellings(route: Route) -> tuple[str, ...]:
    """Return the names under which a provider may list a model.

    Ollama reads a name without a tag as `:latest`, and lists it with that tag:
    https://github.com/ollama/ollama/blob/main/docs/api.md#model-names
    """
    model = route.model
    if route.provider.dialect == "ollama" and ":" not in model.rpartition("/")[2]:
        return (model, f"{model}:latest")
    return (model,)


def _further(facts: ModelFacts) -> dict[str, Any]:
    """Write the facts of a model in fields that other gateways add to OpenAI's entry.

    https://openrouter.ai/docs/api-reference/list-available-models has `context_length`.
    """
    limits = {"context_length": facts.context, "max_output_tokens": facts.max_output}
    shown = {name: getattr(facts, name) for name in _SHOWN}
    capabilities = {_SHOWN[name]: value for name, value in shown.items() if value is not None}
    known: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}
    return {**known, "capabilities": capabilities} if capabilities else known
