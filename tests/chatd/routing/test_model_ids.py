"""A row's own names of models stand for the provider's ids, which callers do not see."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.functions import ask, get, post
from tests.support.upstream import Upstream, reply

ARN = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3d4e5f6"


@pytest.fixture(autouse=True)
def _named(provider: Upstream, config: Path, keys: str) -> None:
    config.write_text(f'[providers.openrouter]\nmodel_ids = {{ team-blue = "{ARN}" }}\n')


def test_the_provider_gets_its_id_and_the_caller_sees_the_name(provider: Upstream) -> None:
    answer = post(ask("openrouter/team-blue"))

    assert provider.last.json["model"] == ARN
    assert "111122223333" not in str((answer.headers, answer.json))


def test_the_name_is_listed() -> None:
    listed = [model["id"] for model in get("/v1/models").json["data"]]

    assert "openrouter/team-blue" in listed
    assert not any("arn:" in name for name in listed)


def test_a_caller_s_own_arn_is_shown_without_its_account(provider: Upstream) -> None:
    provider.script = reply({"error": {"message": f"no model {ARN}"}}, 404)

    answer = post(ask(f"openrouter/{ARN}"))

    assert answer.status == 502
    assert "111122223333" not in str((answer.headers, answer.json))
