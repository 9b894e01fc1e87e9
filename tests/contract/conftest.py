"""The contract runs in the same clean environment as the gateway's own tests."""

from __future__ import annotations

from tests.chatd.conftest import clean_environment, log_to_the_current_stdout

__all__ = ["clean_environment", "log_to_the_current_stdout"]
