"""Write how hard a model shall think, as OpenAI's Responses dialect has it.

https://developers.openai.com/api/docs/guides/reasoning
"""

from __future__ import annotations

from typing import Any

from chatd.canonical.extra import fields_for, nested_for
from chatd.canonical.request import ChatRequest
from chatd.config.catalog import Provider
from chatd.dialects.openai_responses.model_facts import least_effort
from chatd.dialects.openai_responses.reading import DIALECT

ENCRYPTED = "reasoning.encrypted_content"
# Tokens of thinking below which a budget is a low or a medium effort.
_LOW_BUDGET, _MEDIUM_BUDGET = 4_096, 16_384


def effort(request: ChatRequest, row: Provider) -> str | None:
    """Return the effort that the request asks for; None leaves it to the model.

    A hint, and not a demand, is sent to models alone that are known to think.
    """
    think, can_think = request.think, row.can_think(request.model)
    hint = request.effort if can_think else None
    if think is None or think == "adaptive":
        return hint
    if isinstance(think, str):
        return think
    if not think:
        knows = row.known_to_think is not None
        return None if knows and not can_think else least_effort(request.model)
    return hint or _effort_of_budget(request.think_budget)


def is_hint_lost(request: ChatRequest, row: Provider) -> bool:
    """Return whether a hint to think is left out, because the model is not known to think."""
    hinted = request.think == "adaptive" or (request.effort is not None and request.think is None)
    return hinted and not row.can_think(request.model)


def reasoning(request: ChatRequest, row: Provider) -> dict[str, Any] | None:
    """Write the field `reasoning` of a request that came in another dialect.

    The summary is asked for where the caller's dialect shows the thinking of a model.
    """
    wanted = effort(request, row)
    given: dict[str, Any] = dict(nested_for(DIALECT, request.extra, "reasoning"))
    if wanted is not None:
        given["effort"] = wanted
    if _shows_thinking(request, row, wanted):
        given.setdefault("summary", "auto")
    return {name: value for name, value in given.items() if value is not None} or None


def include(request: ChatRequest, row: Provider) -> list[str] | None:
    """Write the field `include` of a request that came in another dialect."""
    given = fields_for(DIALECT, request.extra).get("include")
    if given is not None:
        return list(given) or None
    found = [ENCRYPTED] if wants_encrypted(request, row) else []
    if request.logprobs or request.top_logprobs:
        found.append("message.output_text.logprobs")
    return found or None


def wants_encrypted(request: ChatRequest, row: Provider) -> bool:
    """Return whether the model may think, so that its encrypted reasoning is worth having."""
    return row.can_think(request.model) or effort(request, row) not in (None, "none")


def _shows_thinking(request: ChatRequest, row: Provider, wanted: str | None) -> bool:
    own = request.source is not None and request.source.dialect == DIALECT
    if own or request.think is None or request.think is False or wanted == "none":
        return False
    return wanted is not None or row.can_think(request.model)


def _effort_of_budget(tokens: int | None) -> str:
    if tokens is None or _LOW_BUDGET <= tokens < _MEDIUM_BUDGET:
        return "medium"
    return "low" if tokens < _LOW_BUDGET else "high"
