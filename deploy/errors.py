"""What a command of the person who deploys says when it cannot go on."""

from __future__ import annotations


class CommandError(Exception):
    """Why a command cannot do what it should, as one line that says what to do."""
