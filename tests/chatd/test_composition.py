"""Keys of Secrets Manager reach the provider and the provider list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.functions import ask, get, post
from tests.support.upstream import Upstream

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET = "chatd/providers"


@pytest.fixture
def secret(secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch) -> str:
    secrets_manager.create_secret(Name=SECRET, SecretString='{"KIMI_API_KEY": "sk-from-secret"}')
    monkeypatch.setenv("CHATD_SECRET_ID", SECRET)
    return SECRET


def test_a_key_goes_from_secrets_manager_to_the_provider(provider: Upstream, secret: str) -> None:
    assert post(ask("kimi/k3")).status == 200
    assert provider.last.headers["authorization"] == "Bearer sk-from-secret"


def test_the_keys_of_the_secret_decide_the_provider_list(secret: str) -> None:
    names = [entry["name"] for entry in get("/v1/chat/providers").json["providers"]]

    assert names == ["ollama", "kimi"]


def test_an_unreadable_secret_is_503_only_for_providers_that_need_keys(
    provider: Upstream, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_SECRET_ID", "no-such-secret")

    assert post(ask("kimi/k3")).status == 503
    assert post(ask("llama3.2")).status == 200
