"""Look up what a Claude model takes, by the version in its name.

The facts are those of November 2026, from
https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json
(`supports_sampling_params`, `supports_adaptive_thinking`, `supports_mid_conversation_system`) and
https://platform.claude.com/docs/en/about-claude/models/overview. A row's `drops` and `model_drops`
correct them for a deployment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# `claude-opus-4-7`, `anthropic/claude-opus-4.7` and `us.anthropic.claude-opus-4-7-20260416-v1:0`.
# A date is no minor version.
_NAME = re.compile(
    r"claude-(?:(?P<family>[a-z]+)-)?(?P<major>\d)(?!\d)(?:[.-](?P<minor>\d{1,2})(?!\d))?"
)
_NO_SAMPLING = (4, 7)
_ADAPTIVE = (4, 6)
_SYSTEM_TURNS = (4, 8)
_NO_PREFILL = (4, 6)
_MOST_TOKENS = ((3, 5), 4_096), ((3, 6), 8_192)


@dataclass(frozen=True, slots=True)
class ClaudeModel:
    """A Claude model.

    Attributes:
        family: `opus`, `sonnet` or another family; empty for the oldest models.
        version: Its major and minor version.

    """

    family: str
    version: tuple[int, int]

    @property
    def takes_sampling(self) -> bool:
        """Whether it takes `temperature`, `top_p` and `top_k`."""
        return self.version < _NO_SAMPLING

    @property
    def thinks_adaptively(self) -> bool:
        """Whether it decides by itself when to think; older models need a budget of tokens."""
        return self.version >= _ADAPTIVE

    @property
    def takes_effort(self) -> bool:
        """Whether it takes `output_config.effort`."""
        return self.thinks_adaptively or (self.family == "opus" and self.version == (4, 5))

    @property
    def takes_system_turns(self) -> bool:
        """Whether it takes `system` turns in mid-conversation."""
        return self.version >= _SYSTEM_TURNS

    @property
    def takes_prefill(self) -> bool:
        """Whether a conversation may end with an assistant turn."""
        return self.version < _NO_PREFILL

    @property
    def most_tokens(self) -> int | None:
        """The most output tokens of a model that writes fewer than the usual default."""
        return next((most for before, most in _MOST_TOKENS if self.version < before), None)


def claude_model(name: str) -> ClaudeModel | None:
    """Return what the model takes; None for a name that is none of Claude's known form."""
    found = _NAME.search(name.lower())
    if found is None:
        return None
    return ClaudeModel(found["family"] or "", (int(found["major"]), int(found["minor"] or 0)))
