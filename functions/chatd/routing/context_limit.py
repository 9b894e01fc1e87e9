"""Refuse a prompt that certainly exceeds the context of a model on Ollama.

Ollama's older servers drop the beginning of such a prompt without an error. Every other provider
refuses it, and counts its tokens exactly (docs/decisions/0052-completions-and-ollama.md).
"""

from __future__ import annotations

from chatd.canonical.request import ChatRequest
from chatd.dialects.ollama.options import is_cut, known_context, least_tokens
from chatd.errors import ContextTooLongError
from chatd.routing.router import Route


def check_context(request: ChatRequest, route: Route) -> None:
    """Refuse a prompt if its minimum number of tokens exceeds the known context.

    The context is `num_ctx` of the request, else of the row's options for the model, else the
    `context` that a tier gives the model, else the `context` in the row's table of the model.

    Args:
        request: The request as the target gets it.
        route: The row and the model.

    Raises:
        ContextTooLongError: If the prompt exceeds the context.

    """
    row = route.provider
    if is_cut(request, row):
        return
    own = row.models.get(request.model)
    context = known_context(request, row) or route.context or (own.context if own else None)
    if context is None or request.prompt_size < context:
        return
    tokens = least_tokens(request)
    if tokens > context:
        raise ContextTooLongError(
            f"the prompt has at least {tokens:,} tokens and exceeds the context of {route.model},"
            f" {context:,} tokens; shorten it, or set a larger num_ctx in the request or in"
            f" [providers.{row.name}.options] of chatd.toml",
            provider=row.name,
        )
