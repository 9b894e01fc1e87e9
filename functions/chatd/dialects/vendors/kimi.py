"""Speak OpenAI's chat dialect with the differences of Kimi For Coding.

https://github.com/MoonshotAI/kimi-code/tree/main/packages/kosong/src/providers
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.request import ChatRequest, Think
from chatd.config.provider import Provider
from chatd.dialects import Dialect
from chatd.dialects.openai_chat.dialect import OpenAIChat


class Kimi(OpenAIChat):
    """The dialect of Kimi For Coding."""

    def _thinking(self, think: Think, request: ChatRequest) -> Mapping[str, Any]:
        if think is False or think == "none":
            return {"thinking": {"type": "disabled"}}
        if think is True:
            return {"thinking": {"type": "enabled"}}
        if request.model.startswith("k3"):
            return {"reasoning_effort": think}
        return {"thinking": {"type": "enabled", "effort": think}}

    def _turn(self, turn: dict[str, Any], row: Provider) -> dict[str, Any]:
        # Kimi refuses a call with an empty text beside it: "text content is empty".
        turn = super()._turn(turn, row)
        if turn.get("tool_calls") and not turn.get("content"):
            return {name: value for name, value in turn.items() if name != "content"}
        return turn


_: Dialect = Kimi()
