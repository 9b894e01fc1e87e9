"""Define the error of the deployment commands."""

from __future__ import annotations


class CommandError(Exception):
    """Report a failed command in one line, with the remedy."""
