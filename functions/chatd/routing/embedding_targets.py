"""Select the hosts of the model that a request for embeddings names.

Vectors of different models must not mix, so a tier leads to its first model, and falls back to
further hosts of the same model alone (docs/decisions/0051-embeddings.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chatd.call import Call
from chatd.canonical.embedding import EmbeddingRequest
from chatd.canonical.served import Served
from chatd.config.embeddings_api import EmbeddingsApi
from chatd.config.settings import Settings
from chatd.dialects.embeddings import EmbeddingDialect, load_embedding_dialect
from chatd.errors import (
    ChatdError,
    CredentialsUnavailableError,
    InvalidRequestError,
    ModelNotFoundError,
)
from chatd.routing.dropped_fields import named_in_header, refused_fields
from chatd.routing.model_target import ModelTarget
from chatd.routing.router import Route, routes
from chatd.routing.target_selection import TargetSelector
from chatd.upstream_http import HttpRequest


@dataclass(slots=True, eq=False)
class EmbeddingTarget(ModelTarget):
    """A request for embeddings with its selected provider, key and dialect.

    Attributes:
        api: The provider's API for embeddings.
        dialect: The dialect.
        request: The request as the provider gets it, or one batch of it.
        dropped: The names of the fields left out.

    """

    api: EmbeddingsApi
    dialect: EmbeddingDialect
    request: EmbeddingRequest
    dropped: tuple[str, ...]

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        return self.request.words()

    @property
    def headers(self) -> dict[str, str]:
        """The response headers that name the dropped fields."""
        return named_in_header(self.dropped)

    @property
    def batches(self) -> list[EmbeddingTarget]:
        """The target with each batch of its request, in order."""
        most = self.api.batch or self.dialect.batch
        return [self.with_request(batch) for batch in self.request.batches(most)]

    def with_request(self, request: EmbeddingRequest) -> EmbeddingTarget:
        """Return the target with another request for the same model."""
        return replace(self, request=request)

    def http_request(self) -> HttpRequest:
        """Build the HTTP request, with its signature."""
        row, key = self.route.provider, self.key
        return self.signed(self.dialect.build(self.request, row, self.api, key))


class EmbeddingTargets:
    """Select the targets of requests for embeddings.

    Args:
        settings: The rows and tiers of the deployment.
        selector: Looks up the keys of providers, as for chats.

    """

    def __init__(self, settings: Settings, selector: TargetSelector) -> None:
        self._settings = settings
        self._selector = selector

    def targets(self, request: EmbeddingRequest, call: Call) -> list[EmbeddingTarget]:
        """Find the hosts of the model, in the order of preference.

        Args:
            request: The request, with the caller's name for the model.
            call: Its id and deadline.

        Raises:
            ChatdError: If no host is available, or none can express the request.

        """
        found = routes(request.model, self._settings, self._selector.default)
        tier = self._settings.tiers.get(request.model)
        targets: list[EmbeddingTarget] = []
        refusals: list[ChatdError] = []
        for route in hosts(found, same_model=tier is not None and tier.same_model):
            try:
                targets.append(self._target(route, request, call))
            except (
                ModelNotFoundError,
                CredentialsUnavailableError,
                InvalidRequestError,
            ) as refusal:
                refusals.append(refusal)
        if not targets:
            raise refusals[0]
        return targets

    def rekeyed(self, target: EmbeddingTarget) -> EmbeddingTarget | None:
        """Return the target with a newer key than the refused one, or None."""
        return self._selector.rekeyed(target)

    def _target(self, route: Route, request: EmbeddingRequest, call: Call) -> EmbeddingTarget:
        key, row = self._selector.key_for(route, request.model), route.provider
        api = row.embeddings_api
        model = row.model_ids.get(route.model, route.model)
        name = None if api is None else api.dialect_of(model)
        if api is None or name is None:
            raise InvalidRequestError(
                f"{row.name} makes no embeddings with the model {request.model!r}; name an"
                " embedding model",
                param="model",
                provider=row.name,
            )
        if request.has_tokens and not api.tokens:
            raise InvalidRequestError(
                f"{row.name} takes texts and no arrays of tokens; send the texts themselves"
                " (in LangChain: check_embedding_ctx_length=False)",
                param="input",
                provider=row.name,
                code="unsupported_parameter",
            )
        own = replace(request, model=model, caller=call.caller_name)
        dialect = load_embedding_dialect(name)
        dropped = refused_fields(dialect.refused(own), row, drop_params=self._settings.drop_params)
        return EmbeddingTarget(
            route=route,
            key=key.value,
            signer=key.signer,
            served=Served(row.name, route.shown_model, call.request_id, started=call.started),
            api=api,
            dialect=dialect,
            request=own,
            dropped=(*dropped, *dialect.omitted(own, api)),
        )


def hosts(found: Sequence[Route], *, same_model: bool) -> list[Route]:
    """Return the routes that lead to the model of the first route.

    Args:
        found: The routes of a model's name, in the order of preference.
        same_model: Whether chatd.toml states that all routes lead to one model; otherwise routes
            lead to one model if their names, without the provider's prefix, are equal.

    """
    return [route for route in found if same_model or route.model == found[0].model]
