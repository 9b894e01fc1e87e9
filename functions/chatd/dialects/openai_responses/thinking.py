"""Write how hard a model shall think, as OpenAI's Responses dialect has it.

https://developers.openai.com/api/docs/guides/reasoning
"""

from __future__ import annotations

from typing import Any

from chatd.canonical.extra import fields_for, nested_for
from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects import thinking_hints
from chatd.dialects.openai_responses.model_facts import least_effort
from chatd.dialects.openai_responses.reading import DIALECT

ENCRYPTED = "reasoning.encrypted_content"


def effort(request: ChatRequest, row: Provider) -> str | None:
    """Return the requested effort; None leaves the effort to the model."""
    wanted = thinking_hints.wanted(request, row)
    if wanted is False:
        return least_effort(request.model)
    if wanted is True:
        return None if request.think == "adaptive" else "medium"
    return wanted


def reasoning(request: ChatRequest, row: Provider, *, own: bool) -> dict[str, Any] | None:
    """Write the field `reasoning`.

    The summary is requested for a caller of another dialect, which shows the thinking of a model.

    Args:
        request: The chat.
        row: The provider's row.
        own: Whether the request came in this dialect.

    """
    wanted = effort(request, row)
    given: dict[str, Any] = dict(nested_for(DIALECT, request.extra, "reasoning"))
    if wanted is not None:
        given["effort"] = wanted
    if not own and _shows_thinking(request, row, wanted):
        given["summary"] = "auto"
    return given or None


def include(request: ChatRequest, row: Provider) -> list[str] | None:
    """Write the field `include`: encrypted reasoning of a model that may think, and logprobs."""
    found = list(fields_for(DIALECT, request.extra).get("include") or ())
    if row.can_think(request.model) or effort(request, row) not in (None, "none"):
        found.append(ENCRYPTED)
    if request.logprobs or request.top_logprobs:
        found.append("message.output_text.logprobs")
    return list(dict.fromkeys(found)) or None


def _shows_thinking(request: ChatRequest, row: Provider, wanted: str | None) -> bool:
    if request.think is None or request.think is False or wanted == "none":
        return False
    return wanted is not None or row.can_think(request.model)
