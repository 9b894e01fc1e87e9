"""A row with `aws` signs its requests, with credentials that the environment has or names."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from chatd.credentials.aws_keys import AwsKeys
from tests.support import answers
from tests.support.aws_sources import FUNCTION, REGION, UtcClock, row
from tests.support.bedrock.signatures import Access, Key, environment
from tests.support.functions import ask, get, post, stream
from tests.support.upstream import Received, Upstream, reply, upstream

ACCESS = Access(region=REGION, keys={FUNCTION.id: FUNCTION})


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the credentials of a function's role."""
    for name, value in environment(FUNCTION, REGION).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def mine(provider: Upstream, config: Path) -> Upstream:
    """Serve the provider `mine`, which takes signatures."""
    config.write_text(
        f'[providers.mine]\ndialect = "openai_chat"\nbase_url = "{provider.url}"\naws = {{}}\n'
    )
    return provider


@pytest.mark.usefixtures("role")
def test_chats_and_streams_are_signed(mine: Upstream) -> None:
    assert post(ask("mine/m")).status == 200
    assert stream(ask("mine/m")).status == 200

    assert len(mine.received) == 2
    for received in mine.received:
        assert ACCESS.checked("POST", received) == ("sigv4", FUNCTION)


@pytest.mark.usefixtures("role")
def test_the_list_of_models_is_signed(mine: Upstream) -> None:
    get("/v1/models")

    sent = next(one for one in mine.received if "x-amz-date" in one.headers)
    assert ACCESS.checked("GET", sent) == ("sigv4", FUNCTION)


@pytest.mark.usefixtures("role")
def test_rotated_credentials_of_the_environment_are_read_at_each_chat(
    mine: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = Key(FUNCTION.id, "newer", "second")
    post(ask("mine/m"))
    for name, value in environment(newer, REGION).items():
        monkeypatch.setenv(name, value)

    post(ask("mine/m"))

    assert Access(REGION, {newer.id: newer}).checked("POST", mine.last) == ("sigv4", newer)


@pytest.mark.usefixtures("role")
def test_refused_credentials_are_renewed_once(
    mine: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_the_old(connection: socket.socket, received: Received) -> None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", "second")
        mine.script = reply(answers.openai_chat("Hello!"))
        reply({"message": "expired"}, 403)(connection, received)

    mine.script = refuse_the_old

    assert post(ask("mine/m")).status == 200
    tokens = [one.headers["x-amz-security-token"] for one in mine.received]
    assert tokens == [FUNCTION.token, "second"]


@pytest.mark.usefixtures("role")
def test_refused_credentials_without_newer_ones_are_a_refusal(mine: Upstream) -> None:
    mine.script = reply({"message": "the token is expired"}, 403)

    refused = post(ask("mine/m"))

    assert (refused.status, refused.json["error"]["code"]) == (502, "upstream_access_denied")
    assert len(mine.received) == 1


@pytest.mark.usefixtures("role")
def test_no_error_quotes_what_signs(mine: Upstream) -> None:
    quoted = f"AWS got {FUNCTION.token} of {FUNCTION.id} and {FUNCTION.secret}"
    mine.script = reply({"error": {"message": quoted}}, 400)

    refused = post(ask("mine/m"))

    shown = refused.json["error"]["message"]
    assert (refused.status, "AWS got" in shown) == (400, True)
    assert not any(str(text) in shown for text in (FUNCTION.token, FUNCTION.id, FUNCTION.secret))


@pytest.mark.usefixtures("role")
def test_a_bearer_token_of_the_environment_replaces_the_signature(
    mine: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-x")

    post(ask("mine/m"))

    assert mine.last.headers["authorization"] == "Bearer bedrock-api-key-x"
    assert "x-amz-date" not in mine.last.headers


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"AWS_BEARER_TOKEN_BEDROCK": "a\nb"}, "AWS_BEARER_TOKEN_BEDROCK holds characters that"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b\nc"}, "the AWS credentials hold"),
        ({"AWS_ACCESS_KEY_ID": "a"}, "the function has no AWS credentials"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "b"}, "the function has no AWS cred"),
    ],
)
def test_unusable_credentials_are_a_reason_without_them(
    environ: dict[str, str], reason: str
) -> None:
    found = AwsKeys({**environ, "AWS_LAMBDA_FUNCTION_NAME": "f"}, None).key_of(row())

    assert (found.is_found, str(found.failure)[: len(reason)]) == (False, reason)


def test_a_token_of_bedrock_is_not_sent_to_another_service() -> None:
    environ = {**environment(FUNCTION, REGION), "AWS_BEARER_TOKEN_BEDROCK": "t"}

    found = AwsKeys(environ, None).key_of(row(service="aws-external-anthropic"))

    assert (found.value, found.signer is not None) == (None, True)


def test_a_row_without_credentials_is_listed_as_unavailable(
    mine: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)

    refused = post(ask("mine/m"))
    listed = {entry["name"]: entry for entry in get("/v1/chat/providers").json["providers"]}

    assert (refused.status, refused.json["error"]["code"]) == (503, "credentials_unavailable")
    assert listed["mine"]["reason"] == "no AWS credentials were found"
    assert mine.received == []


def test_a_minted_token_is_accepted_and_kept_for_an_hour() -> None:
    clock = UtcClock.of_now()
    keys = AwsKeys(environment(FUNCTION, REGION), None, clock)

    def minted() -> str:
        token = keys.key_of(row(bearer=True)).value
        assert token is not None
        return token.get_secret_value()

    first = minted()
    clock.move(minutes=59)
    second = minted()
    clock.move(minutes=2)
    third = minted()

    received = Received("/x", {"authorization": f"Bearer {first}"}, b"")
    assert ACCESS.checked("POST", received) == ("short-term key", FUNCTION)
    assert (second == first, third == first) == (True, False)


def test_a_token_is_minted_anew_for_rotated_credentials_and_once_in_30_s_after_a_refusal() -> None:
    clock, environ = UtcClock.of_now(), dict(environment(FUNCTION, REGION))
    keys = AwsKeys(environ, None, clock)
    first = keys.key_of(row(bearer=True))
    environ["AWS_SESSION_TOKEN"] = "second"
    rotated = keys.key_of(row(bearer=True))

    too_soon = keys.renewed(row(bearer=True), rotated)
    clock.move(seconds=30)
    renewed = keys.renewed(row(bearer=True), rotated)

    assert rotated.secrets != first.secrets
    assert too_soon is None
    assert renewed is not None
    assert renewed.secrets != rotated.secrets


@pytest.mark.usefixtures("role")
def test_a_row_with_a_key_variable_uses_its_key(provider: Upstream, config: Path) -> None:
    config.write_text(
        f'[providers.mine]\ndialect = "openai_chat"\nbase_url = "{provider.url}"\naws = {{}}\n'
        'key_variable = "AWS_SECRET_ACCESS_KEY"\n'
    )

    post(ask("mine/m"))

    assert provider.last.headers["authorization"] == f"Bearer {FUNCTION.secret}"


def test_two_rows_of_a_kind_stand_side_by_side(provider: Upstream, config: Path, keys: str) -> None:
    with upstream(reply(answers.openai_chat("There"))) as other:
        config.write_text(f'[providers.there]\nlike = "openai"\nbase_url = "{other.url}"\n')

        assert post(ask("there/m")).json["content"] == "There"
        assert other.last.headers["authorization"] == f"Bearer {keys}"
        assert post(ask("openai/m")).json["content"] == "Hello!"
        assert len(provider.received) == 1
