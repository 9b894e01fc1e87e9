"""Run the contract in the same clean environment as the gateway's own tests."""

from __future__ import annotations

from tests.chatd.conftest import clean_environment, provider

__all__ = ["clean_environment", "provider"]
