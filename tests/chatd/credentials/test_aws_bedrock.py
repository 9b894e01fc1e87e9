"""Chats with Amazon Bedrock: signatures, tokens, assumed roles and refused credentials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import chat.app
from tests.support.aws_sources import ACCOUNT, FUNCTION, ROLE_ARN
from tests.support.bedrock.errors import BedrockError
from tests.support.bedrock.fake import FakeBedrock, fake_bedrock
from tests.support.bedrock.signatures import environment
from tests.support.functions import ask, get, http_event, post

REGION = "us-east-1"
MODEL = "amazon.nova-pro-v1:0"


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBedrock]:
    """Serve Bedrock and AWS STS to a function with BedrockAccess."""
    with fake_bedrock() as fake:
        fake.access.keys[FUNCTION.id] = FUNCTION
        for name, value in {
            **environment(FUNCTION, REGION),
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": fake.url,
            "AWS_ENDPOINT_URL_STS": fake.url,
            "AWS_LAMBDA_FUNCTION_NAME": "my-stack-chat",
            "AWS_SAM_LOCAL": "true",  # allows a loopback address
            "CHATD_BEDROCK_ACCESS": "on",
        }.items():
            monkeypatch.setenv(name, value)
        yield fake


def test_a_function_s_role_signs_chats_and_the_lists_of_models(bedrock: FakeBedrock) -> None:
    assert post(ask(f"bedrock/{MODEL}")).status == 200
    listed = [model["id"] for model in get("/v1/models").json["data"]]

    assert f"bedrock/{MODEL}" in listed
    assert {(one.way, one.key.id) for one in bedrock.log} == {("sigv4", FUNCTION.id)}
    assert {one.path for one in bedrock.log} >= {"/foundation-models", "/inference-profiles"}
    assert bedrock.refused == []


def test_without_bedrock_access_the_row_does_not_exist(
    bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_BEDROCK_ACCESS", "off")

    refused = post(ask(f"bedrock/{MODEL}"))

    assert (refused.status, refused.json["error"]["code"]) == (404, "model_not_found")
    assert "BedrockAccess is off" in refused.json["error"]["message"]
    assert "bedrock" not in [one["name"] for one in get("/v1/chat/providers").json["providers"]]
    assert bedrock.log == []


def test_a_minted_token_is_sent_in_place_of_a_signature(bedrock: FakeBedrock, config: Path) -> None:
    config.write_text("[providers.bedrock.aws]\nbearer = true\n")

    assert post(ask(f"bedrock/{MODEL}")).status == 200
    assert (bedrock.last.way, bedrock.last.key) == ("short-term key", FUNCTION)


def two_rows(config: Path, bedrock: FakeBedrock) -> None:
    """Configure a second row, which has a role of another account."""
    config.write_text(
        f'[providers.team]\nlike = "bedrock"\nbase_url = "{bedrock.url}"\n'
        f'aws = {{ role_arn = "{ROLE_ARN}" }}\n'
    )


def test_two_rows_use_two_accounts(bedrock: FakeBedrock, config: Path) -> None:
    two_rows(config, bedrock)

    for name in ("bedrock", "team", "team", "bedrock"):
        assert post(ask(f"{name}/{MODEL}")).status == 200

    calls = [(one.path == "/", one.key.account) for one in bedrock.log]
    own = FUNCTION.account
    assert calls == [
        (False, own),
        (True, own),
        (False, ACCOUNT),
        (False, ACCOUNT),
        (False, own),
    ]
    assert bedrock.log[1].body["RoleSessionName"] == "my-stack-chat"


@pytest.mark.parametrize(
    "kind", ["ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException"]
)
def test_refused_credentials_of_a_role_are_renewed_once(
    kind: str, bedrock: FakeBedrock, config: Path
) -> None:
    two_rows(config, bedrock)
    post(ask(f"team/{MODEL}"))
    before = bedrock.last.key
    bedrock.upcoming.append(BedrockError(kind, "The security token is expired"))

    answered = post(ask(f"team/{MODEL}"))

    assert answered.status == 200
    assert [one.path == "/" for one in bedrock.log[-3:]] == [False, True, False]
    assert bedrock.last.key != before


def test_a_refusal_that_no_renewal_helps_is_502_without_account_or_arn(
    bedrock: FakeBedrock, config: Path
) -> None:
    two_rows(config, bedrock)
    post(ask(f"team/{MODEL}"))
    message = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/models/x is not authorized"
    bedrock.upcoming.extend([BedrockError("AccessDeniedException", message)] * 2)

    refused = post(ask(f"team/{MODEL}"))

    assert (refused.status, refused.json["error"]["code"]) == (502, "upstream_access_denied")
    assert [one.path == "/" for one in bedrock.log[2:]] == [False, True]
    assert not any(text in str(refused.json) for text in ("arn:", ACCOUNT))


def test_a_leak_of_what_signs_is_taken_out_of_a_message(bedrock: FakeBedrock) -> None:
    text = f"The Canonical String should have been x-amz-security-token:{FUNCTION.token}"
    bedrock.upcoming.append(BedrockError("ValidationException", text))

    refused = post(ask(f"bedrock/{MODEL}"))

    assert refused.status == 400
    assert "Canonical String" in refused.json["error"]["message"]
    assert str(FUNCTION.token) not in refused.json["error"]["message"]


def test_a_restored_snapshot_assumes_its_roles_anew(bedrock: FakeBedrock, config: Path) -> None:
    two_rows(config, bedrock)
    post(ask(f"team/{MODEL}"))
    chat.app.compose().forget()

    post(ask(f"team/{MODEL}"))

    assert [one.path == "/" for one in bedrock.log] == [True, False, True, False]


@pytest.mark.parametrize("is_sent", [True, False])
def test_the_caller_s_name_is_metadata_where_the_row_has_it(
    is_sent: bool, bedrock: FakeBedrock, config: Path
) -> None:
    config.write_text(f"[providers.bedrock]\ncaller_metadata = {str(is_sent).lower()}\n")
    authorizer = {"authorizer": {"principalId": "alice"}}
    context = {**http_event("POST", "/v1/chat")["requestContext"], **authorizer}

    answered = post(ask(f"bedrock/{MODEL}"), requestContext=context)

    assert answered.status == 200
    assert ("alice" in str(bedrock.last.body.get("requestMetadata"))) == is_sent
