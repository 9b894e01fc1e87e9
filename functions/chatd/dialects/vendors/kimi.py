"""Where Kimi For Coding departs from OpenAI's dialect.

https://github.com/MoonshotAI/kimi-code/tree/main/packages/kosong/src/providers
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.request import ChatRequest, Message, Think
from chatd.config.catalog import Provider
from chatd.dialects.openai_chat.dialect import OpenAIChat


class Kimi(OpenAIChat):
    """The adapter for Kimi For Coding."""

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:  # noqa: ARG002  # the shape of its parent's
        """The temperature: each model has one, and any other is a 400.

        https://github.com/MoonshotAI/Kimi-K2/issues/124
        """
        return () if request.sampling.temperature is None else ("temperature",)

    def _thinking(self, think: Think, request: ChatRequest) -> Mapping[str, Any]:
        if think is False or think == "none":
            return {"thinking": {"type": "disabled"}}
        if think is True:
            return {"thinking": {"type": "enabled"}}
        if request.model.startswith("k3"):
            return {"reasoning_effort": think}
        return {"thinking": {"type": "enabled", "effort": think}}

    def _turn(self, message: Message) -> dict[str, Any]:
        # A call with an empty text beside it is refused: "text content is empty".
        turn = super()._turn(message)
        if message.tool_calls and not turn["content"]:
            del turn["content"]
        return turn
