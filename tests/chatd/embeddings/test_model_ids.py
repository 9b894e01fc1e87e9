"""A row's own names of embedding models stand for the provider's ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.embeddings import embed
from tests.support.upstream import Upstream, reply

ACCOUNT = "111122223333"
ARN = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/a1b2c3d4e5f6"


@pytest.fixture(autouse=True)
def _named(provider: Upstream, config: Path, keys: str) -> None:
    config.write_text(f'[providers.openai]\nmodel_ids = {{ team-blue = "{ARN}" }}\n')
    provider.script = reply({"data": [{"embedding": [1.0]}]})


def test_the_provider_gets_its_id_and_the_caller_sees_the_name(provider: Upstream) -> None:
    answer = embed("openai/team-blue", "Hello")

    assert answer.status == 200
    assert provider.last.json["model"] == ARN
    assert ACCOUNT not in str((answer.headers, answer.json))


def test_an_arn_of_the_caller_is_shown_without_its_account() -> None:
    answer = embed(f"openai/{ARN}", "Hello")

    assert answer.json["model"] == "application-inference-profile/a1b2c3d4e5f6"
    assert ACCOUNT not in str((answer.headers, answer.json))
