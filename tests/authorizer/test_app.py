"""Test the authorizer's policies, and the cache of the callers' secret."""

from __future__ import annotations

import importlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from authorizer import app
from chatd.access.caller_keys import Callers
from chatd.credentials.secrets_manager import SecretUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
API = "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234"
Handler = Callable[[dict[str, Any], object], dict[str, Any]]


def authorizer_event(**headers: str) -> dict[str, Any]:
    return {
        "type": "REQUEST",
        "methodArn": f"{API}/live/POST/v1/chat",
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
    }


def secret_text(**callers: str) -> str:
    empty = Callers.of_secret(json.dumps({"pepper": "p" * 64, "callers": {}}))
    digests = {name: empty.digest(key) for name, key in callers.items()}
    return json.dumps({"pepper": "p" * 64, "callers": digests})


@pytest.fixture
def handler(secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch) -> Handler:
    """Load the function as a cold start does, with one caller, alice."""
    secrets_manager.create_secret(Name="callers", SecretString=secret_text(alice="key-a"))
    monkeypatch.setenv("CHATD_CALLERS_SECRET_ID", "callers")
    fresh: Handler = importlib.reload(app).lambda_handler
    return fresh


@pytest.mark.parametrize(
    "header",
    [
        {"Authorization": "Bearer key-a"},
        {"x_api_key": "key-a"},
        {"Authorization": "Bearer key-a", "x_api_key": "key-a"},
        {"Authorization": "Bearer foreign", "x_api_key": "key-a"},
        {"Authorization": "Basic dTpw", "x_api_key": "key-a"},
        {"Authorization": "Bearer key-a", "x_api_key": "foreign"},
    ],
)
def test_a_valid_key_allows_the_stage_with_the_caller_as_principal(
    handler: Handler, header: dict[str, str]
) -> None:
    answer = handler(authorizer_event(**header), None)

    assert answer["principalId"] == "alice"
    assert answer["policyDocument"]["Statement"] == [
        {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{API}/live/*"}
    ]


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": "Bearer key-b"},
        {"x_api_key": "key-b"},
        {"x_api_key": ""},
        {"Authorization": "Bearer key-b", "x_api_key": "key-c"},
        {"Authorization": "Basic a2V5LWE=", "x_api_key": "key-b"},
    ],
)
def test_a_missing_or_invalid_key_raises_api_gateway_s_unauthorized(
    handler: Handler, header: dict[str, str]
) -> None:
    with pytest.raises(Exception, match=r"\AUnauthorized\Z") as caught:
        handler(authorizer_event(**header), None)

    assert type(caught.value) is Exception


def test_an_event_without_headers_is_unauthorized(handler: Handler) -> None:
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        handler({**authorizer_event(), "headers": None}, None)


def test_an_unreadable_secret_is_not_reported_as_unauthorized(
    handler: Handler,
    secrets_manager: SecretsManagerClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets_manager.delete_secret(SecretId="callers", ForceDeleteWithoutRecovery=True)

    with pytest.raises(app.CallersUnavailableError):
        handler(authorizer_event(x_api_key="key-a"), None)

    assert "ResourceNotFoundException" in caplog.text
    assert "key-a" not in caplog.text


def test_a_malformed_secret_authorizes_no_request_and_is_not_logged(
    handler: Handler,
    secrets_manager: SecretsManagerClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets_manager.put_secret_value(SecretId="callers", SecretString='{"pepper": "canary"')

    with pytest.raises(app.CallersUnavailableError) as caught:
        handler(authorizer_event(x_api_key="key-a"), None)

    assert "it is not JSON" in caplog.text
    assert "canary" not in caplog.text + str(caught.value)


def test_a_missing_secret_id_is_logged(
    handler: Handler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CHATD_CALLERS_SECRET_ID", "")

    with pytest.raises(app.CallersUnavailableError):
        handler(authorizer_event(x_api_key="key-a"), None)

    assert "CHATD_CALLERS_SECRET_ID is not set" in caplog.text


class Source:
    """Return the callers' secret, and count the reads."""

    def __init__(self) -> None:
        self.reads = 0
        self.now = 0.0
        self.text: str | SecretUnavailableError = secret_text(alice="key-a")

    def __call__(self) -> str:
        self.reads += 1
        if isinstance(self.text, SecretUnavailableError):
            raise self.text
        return self.text

    def cache(self) -> app.CachedCallers:
        return app.CachedCallers(self, lambda: self.now)


def test_the_secret_is_read_once_a_minute() -> None:
    source = Source()
    callers = source.cache()
    for source.now in (0.0, 30.0, 59.9, 60.0, 61.0):
        callers.current()

    assert source.reads == 2


def test_a_revoked_key_is_invalid_after_a_minute() -> None:
    source = Source()
    callers = source.cache()

    assert callers.current().name_of("key-a") == "alice"

    source.text, source.now = secret_text(), 60.0

    assert callers.current().name_of("key-a") is None


def test_the_last_callers_are_kept_while_secrets_manager_is_unavailable(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source()
    callers = source.cache()
    callers.current()
    source.text, source.now = SecretUnavailableError("no answer"), 60.0

    with caplog.at_level(logging.ERROR):
        name = callers.current().name_of("key-a")

    assert name == "alice"
    assert "no answer" in caplog.text


def test_the_last_callers_are_discarded_when_the_secret_is_deleted() -> None:
    source = Source()
    callers = source.cache()
    callers.current()
    source.text, source.now = SecretUnavailableError("denied", revoked=True), 60.0

    with pytest.raises(app.CallersUnavailableError):
        callers.current()


@pytest.mark.parametrize("text", ['{"pepper": "canary"', "[]", '{"callers": {}}', ""])
def test_the_last_callers_are_discarded_when_the_secret_becomes_malformed(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source()
    callers = source.cache()

    assert callers.current().name_of("key-a") == "alice"

    source.text, source.now = text, 60.0

    for source.now in (60.0, 61.0):
        with pytest.raises(app.CallersUnavailableError):
            callers.current()
    assert source.reads == 2
    assert "canary" not in caplog.text

    source.text, source.now = secret_text(bob="key-b"), 65.0

    assert callers.current().name_of("key-b") == "bob"
    assert callers.current().name_of("key-a") is None


def test_a_failed_read_is_not_repeated_for_every_request() -> None:
    source = Source()
    source.text = SecretUnavailableError("no answer")
    callers = source.cache()
    for source.now in (0.0, 1.0, 4.9, 5.0):
        with pytest.raises(app.CallersUnavailableError):
            callers.current()

    assert source.reads == 2


def test_the_import_loads_no_boto3() -> None:
    program = "import sys, authorizer.app; print('boto3' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(FUNCTIONS)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout == "False\n"
