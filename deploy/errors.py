"""The error of the deployment commands."""

from __future__ import annotations


class CommandError(Exception):
    """A command failed. The message is one line that says what to do."""
