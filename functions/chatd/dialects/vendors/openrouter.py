"""Where OpenRouter departs from OpenAI's dialect: https://openrouter.ai/docs/api-reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.request import ChatRequest, Message, Think
from chatd.dialects.openai_chat.dialect import OpenAIChat


class OpenRouter(OpenAIChat):
    """The adapter for OpenRouter."""

    def _thinking(self, think: Think, request: ChatRequest) -> Mapping[str, Any]:  # noqa: ARG002  # the shape of its parent's
        # https://openrouter.ai/docs/use-cases/reasoning-tokens
        if isinstance(think, bool):
            return {"reasoning": {"enabled": think}}
        return {"reasoning": {"effort": think}}

    def _turn(self, message: Message) -> dict[str, Any]:
        # It takes its own name back; `reasoning_details` come back as they went out, as extra.
        turn = super()._turn(message)
        if "reasoning_content" in turn:
            turn["reasoning"] = turn.pop("reasoning_content")
        return turn
