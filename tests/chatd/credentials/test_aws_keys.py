"""A row with `aws` signs its requests with the credentials of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import answers
from tests.support.aws_signatures import is_signed
from tests.support.functions import ask, get, post, stream
from tests.support.upstream import Upstream, reply, upstream

REGION = "eu-central-1"
SECRET = "made-up/secret+key"


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the credentials of a function's role."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAMADEUP")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "first+token==")
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)


@pytest.fixture
def mine(provider: Upstream, config: Path) -> Upstream:
    """Serve the provider `mine`, which takes signatures."""
    config.write_text(f'''
        [providers.mine]
        dialect = "openai_chat"
        base_url = "{provider.url}"
        aws = {{ region = "{REGION}" }}
    ''')
    return provider


@pytest.mark.usefixtures("role")
def test_chats_and_streams_are_signed(mine: Upstream) -> None:
    assert post(ask("mine/m")).status == 200
    assert stream(ask("mine/m")).status == 200

    assert len(mine.received) == 2
    assert all(is_signed(received, "POST", SECRET, REGION) for received in mine.received)
    assert mine.last.headers["x-amz-security-token"] == "first+token=="


@pytest.mark.usefixtures("role")
def test_the_list_of_models_is_signed(mine: Upstream) -> None:
    get("/v1/models")

    sent = next(one for one in mine.received if "authorization" in one.headers)
    assert is_signed(sent, "GET", SECRET, REGION)


@pytest.mark.usefixtures("role")
def test_rotated_credentials_of_the_environment_are_read_at_each_chat(
    mine: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(ask("mine/m"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "newer")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "second")

    post(ask("mine/m"))

    assert is_signed(mine.last, "POST", "newer", REGION)
    assert mine.last.headers["x-amz-security-token"] == "second"


@pytest.mark.usefixtures("role")
def test_refused_credentials_are_renewed_once(
    mine: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_the_old(connection: object, received: object) -> None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", "second")
        mine.script = reply(answers.openai_chat("Hello!"))
        reply({"message": "expired"}, 403)(connection, received)  # type: ignore[arg-type]  # as given

    mine.script = refuse_the_old

    assert post(ask("mine/m")).status == 200
    assert [one.headers["x-amz-security-token"] for one in mine.received] == [
        "first+token==",
        "second",
    ]


@pytest.mark.usefixtures("role")
def test_no_error_quotes_the_session_token(mine: Upstream) -> None:
    mine.script = reply({"error": {"message": f"got first+token== of {SECRET}"}}, 400)

    refused = post(ask("mine/m"))

    assert refused.status == 400
    assert "token" not in refused.json["error"]["message"]
    assert SECRET not in refused.json["error"]["message"]


@pytest.mark.usefixtures("role")
def test_a_bearer_token_of_the_environment_replaces_the_signature(
    mine: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-x")

    post(ask("mine/m"))

    assert mine.last.headers["authorization"] == "Bearer bedrock-api-key-x"


def test_a_row_without_credentials_is_listed_as_unavailable(mine: Upstream) -> None:
    refused = post(ask("mine/m"))
    listed = {entry["name"]: entry for entry in get("/v1/chat/providers").json["providers"]}

    assert (refused.status, refused.json["error"]["code"]) == (503, "credentials_unavailable")
    assert listed["mine"]["reason"] == "no AWS credentials were found"
    assert mine.received == []


@pytest.mark.usefixtures("role")
def test_two_rows_of_a_kind_stand_side_by_side(provider: Upstream, config: Path) -> None:
    with upstream(reply(answers.openai_chat("There"))) as other:
        config.write_text(f'''
            [providers.openai]
            base_url = "{provider.url}"
            key_variable = "A_KEY"
            [providers.there]
            like = "openai"
            base_url = "{other.url}"
            key_variable = "AWS_SESSION_TOKEN"
        ''')

        assert post(ask("there/m")).json["content"] == "There"
        assert provider.received == []
