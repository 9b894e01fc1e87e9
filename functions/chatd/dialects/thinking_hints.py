"""Turn hints to think into one effort, for a dialect that has efforts only.

Claude Code sends adaptive thinking and an effort with every request, whatever the model. So these
hints are written only for models that are known to think, and are named as dropped for others.
"""

from __future__ import annotations

from dataclasses import replace

from chatd.canonical.request import ChatRequest, Think
from chatd.config.catalog import Provider

# Tokens of thinking below which a budget is a low or a medium effort.
_LOW_BUDGET, _MEDIUM_BUDGET = 4_096, 16_384
_LEFT_TO_MODEL = (None, "adaptive")


def with_effort(request: ChatRequest, row: Provider) -> ChatRequest:
    """Return the request with its hints as `think`: a level, a switch, or None.

    Args:
        request: The request; `model` is the provider's name for it.
        row: The provider's row.

    """
    if request.think != "adaptive" and request.effort is None and request.think_budget is None:
        return request
    return replace(request, think=_think(request, row), effort=None, think_budget=None)


def lost(request: ChatRequest, row: Provider) -> tuple[str, ...]:
    """Name the hints that are left out, because the model is not known to think."""
    if request.think not in _LEFT_TO_MODEL or row.can_think(request.model):
        return ()
    adaptive = ("thinking",) if request.think == "adaptive" else ()
    return (*adaptive, "output_config.effort") if request.effort is not None else adaptive


def _think(request: ChatRequest, row: Provider) -> Think | None:
    if request.think in _LEFT_TO_MODEL:
        if not row.can_think(request.model):
            return None
        return request.effort or (None if request.think is None else True)
    if request.think is not True:
        return request.think
    return request.effort or _level(request.think_budget)


def _level(budget: int | None) -> Think:
    if budget is None:
        return True
    return "low" if budget < _LOW_BUDGET else "medium" if budget < _MEDIUM_BUDGET else "high"
