"""List the takeovers that each agent is tested with: a dying stream's dialect, and the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

TAKEOVERS: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType(
    {
        "Claude Code": (
            ("anthropic_messages", "openai_chat"),
            ("openai_chat", "anthropic_messages"),
        ),
        "Codex": (("openai_responses", "ollama"), ("anthropic_messages", "openai_responses")),
    }
)
