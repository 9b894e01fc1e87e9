"""The local Secrets Manager of `make aws-local` serves signed requests of its run only."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.aws.secrets_manager import SECRET as SECRET_NAME
from local.aws.secrets_manager import create_secret, serve_secrets_manager
from tests.local.conftest import PATIENCE

ID, SECRET = "LOCALTEST", "s" * 40
BODY = b'{"SecretId": "chatd/providers"}'
GET = {
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "secretsmanager.GetSecretValue",
}
KEY = "sk-or-0123456789"


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    credential = {"AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    for name, value in {**credential, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with serve_secrets_manager(credential) as url:
        create_secret(url, credential, {"OPENROUTER_API_KEY": KEY})
        yield url
        client = boto3.client(
            "secretsmanager",
            endpoint_url=url,
            aws_access_key_id=ID,
            aws_secret_access_key=SECRET,
        )
        client.delete_secret(SecretId=SECRET_NAME, ForceDeleteWithoutRecovery=True)
        client.close()


def signed(
    url: str,
    *,
    id_: str = ID,
    secret: str = SECRET,
    service: str = "secretsmanager",
    headers: Mapping[str, str] = GET,
) -> dict[str, str]:
    """The headers of a signed call."""
    request = AWSRequest("POST", f"{url}/", dict(headers), BODY)
    SigV4Auth(Credentials(id_, secret), service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def ask(
    url: str,
    headers: Mapping[str, str],
    body: bytes = BODY,
    method: str = "POST",
    path: str = "/",
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    connection.request(method, path, body, dict(headers))
    response = connection.getresponse()
    if response.status == 403:  # no page may read the error
        assert "access-control-allow-origin" not in {name.lower() for name in response.headers}
    answer = response.status, response.read()
    connection.close()
    return answer


def test_a_request_with_the_runs_credential_is_served(manager: str) -> None:
    status, body = ask(manager, signed(manager))

    assert status == 200
    assert KEY in json.loads(body)["SecretString"]


def test_a_request_of_a_web_page_is_refused(manager: str) -> None:
    for mark in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        # The signature is valid; the page's header is the reason.
        status, body = ask(manager, {**signed(manager), **mark})

        assert (status, KEY in body.decode()) == (403, False)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/moto-api/data.json"),
        ("GET", "/moto-api/"),
        ("POST", "/moto-api/reset"),
        ("POST", "/?Action=ListSecrets"),
        ("GET", "/"),
        ("OPTIONS", "/"),
    ],
)
def test_motos_admin_pages_and_other_paths_are_refused(
    manager: str, method: str, path: str
) -> None:
    status, body = ask(manager, signed(manager), method=method, path=path)

    assert (status, KEY in body.decode()) == (403, False)
    assert ask(manager, signed(manager))[0] == 200  # moto was not reset


@pytest.mark.parametrize("host", ["evil.example", "localhost", "evillocalhost", "127.0.0.1"])
def test_any_other_host_is_refused(manager: str, host: str) -> None:
    assert ask(manager, {**signed(manager), "Host": host})[0] == 403


def test_an_invalid_signature_is_refused(manager: str) -> None:
    good = signed(manager)
    authorization = good["Authorization"]
    changed = authorization[:-1] + ("0" if authorization[-1] != "0" else "1")
    attempts = [
        GET,
        signed(manager, id_="test", secret="test"),  # a guess
        signed(manager, secret="test"),
        signed(manager, id_="test"),
        signed(manager, service="dynamodb"),
        {**good, "Authorization": changed},
        {**good, "Authorization": authorization.replace(ID, "ÿ")},
        {**good, "Authorization": f"Bearer {ID}"},
        {**good, "X-Amz-Target": "secretsmanager.ListSecrets"},
        {**good, "X-Amz-Date": "20200101T000000Z"},
    ]

    assert [ask(manager, headers)[0] for headers in attempts] == [403] * len(attempts)
    assert ask(manager, good, body=BODY + b" ")[0] == 403
    assert ask(manager, good)[0] == 200


def test_a_signature_that_omits_the_operation_is_refused(manager: str) -> None:
    headers = signed(manager, headers={"Content-Type": GET["Content-Type"]})

    assert ask(manager, {**headers, "X-Amz-Target": GET["X-Amz-Target"]})[0] == 403


def test_an_old_signature_is_refused(manager: str) -> None:
    stamp = (datetime.now(UTC) - timedelta(minutes=16)).strftime("%Y%m%dT%H%M%SZ")
    request = AWSRequest("POST", f"{manager}/", {**GET, "X-Amz-Date": stamp}, BODY)
    signer = SigV4Auth(Credentials(ID, SECRET), "secretsmanager", "us-east-1")
    request.context["timestamp"] = stamp
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names},"
        f" Signature={signature}"
    )
    headers = {**GET, "X-Amz-Date": stamp, "Authorization": authorization}

    status, body = ask(manager, headers)
    assert (status, b"too old" in body) == (403, True)


@pytest.mark.parametrize("length", ["99999999", "-1", "x"])
def test_an_invalid_content_length_is_refused(manager: str, length: str) -> None:
    parts = urlsplit(manager)
    lines = {**signed(manager), "Host": parts.netloc, "Content-Length": length}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection((parts.hostname or "", parts.port or 0), PATIENCE) as sock:
        sock.sendall(f"POST / HTTP/1.1\r\n{head}\r\n".encode())

        assert sock.recv(4096).split()[1] in (b"403", b"400")
