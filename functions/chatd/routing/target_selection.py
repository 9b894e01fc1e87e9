"""Select the targets of a chat: route, key, dialect and dropped fields for each model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from chatd.call import Call
from chatd.canonical.events import Frame
from chatd.canonical.losses import sampling_left_out
from chatd.canonical.request import ChatRequest
from chatd.canonical.served import Served
from chatd.config.provider import Provider
from chatd.config.settings import Settings
from chatd.credentials.provider_key import ProviderKey
from chatd.credentials.provider_keys import Credentials
from chatd.dialects import Dialect, dialect_for, dialect_name, next_dialect
from chatd.errors import (
    ChatdError,
    CompletionsUnsupportedError,
    ContextTooLongError,
    CredentialsUnavailableError,
    InvalidRequestError,
    ModelNotFoundError,
    UpstreamRefusedError,
)
from chatd.routing import structured_output
from chatd.routing.dropped_fields import named_in_header, refused_fields
from chatd.routing.image_urls import check_images
from chatd.routing.model_target import ModelTarget
from chatd.routing.registry import Registry
from chatd.routing.router import Route, routes
from chatd.routing.stream_choice import fixed_stream
from chatd.upstream_http import HttpRequest

if TYPE_CHECKING:
    from chatd.routing.adaptation import AnswerAdaptation

_Target = TypeVar("_Target", bound=ModelTarget)


@dataclass(slots=True, eq=False)
class Target(ModelTarget):
    """A chat with its selected provider, key, dialect and request.

    Attributes:
        adapter: The dialect.
        request: The request as the provider gets it.
        dropped: The names of the fields left out.
        answers: The adaptations that turn the answer back, in the order of use.
        fallback: Whether another target comes before this one.
        continues: Whether the request ends with a partial answer that the target continues.
        answered_here: Whether a guardrail answers in the place of the provider.

    """

    adapter: Dialect
    request: ChatRequest
    dropped: tuple[str, ...]
    answers: tuple[AnswerAdaptation, ...] = ()
    fallback: bool = False
    continues: bool = False
    answered_here: bool = False

    def http_request(self) -> HttpRequest:
        """Build the HTTP request for the chat, with its signature."""
        return self.signed(self.adapter.build(self.request, self.route.provider, self.key))

    @property
    def headers(self) -> dict[str, str]:
        """The response headers that name the dropped fields."""
        return named_in_header(self.dropped)

    def words(self) -> Iterator[str]:
        """Yield the caller's texts, which no error or log may quote."""
        return self.request.words()

    @property
    def streams(self) -> bool:
        """Whether the provider streams its answer."""
        return self.request.stream

    @property
    def prompt_size(self) -> int:
        """Characters of the prompt."""
        return self.request.prompt_size

    def streaming(self, *, stream: bool) -> Target:
        """Return the target with a streamed or a whole answer requested, if the row allows both."""
        fixed = fixed_stream(self.request, self.route.provider)
        if self.request.stream == stream or fixed is not None:
            return self
        return self.with_request(self.request.to(self.request.model, stream=stream))

    def relaxed(self, refusal: UpstreamRefusedError) -> Target | None:
        """Return the target without the refused hint; None if no hint was refused."""
        relaxed = self.adapter.relaxed(self.request, refusal)
        if relaxed is None:
            return None
        request, hint = relaxed
        names = (*self.dropped, hint, *sampling_left_out(self.request, request))
        return replace(self.with_request(request), dropped=tuple(dict.fromkeys(names)))

    def in_callers_terms(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Turn an answer to the adapted request back into an answer to the caller's request."""
        for adaptation in self.answers:
            frames = adaptation.frames(frames)
        return frames

    def with_request(self, request: ChatRequest) -> Target:
        """Return the target with another request for the same model."""
        return replace(self, request=request, adapter=dialect_for(self.route.provider, request))

    @property
    def must_be_checked(self) -> bool:
        """Whether the provider does not enforce the requested format."""
        return not structured_output.is_enforced(self.request, self.route.provider, self.adapter)


class TargetSelector:
    """Select the providers and models that can answer a chat.

    Args:
        settings: The rows, tiers and limits of the deployment.
        credentials: Looks up keys.

    """

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._settings = settings
        self._credentials = credentials
        self._registry = Registry(settings, credentials)

    def targets(self, request: ChatRequest, call: Call) -> tuple[Target, ...]:
        """Find the targets of a chat, in the order of preference.

        Args:
            request: The chat, with the caller's name for the model.
            call: Its id and deadline.

        Returns:
            One target, or for a tier one for each of its available models.

        Raises:
            ChatdError: If no target is available.

        """
        check_images(request, allow_http=self._settings.allow_http_images)
        targets: list[Target] = []
        refusals: list[ChatdError] = []
        for route in routes(request.model, self._settings, self._registry.default):
            try:
                targets.append(self._target(route, request, call, fallback=bool(targets)))
            except (
                ModelNotFoundError,
                CredentialsUnavailableError,
                CompletionsUnsupportedError,
                ContextTooLongError,
            ) as refusal:
                refusals.append(refusal)
            except InvalidRequestError as refusal:
                # A model that enforces formats itself may take a schema that is not checked here.
                if refusal.param != structured_output.PARAM:
                    raise
                refusals.append(refusal)
        if targets:
            return tuple(targets)
        invalid = [refusal for refusal in refusals if isinstance(refusal, InvalidRequestError)]
        if invalid or len(refusals) == 1:
            raise (invalid or refusals)[0]
        raise ModelNotFoundError("; ".join(refusal.message for refusal in refusals), param="model")

    def default(self) -> Provider:
        """Return the provider of a model name without a known prefix, suffix or tier.

        Raises:
            ModelNotFoundError: If there is none.

        """
        return self._registry.default()

    def rekeyed(self, target: _Target) -> _Target | None:
        """Return the target with a newer key than the refused one, or None."""
        key = self._credentials.renewed(target.route.provider, target.provider_key)
        return None if key is None else replace(target, key=key.value, signer=key.signer)

    def redialected(self, target: Target, request: ChatRequest, call: Call) -> Target | None:
        """Return the target in the next dialect of its row, or None if the row has no other.

        Args:
            target: The target, whose provider does not serve the model in the target's dialect.
            request: The caller's request, from which the target's request is written anew.
            call: The call.

        """
        row = target.route.provider
        name = next_dialect(row, dialect_name(row, target.request))
        if name is None or target.continues:
            return None
        models = () if name == row.dialect else ((".*", name),)
        changed = replace(row, own_dialects=(), model_dialects=models)
        route = replace(target.route, provider=changed)
        try:
            found = self._target(route, request, call, fallback=target.fallback)
        except ChatdError:  # the refusal of the first dialect says more
            return None
        dropped = tuple(dict.fromkeys((*target.dropped, *found.dropped)))
        found = replace(found, key=target.key, signer=target.signer, dropped=dropped)
        return found.streaming(stream=target.request.stream)

    def _target(self, route: Route, request: ChatRequest, call: Call, *, fallback: bool) -> Target:
        key = self.key_for(route, request.model)
        if route.provider.caller_metadata:
            request = request.to(request.model, stream=request.stream)
            request.caller = call.caller_name
        # 5 modules, loaded with the first chat as its dialect is: 2 ms of a start.
        from chatd.routing.adaptation import adapted_to  # noqa: PLC0415  # see above

        row, found = route.provider, adapted_to(route, request, call, fallback=fallback)
        served = Served(row.name, route.shown_model, call.request_id, started=call.started)
        dropped = (*self._dropped(found.dialect, found.request, row), *found.dropped)
        return Target(
            route=route,
            key=key.value,
            adapter=found.dialect,
            request=found.request,
            served=served,
            dropped=tuple(dict.fromkeys(dropped)),
            answers=found.answers,
            fallback=fallback,
            signer=key.signer,
        )

    def key_for(self, route: Route, model: str) -> ProviderKey:
        """Look up the key of a route's provider.

        Args:
            route: The route.
            model: The caller's name for the model, for messages.

        Raises:
            ModelNotFoundError: If the provider is not registered.
            CredentialsUnavailableError: If the lookup failed.

        """
        row = route.provider
        availability = self._registry.availability(row)
        if not availability.registered:
            raise ModelNotFoundError(
                f"the model {model!r} leads to {row.name!r}, which is not registered"
                f" ({availability.reason}); GET /v1/chat/providers lists what is",
                param="model",
            )
        if availability.reason is not None:
            raise CredentialsUnavailableError(
                f"the key of {row.name!r} could not be looked up: {availability.reason}",
                provider=row.name,
            )
        return availability.key

    def _dropped(self, adapter: Dialect, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Return the fields that the provider fixes or, with drop_params, cannot honour."""
        refused = adapter.refused(request, row)
        refused = refused_fields(refused, row, drop_params=self._settings.drop_params)
        return (*refused, *adapter.omitted(request, row))
