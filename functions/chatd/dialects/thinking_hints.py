"""Choose how hard a model shall think, for a dialect that has efforts and no budgets.

Agents send adaptive thinking and an effort with every request, whichever model answers: these are
hints, which go only to models that are known to think. An effort or a budget alone is a wish that
goes to every model (docs/decisions/0042-dialects-per-model.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chatd.canonical.request import ChatRequest, Think
from chatd.config.provider import Provider

# Tokens of thinking below which a budget is a low or a medium effort.
_LOW_BUDGET, _MEDIUM_BUDGET = 4_096, 16_384
# The caller's name for each hint, by the dialect of the caller.
_EFFORT: Mapping[str, str] = MappingProxyType(
    {
        "anthropic_messages": "output_config.effort",
        "openai_responses": "reasoning.effort",
    }
)
_THINKING: Mapping[str, str] = MappingProxyType(
    {"anthropic_messages": "thinking", "openai_responses": "reasoning.effort"}
)


def wanted(request: ChatRequest, row: Provider) -> Think | None:
    """Return whether to think or how hard; None leaves it to the model.

    The result is True for adaptive thinking of a model that is known to think, unless an effort
    comes with it.
    """
    think = request.think
    if think is False:
        return None if _is_lost_off(request, row) else think
    if think is None or think == "adaptive":
        if (think is None and request.effort is None) or not row.can_think(request.model):
            return None
        return request.effort or (None if think is None else True)
    if think is True and (request.effort or request.think_budget):
        return request.effort or effort_of_budget(request.think_budget)
    return think


def lost(request: ChatRequest, row: Provider, *, switches_off: bool = False) -> tuple[str, ...]:
    """Name the hints that are left out, in the caller's words.

    Args:
        request: The chat.
        row: The provider's row.
        switches_off: Whether the dialect can switch thinking off for every model.

    """
    if request.think is None and request.effort is None:
        return ()
    found = []
    can_think = row.can_think(request.model)
    lost_off = _is_lost_off(request, row) and not switches_off
    if (request.think == "adaptive" and not can_think) or lost_off:
        found.append(_name(request, _THINKING))
    if request.effort is not None and request.think in (None, "adaptive") and not can_think:
        found.append(_name(request, _EFFORT))
    return tuple(dict.fromkeys(found))


def without(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    """Return the request without any hint to think, and the hint's name; None without a hint."""
    if request.think_required or (request.think is None and request.effort is None):
        return None
    bare = request.to(request.model, stream=request.stream)
    bare.think = bare.effort = bare.think_budget = None
    return bare, name_of(request)


def name_of(request: ChatRequest) -> str:
    """Return the caller's name for its hint to think."""
    return _name(request, _EFFORT if request.think is None else _THINKING)


def effort_name(request: ChatRequest) -> str:
    """Return the caller's name of the effort."""
    return _name(request, _EFFORT)


def effort_of_budget(tokens: int | None) -> str:
    """Return the effort that a budget of tokens stands for; `medium` without a budget."""
    if tokens is None or _LOW_BUDGET <= tokens < _MEDIUM_BUDGET:
        return "medium"
    return "low" if tokens < _LOW_BUDGET else "high"


def _is_lost_off(request: ChatRequest, row: Provider) -> bool:
    """Return whether thinking is switched off as a hint for a model that may not know thinking."""
    off = request.think is False and not request.think_required
    return off and request.source is not None and not row.can_think(request.model)


def _name(request: ChatRequest, names: Mapping[str, str]) -> str:
    source = request.source
    return names.get(source.dialect if source else "", "reasoning_effort")
