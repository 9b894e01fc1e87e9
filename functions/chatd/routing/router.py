"""Route a model's name to a provider's row and the provider's own name for the model.

Keys play no part here: registry.py decides whether a provider is registered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chatd.config.provider import Provider, Timeouts
from chatd.config.settings import Settings
from chatd.errors import InvalidRequestError


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One provider and model that a chat may be sent to.

    Attributes:
        provider: The provider's row.
        model: The provider's name for the model.
        timeouts: The limits of time; the tier's override the provider's.
        named: Whether chatd.toml names the model; only then may the name be a metric's dimension,
            because there are finitely many.
        context: The model's context window in tokens, if chatd.toml has it.

    """

    provider: Provider
    model: str
    timeouts: Timeouts
    named: bool = False
    context: int | None = None

    @property
    def shown_model(self) -> str:
        """The model's name for callers: of an ARN only the resource, without the account's id."""
        return self.model.split(":", 5)[-1] if self.model.startswith("arn:") else self.model


def routes(name: str, settings: Settings, default: Callable[[], Provider]) -> tuple[Route, ...]:
    """Find the routes of a model's name.

    Args:
        name: The model's name as the caller sent it.
        settings: The rows and the tiers.
        default: Returns the provider of a name without a known prefix, suffix or tier; called for
            such a name only.

    Returns:
        The routes in the order of preference: several for a tier, else one.

    Raises:
        InvalidRequestError: If the name is empty without its prefix or suffix.

    """
    tier = settings.tiers.get(name)
    if tier is None:
        return (_route(name, settings, default),)
    tier_routes = []
    for entry in tier.models:
        route = _route(entry.model, settings, default)
        timeouts = tier.timeouts.over(route.timeouts)
        tier_routes.append(replace(route, timeouts=timeouts, named=True, context=entry.context))
    return tuple(tier_routes)


def _route(name: str, settings: Settings, default: Callable[[], Provider]) -> Route:
    row, model = _match(name, settings, default)
    if not model.strip():
        raise InvalidRequestError(
            f"the model's name {name!r} is only a provider's: add the model's own name to it",
            param="model",
        )
    return Route(row, model, row.timeouts)


def _match(name: str, settings: Settings, default: Callable[[], Provider]) -> tuple[Provider, str]:
    prefix, slash, rest = name.partition("/")
    if slash and (prefixed := settings.providers.get(prefix)):
        return prefixed, _without_ending(rest, prefixed)
    for row in settings.providers.values():
        if row.suffix and name.endswith(row.suffix):
            return row, name.removesuffix(row.suffix)
    return default(), name


def _without_ending(model: str, row: Provider) -> str:
    ending = next((end for end in row.stripped_endings if model.endswith(end)), "")
    return model.removesuffix(ending)
