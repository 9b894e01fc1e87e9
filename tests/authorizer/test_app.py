"""The authorizer: its answers to API Gateway, and where it gets its list of callers."""

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


def question(**headers: str) -> dict[str, Any]:
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
    """The function as a cold start finds it, with Alice as its only caller."""
    secrets_manager.create_secret(Name="callers", SecretString=secret_text(alice="key-a"))
    monkeypatch.setenv("CHATD_CALLERS_SECRET_ID", "callers")
    fresh: Handler = importlib.reload(app).lambda_handler
    return fresh


@pytest.mark.parametrize("header", [{"Authorization": "Bearer key-a"}, {"x_api_key": "key-a"}])
def test_a_known_key_opens_the_whole_stage_in_its_caller_s_name(
    handler: Handler, header: dict[str, str]
) -> None:
    answer = handler(question(**header), None)

    assert answer["principalId"] == "alice"
    assert answer["policyDocument"]["Statement"] == [
        {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{API}/live/*"}
    ]


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer key-b"}, {"x_api_key": "key-b"}, {"x_api_key": ""}]
)
def test_any_other_caller_is_unauthorized_in_the_words_of_api_gateway(
    handler: Handler, header: dict[str, str]
) -> None:
    with pytest.raises(Exception, match=r"\AUnauthorized\Z") as caught:
        handler(question(**header), None)

    assert type(caught.value) is Exception


def test_headers_may_be_missing(handler: Handler) -> None:
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        handler({**question(), "headers": None}, None)


def test_an_unreadable_secret_is_not_called_unauthorized(
    handler: Handler,
    secrets_manager: SecretsManagerClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets_manager.delete_secret(SecretId="callers", ForceDeleteWithoutRecovery=True)

    with pytest.raises(app.CallersUnavailableError):
        handler(question(x_api_key="key-a"), None)

    assert "ResourceNotFoundException" in caplog.text
    assert "key-a" not in caplog.text


def test_a_malformed_secret_lets_nobody_in_and_leaks_nothing(
    handler: Handler,
    secrets_manager: SecretsManagerClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets_manager.put_secret_value(SecretId="callers", SecretString='{"pepper": "canary"')

    with pytest.raises(app.CallersUnavailableError) as caught:
        handler(question(x_api_key="key-a"), None)

    assert "it is not JSON" in caplog.text
    assert "canary" not in caplog.text + str(caught.value)


def test_a_deployment_without_a_callers_secret_says_so(
    handler: Handler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CHATD_CALLERS_SECRET_ID", "")

    with pytest.raises(app.CallersUnavailableError):
        handler(question(x_api_key="key-a"), None)

    assert "CHATD_CALLERS_SECRET_ID names none" in caplog.text


class Source:
    """A callers' secret whose every look is counted."""

    def __init__(self) -> None:
        self.looks = 0
        self.now = 0.0
        self.text: str | SecretUnavailableError = secret_text(alice="key-a")

    def __call__(self) -> str:
        self.looks += 1
        if isinstance(self.text, SecretUnavailableError):
            raise self.text
        return self.text

    def known(self) -> app.KnownCallers:
        return app.KnownCallers(self, lambda: self.now)


def test_the_secret_is_looked_up_once_a_minute() -> None:
    source = Source()
    known = source.known()
    for source.now in (0.0, 30.0, 59.9, 60.0, 61.0):
        known.now()

    assert source.looks == 2


def test_a_revoked_key_is_refused_after_a_minute() -> None:
    source = Source()
    known = source.known()

    assert known.now().name_of("key-a") == "alice"

    source.text, source.now = secret_text(), 60.0

    assert known.now().name_of("key-a") is None


def test_the_last_list_stands_while_secrets_manager_is_down(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source()
    known = source.known()
    known.now()
    source.text, source.now = SecretUnavailableError("no answer"), 60.0

    with caplog.at_level(logging.ERROR):
        name = known.now().name_of("key-a")

    assert name == "alice"
    assert "no answer" in caplog.text


def test_the_last_list_falls_when_the_secret_is_gone() -> None:
    source = Source()
    known = source.known()
    known.now()
    source.text, source.now = SecretUnavailableError("denied", gone=True), 60.0

    with pytest.raises(app.CallersUnavailableError):
        known.now()


@pytest.mark.parametrize("text", ['{"pepper": "canary"', "[]", '{"callers": {}}', ""])
def test_the_last_list_falls_when_the_secret_becomes_malformed(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source()
    known = source.known()

    assert known.now().name_of("key-a") == "alice"

    source.text, source.now = text, 60.0

    for source.now in (60.0, 61.0):
        with pytest.raises(app.CallersUnavailableError):
            known.now()
    assert source.looks == 2
    assert "canary" not in caplog.text

    source.text, source.now = secret_text(bob="key-b"), 65.0

    assert known.now().name_of("key-b") == "bob"
    assert known.now().name_of("key-a") is None


def test_a_failing_look_is_not_repeated_for_every_request() -> None:
    source = Source()
    source.text = SecretUnavailableError("no answer")
    known = source.known()
    for source.now in (0.0, 1.0, 4.9, 5.0):
        with pytest.raises(app.CallersUnavailableError):
            known.now()

    assert source.looks == 2


def test_importing_it_reads_nothing_and_imports_no_boto3() -> None:
    program = "import sys, authorizer.app; print('boto3' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(FUNCTIONS)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout == "False\n"
