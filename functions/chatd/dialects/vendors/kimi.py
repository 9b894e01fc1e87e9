"""Speak OpenAI's chat dialect with the differences of Kimi For Coding.

https://github.com/MoonshotAI/kimi-code/tree/main/packages/kosong/src/providers
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.request import ChatRequest, Think
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


_: Dialect = Kimi()
