"""Speak OpenAI's chat dialect with the differences of OpenRouter.

https://openrouter.ai/docs/api-reference
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.request import ChatRequest, Think
from chatd.dialects import Dialect
from chatd.dialects.openai_chat.dialect import OpenAIChat


class OpenRouter(OpenAIChat):
    """The dialect of OpenRouter."""

    def _thinking(self, think: Think, request: ChatRequest) -> Mapping[str, Any]:  # noqa: ARG002  # the shape of its parent's
        # https://openrouter.ai/docs/use-cases/reasoning-tokens
        if isinstance(think, bool):
            return {"reasoning": {"enabled": think}}
        return {"reasoning": {"effort": think}}


_: Dialect = OpenRouter()
