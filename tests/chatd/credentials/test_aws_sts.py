"""A role is assumed by AWS STS, signed with the function's credentials."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from chatd.credentials import aws_sts
from chatd.credentials.aws_keys import AwsKeys
from chatd.credentials.provider_key import ProviderKey
from chatd.transport.http_client import Urllib3Transport
from tests.support.aws_sources import (
    ACCOUNT,
    ASSUMED,
    FUNCTION,
    REGION,
    ROLE_ARN,
    UtcClock,
    assumed,
    refusal,
    row,
)
from tests.support.bedrock.signatures import Access, Key, environment
from tests.support.functions import ask, post
from tests.support.upstream import Script, Upstream, raw, reply, upstream

ROW = row(role_arn=ROLE_ARN)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> UtcClock:
    return UtcClock.of_now()


@pytest.fixture
def sts(clock: UtcClock) -> Iterator[Upstream]:
    """Serve AssumeRole with credentials for an hour."""
    with upstream(reply(assumed(clock() + HOUR))) as server:
        yield server


@pytest.fixture
def keys(sts: Upstream, clock: UtcClock) -> AwsKeys:
    environ = {**environment(FUNCTION, REGION), aws_sts.ENDPOINT_VARIABLE: sts.url}
    return AwsKeys(environ, Urllib3Transport(), clock)


def secret_of(found: ProviderKey) -> str | None:
    return found.secrets[1].get_secret_value() if found.is_found else None


def test_the_request_is_signed_and_names_role_and_session(keys: AwsKeys, sts: Upstream) -> None:
    found = keys.key_of(ROW)

    assert secret_of(found) == ASSUMED.secret
    assert Access(REGION, {FUNCTION.id: FUNCTION}).checked("POST", sts.last, "sts")
    assert parse_qs(sts.last.body.decode()) == {
        "Action": ["AssumeRole"],
        "Version": ["2011-06-15"],
        "RoleArn": [ROLE_ARN],
        "RoleSessionName": ["chatd"],
    }


@pytest.mark.parametrize(
    ("environ", "region", "url", "name"),
    [
        ({}, "eu-central-1", "https://sts.eu-central-1.amazonaws.com/", "chatd"),
        ({}, "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/", "chatd"),
        (
            {"AWS_LAMBDA_FUNCTION_NAME": "my-stack-chat", "AWS_ENDPOINT_URL_STS": "http://h:1/"},
            *("eu-central-1", "http://h:1/", "my-stack-chat"),
        ),
        ({"AWS_LAMBDA_FUNCTION_NAME": "a b" * 40}, "us-gov-west-1", "", ("a-b" * 40)[:64]),
    ],
)
def test_the_endpoint_is_the_region_s_and_the_session_has_the_function_s_name(
    environ: dict[str, str], region: str, url: str, name: str
) -> None:
    request = aws_sts.request_of(ROLE_ARN, region, environ)

    assert request.url == (url or f"https://sts.{region}.amazonaws.com/")
    assert parse_qs((request.body or b"").decode())["RoleSessionName"] == [name]


def test_credentials_are_kept_until_5_minutes_before_they_expire(
    keys: AwsKeys, sts: Upstream, clock: UtcClock
) -> None:
    keys.key_of(ROW)
    clock.move(minutes=54)
    keys.key_of(ROW)
    kept = len(sts.received)
    clock.move(minutes=2)
    keys.key_of(ROW)

    assert (kept, len(sts.received)) == (1, 2)


def test_old_credentials_serve_until_they_expire_while_sts_fails(
    keys: AwsKeys, sts: Upstream, clock: UtcClock
) -> None:
    keys.key_of(ROW)
    sts.script = reply(b"", 503)
    clock.move(minutes=59)
    during = keys.key_of(ROW)
    clock.move(minutes=2)
    after = keys.key_of(ROW)

    assert secret_of(during) == ASSUMED.secret
    assert (after.is_found, after.failure) == (False, "AWS STS refused the role: status 503")


def test_a_failure_is_kept_for_5_s(keys: AwsKeys, sts: Upstream, clock: UtcClock) -> None:
    sts.script = reply(refusal("AccessDenied"), 403)
    first, second = keys.key_of(ROW), keys.key_of(ROW)
    sts.script = reply(assumed(clock() + HOUR))
    clock.move(seconds=5)
    third = keys.key_of(ROW)

    assert first.failure == second.failure == "AWS STS refused the role: AccessDenied"
    assert (secret_of(third), len(sts.received)) == (ASSUMED.secret, 2)


def test_many_threads_share_one_request(keys: AwsKeys, sts: Upstream, clock: UtcClock) -> None:
    arrived, go = threading.Event(), threading.Event()
    answer = reply(assumed(clock() + HOUR))

    def held(*request: object) -> None:
        arrived.set()
        assert go.wait(30)
        answer(*request)  # type: ignore[arg-type]  # the script's own arguments

    sts.script = held
    with ThreadPoolExecutor(8) as threads:
        found = [threads.submit(keys.key_of, ROW) for _ in range(8)]
        assert arrived.wait(30)
        go.set()

    assert {secret_of(one.result()) for one in found} == {ASSUMED.secret}
    assert len(sts.received) == 1


def test_refused_credentials_are_assumed_anew_at_most_every_30_s(
    keys: AwsKeys, sts: Upstream, clock: UtcClock
) -> None:
    newer = Key("ASIANEWER", "newer", "token")
    refused = keys.key_of(ROW)
    sts.script = reply(assumed(clock() + HOUR, newer))

    renewed = keys.renewed(ROW, refused)
    assert renewed is not None
    again = keys.renewed(ROW, renewed)

    assert (secret_of(renewed), again, len(sts.received)) == ("newer", None, 2)


BOMB = b"<!DOCTYPE x [<!ENTITY a 'b'>]>"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (reply(b""), "AWS STS: it gave no complete credentials"),
        (reply(b"\xff<Expiration>x</Expiration>"), "AWS STS: it gave no complete credentials"),
        (reply(b"<AccessKeyId>" + b"a" * 70_000), "AWS STS answered with more than 64 kB"),
        (reply(refusal("a b")), "AWS STS: it gave no complete credentials"),
        (reply(refusal("123456789012"), 403), "AWS STS refused the role: status 403"),
        (raw(b"HTTP/1.1 200 OK\r\n\r\n"), "AWS STS: it gave no complete credentials"),
    ],
)
def test_any_answer_without_credentials_is_a_reason(
    script: Script, reason: str, keys: AwsKeys, sts: Upstream
) -> None:
    def closing(connection: object, received: object) -> None:
        script(connection, received)  # type: ignore[arg-type]  # the script's own arguments
        raise ConnectionAbortedError

    sts.script = closing

    found = keys.key_of(ROW)

    assert (found.is_found, found.failure) == (False, reason)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<SecretAccessKey>", b"<SecretAccessKey>&a;"),
        (b"</SessionToken>", b"</SecretToken>"),
        (b"<Expiration>", b"<Expiration>in "),
        (b"Z</Expiration>", b"</Expiration>"),
        (b"<AccessKeyId>", b"<AccessKeyId>\xc3\xa9"),
    ],
)
def test_no_entity_is_expanded_and_no_malformed_text_is_taken(
    old: bytes, new: bytes, keys: AwsKeys, sts: Upstream, clock: UtcClock
) -> None:
    whole = assumed(clock() + HOUR)
    assert old in whole
    sts.script = reply(BOMB + whole.replace(old, new))

    found = keys.key_of(ROW)

    assert found.failure is not None
    assert found.failure.startswith("AWS STS: ")


def test_a_chat_without_the_role_is_503_without_arn_and_account(
    sts: Upstream, provider: Upstream, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(FUNCTION, REGION).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(aws_sts.ENDPOINT_VARIABLE, sts.url)
    sts.script = reply(refusal("AccessDenied"), 403)
    config.write_text(
        f'[providers.mine]\ndialect = "openai_chat"\nbase_url = "{provider.url}"\n'
        f'aws = {{ role_arn = "{ROLE_ARN}" }}\n'
    )

    refused = post(ask("mine/m"))

    error = refused.json["error"]
    assert (refused.status, error["code"]) == (503, "credentials_unavailable")
    assert "AWS STS refused the role: AccessDenied" in error["message"]
    assert not any(text in error["message"] for text in ("arn:", ACCOUNT, "111122223333"))
    assert provider.received == []


def test_moto_answers_as_aws_does(_moto: str) -> None:  # noqa: PT019  # it is moto's URL
    environ = {**environment(Key(), "us-east-1"), aws_sts.ENDPOINT_VARIABLE: _moto}

    found = AwsKeys(environ, Urllib3Transport()).key_of(row(role_arn=ROLE_ARN, region="us-east-1"))

    assert found.signer is not None
    assert found.secrets[0].get_secret_value().startswith("ASIA")
