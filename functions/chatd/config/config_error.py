"""Report an error of the configuration, without a key in the message."""

from __future__ import annotations

# Characters of a name that a message may quote; every provider's keys are longer.
MOST_SHOWN = 40


class ConfigError(Exception):
    """An error in chatd.toml or in the environment; the message is a line that names the key."""


def quoted(name: str) -> str:
    """Quote a name for a message; write '…' for a longer text, which may be a key."""
    return repr(name) if len(name) <= MOST_SHOWN else "'…'"
