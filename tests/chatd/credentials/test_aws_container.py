"""A container and a SnapStart function have their credentials from an endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from chatd.credentials import aws_container
from chatd.credentials.aws_credentials import AwsCredentialsError
from chatd.credentials.aws_keys import AwsKeys
from chatd.errors import UpstreamTimeoutError
from chatd.transport.http_client import Urllib3Transport
from chatd.upstream_http import HttpRequest, HttpResponse
from tests.support.aws_sources import FUNCTION, UtcClock, row
from tests.support.upstream import Upstream, reply, upstream

URL = "http://127.0.0.1:9001/2021-04-23/credentials"


def answer(clock: UtcClock, **changes: object) -> bytes:
    values = {
        "AccessKeyId": FUNCTION.id,
        "SecretAccessKey": FUNCTION.secret,
        "Token": FUNCTION.token,
        "Expiration": (clock() + timedelta(hours=6)).isoformat(),
    }
    return json.dumps({**values, **changes}).encode()


@pytest.fixture
def clock() -> UtcClock:
    return UtcClock.of_now()


@pytest.fixture
def endpoint(clock: UtcClock) -> Iterator[Upstream]:
    with upstream(reply(answer(clock))) as server:
        yield server


def of_snapstart(server: Upstream, clock: UtcClock) -> AwsKeys:
    """Look up keys in the environment of a SnapStart function."""
    environ = {
        aws_container.FULL: f"{server.url}/2021-04-23/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "authorize-me",
        "AWS_LAMBDA_FUNCTION_NAME": "chat",
    }
    return AwsKeys(environ, Urllib3Transport(), clock)


def test_credentials_are_fetched_with_the_token_and_kept(
    endpoint: Upstream, clock: UtcClock
) -> None:
    keys = of_snapstart(endpoint, clock)
    found = [keys.key_of(row()) for _ in range(2)]
    clock.move(hours=5, minutes=56)
    keys.key_of(row())

    first, _ = endpoint.received
    secrets = {secret.get_secret_value() for one in found for secret in one.secrets}
    assert secrets == {FUNCTION.id, FUNCTION.secret, FUNCTION.token}
    assert (first.path, first.headers["authorization"], first.body) == (
        *("/2021-04-23/credentials", "authorize-me"),
        b"",
    )


def test_refused_credentials_are_fetched_anew(endpoint: Upstream, clock: UtcClock) -> None:
    keys = of_snapstart(endpoint, clock)
    refused = keys.key_of(row())
    endpoint.script = reply(answer(clock, Token="newer"))

    renewed = keys.renewed(row(), refused)

    assert renewed is not None
    assert renewed.secrets[-1].get_secret_value() == "newer"


def sent_to(environ: dict[str, str]) -> HttpRequest:
    """Return the request that is sent for credentials."""
    sent: list[HttpRequest] = []

    def send(request: HttpRequest) -> HttpResponse:
        sent.append(request)
        return HttpResponse(200, {}, answer(UtcClock.of_now()))

    aws_container.fetch(environ, send)
    return sent[0]


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({aws_container.RELATIVE: "/v2/x"}, "http://169.254.170.2/v2/x"),
        ({aws_container.FULL: "http://[::1]:1/x"}, "http://[::1]:1/x"),
        ({aws_container.FULL: "http://localhost/x"}, "http://localhost/x"),
        ({aws_container.FULL: "http://169.254.170.23/v1/x"}, "http://169.254.170.23/v1/x"),
        ({aws_container.FULL: "http://[fd00:ec2::23]/v1/x"}, "http://[fd00:ec2::23]/v1/x"),
        ({aws_container.FULL: "https://broker.example/x"}, "https://broker.example/x"),
    ],
)
def test_an_endpoint_of_this_machine_or_over_tls_is_allowed(
    environ: dict[str, str], url: str
) -> None:
    assert sent_to(environ).url == url


@pytest.mark.parametrize(
    "url",
    [
        *("http://10.0.0.1/x", "http://evil.example/x", "http://127.0.0.1.evil.example/x"),
        *("ftp://127.0.0.1/x", "https:///x", "http://[::1", "http://169.254.169.254/x", "x"),
    ],
)
def test_any_other_endpoint_is_refused_before_a_request(url: str) -> None:
    with pytest.raises(AwsCredentialsError, match="must be https, or of this machine"):
        sent_to({aws_container.FULL: url})


def test_a_file_of_the_token_is_read_at_each_fetch(tmp_path: Path) -> None:
    file = tmp_path / "token"
    environ = {aws_container.FULL: URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file)}
    tokens = []
    for text in ("first\n", "second"):
        file.write_text(text)
        tokens.append(sent_to(environ).headers["Authorization"])

    assert tokens == ["first", "second"]


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nX-Header: b"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere/token"},
    ],
)
def test_an_unusable_token_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(AwsCredentialsError, match=r"^AWS_CONTAINER_AUTHORIZATION_TOKEN"):
        sent_to({aws_container.FULL: URL, **environ})


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"", "the container's credentials: status 500"),
        (200, b"", "are not a JSON object"),
        (200, b"[" * 100_000, "are not a JSON object"),
        (200, b"[" * 60_000, "are not a JSON object"),
        (200, b"{}", "it gave no complete credentials"),
        (200, answer(UtcClock.of_now(), AccessKeyId=1), "it gave no complete credentials"),
        (200, answer(UtcClock.of_now(), Expiration="never"), "with a malformed expiration"),
        (200, answer(UtcClock.of_now(), Expiration="2026-11-26T00:00:00"), "without a time zone"),
        (200, answer(UtcClock.of_now(), Token="a\nb"), "hold characters that a key cannot have"),
    ],
)
def test_an_answer_without_credentials_is_a_reason(status: int, body: bytes, reason: str) -> None:
    with pytest.raises(AwsCredentialsError, match=reason):
        aws_container.fetch({aws_container.FULL: URL}, lambda _: HttpResponse(status, {}, body))


def test_a_timeout_is_a_reason() -> None:
    def send(_request: HttpRequest) -> HttpResponse:
        raise UpstreamTimeoutError("it took too long")

    with pytest.raises(AwsCredentialsError, match="container's credentials: upstream_timeout"):
        aws_container.fetch({aws_container.FULL: URL}, send)


def test_without_a_transport_nothing_is_fetched() -> None:
    found = AwsKeys({aws_container.FULL: URL}, None).key_of(row())

    assert found.failure == "no credentials of AWS are fetched here"
