"""Where Kimi For Coding departs from OpenAI's dialect.

https://github.com/MoonshotAI/kimi-code/tree/main/packages/kosong/src/providers
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.adapters.openai_chat import OpenAIChat
from chatd.chat import Think


class Kimi(OpenAIChat):
    """The adapter for Kimi For Coding."""

    def _thinking(self, think: Think) -> Mapping[str, Any]:
        if isinstance(think, bool):
            return {"thinking": {"type": "enabled" if think else "disabled"}}
        return {"thinking": {"type": "enabled", "effort": think}}
