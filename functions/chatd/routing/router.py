"""A model's name → a provider's row and the name that the provider knows the model by.

It knows the rows and nothing of keys: registry.py decides whether a provider is registered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chatd.config.catalog import Provider, Timeouts
from chatd.config.settings import Settings, limits
from chatd.errors import InvalidRequestError


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Where a chat may go.

    Attributes:
        provider: The provider's row.
        model: The model's name as the provider is to see it.
        timeouts: The limits that hold: the tier's over the provider's.
        named: Whether the deployment's own configuration names the model, so that it is one of
            finitely many and may be a metric's dimension.
        context: How many tokens the model can read, if chatd.toml says so.

    """

    provider: Provider
    model: str
    timeouts: Timeouts
    named: bool = False
    context: int | None = None


def routes(name: str, settings: Settings, default: Callable[[], Provider]) -> tuple[Route, ...]:
    """Find where a model's name leads.

    Args:
        name: The model's name as the caller sent it.
        settings: The rows and the tiers.
        default: Gives the provider of a name that no prefix, suffix or tier claims; it is called
            for such a name only.

    Returns:
        The routes to try, the best first: several for a tier, one otherwise.

    Raises:
        InvalidRequestError: If nothing is left of the name after its prefix or suffix.

    """
    tier = settings.tiers.get(name)
    if tier is None:
        return (_route(name, settings, default),)
    found = []
    for entry in tier.models:
        route = _route(entry.model, settings, default)
        timeouts = limits(route.timeouts, tier.timeouts)
        found.append(replace(route, timeouts=timeouts, named=True, context=entry.context))
    return tuple(found)


def _route(name: str, settings: Settings, default: Callable[[], Provider]) -> Route:
    row, model = _match(name, settings, default)
    if not model.strip():
        raise InvalidRequestError(
            f"the model's name {name!r} is only a provider's: add the model's own name to it",
            param="model",
        )
    return Route(row, model, row.timeouts)


def _match(name: str, settings: Settings, default: Callable[[], Provider]) -> tuple[Provider, str]:
    for row in settings.providers.values():
        if name.startswith(row.prefix):
            return row, _without_ending(name.removeprefix(row.prefix), row)
    for row in settings.providers.values():
        if row.suffix and name.endswith(row.suffix):
            return row, name.removesuffix(row.suffix)
    return default(), name


def _without_ending(model: str, row: Provider) -> str:
    ending = next((end for end in row.stripped_endings if model.endswith(end)), "")
    return model.removesuffix(ending)
