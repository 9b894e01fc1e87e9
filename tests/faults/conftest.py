"""The log's output, as the tests of the package have it."""

from __future__ import annotations

from tests.chatd.conftest import log_to_the_current_stdout

__all__ = ["log_to_the_current_stdout"]
