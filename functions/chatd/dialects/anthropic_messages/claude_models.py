"""Look up the abilities of a Claude model: in the table, else by the version in its name.

The rules by version are those of November 2026, for models that the table lacks: older and future
ones. Each line of the table agrees with them. Sources:
https://platform.claude.com/docs/en/about-claude/models/overview and the table's. chatd.toml
corrects both, by `models`, `drops` and `model_drops`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from chatd.config.provider import Provider

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
        name: The provider's name for it.
        row: The provider's row; None: the version decides alone.

    """

    family: str
    version: tuple[int, int]
    name: str = field(default="", compare=False)
    row: Provider | None = field(default=None, compare=False)

    @property
    def takes_sampling(self) -> bool:
        """Whether it takes `temperature`, `top_p` and `top_k`."""
        known = self._known("sampling")
        return self.version < _NO_SAMPLING if known is None else known

    @property
    def thinks_adaptively(self) -> bool:
        """Whether it decides by itself when to think; older models need a budget of tokens."""
        known = self._known("adaptive")
        return self.version >= _ADAPTIVE if known is None else known

    @property
    def takes_effort(self) -> bool:
        """Whether it takes `output_config.effort`."""
        known = self._known("effort")
        if known is not None:
            return known
        return self.version >= _ADAPTIVE or (self.family == "opus" and self.version == (4, 5))

    @property
    def takes_system_turns(self) -> bool:
        """Whether it takes `system` turns in mid-conversation."""
        known = self._known("system_turns")
        return self.version >= _SYSTEM_TURNS if known is None else known

    @property
    def takes_prefill(self) -> bool:
        """Whether a conversation may end with an assistant turn."""
        known = self._known("prefill")
        return self.version < _NO_PREFILL if known is None else known

    @property
    def most_tokens(self) -> int | None:
        """The most output tokens of a version that writes fewer than the usual default."""
        return next((most for before, most in _MOST_TOKENS if self.version < before), None)

    def _known(self, ability: str) -> bool | None:
        """Read an ability in the table."""
        if self.row is None:
            return None
        known: bool | None = getattr(self.row.facts_of(self.name), ability, None)
        return known


def claude_model(name: str, row: Provider | None = None) -> ClaudeModel | None:
    """Return the abilities of a Claude model; None for a name of another form.

    Args:
        name: The provider's name for the model.
        row: The provider's row, for the table of models and chatd.toml.

    """
    found = _NAME.search(name.lower())
    if found is None:
        return None
    version = int(found["major"]), int(found["minor"] or 0)
    return ClaudeModel(found["family"] or "", version, name, row)
