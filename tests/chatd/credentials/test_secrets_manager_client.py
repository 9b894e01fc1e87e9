"""The Secrets Manager client stops within the documented time."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.credentials.secrets_manager import SecretsManager, SecretUnavailableError
from tests.support.unreachable_hosts import closed_port


def test_an_unreadable_secret_takes_six_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with closed_port() as url:
        manager = SecretsManager({"AWS_ENDPOINT_URL_SECRETS_MANAGER": url})
        with pytest.raises(SecretUnavailableError):
            manager.fetch("chatd/providers")

    client = manager._client  # made by the first fetch
    assert client is not None
    config: Any = client.meta.config  # botocore adds the attributes at run time
    manager.forget()
    attempts = config.retries["total_max_attempts"]
    assert (config.connect_timeout + config.read_timeout) * attempts <= 6
