"""Where OpenRouter departs from OpenAI's dialect: https://openrouter.ai/docs/api-reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.adapters.openai_chat import OpenAIChat
from chatd.chat import Think


class OpenRouter(OpenAIChat):
    """The adapter for OpenRouter."""

    def _thinking(self, think: Think) -> Mapping[str, Any]:
        # https://openrouter.ai/docs/use-cases/reasoning-tokens
        if isinstance(think, bool):
            return {"reasoning": {"enabled": think}}
        return {"reasoning": {"effort": "xhigh" if think == "max" else think}}
