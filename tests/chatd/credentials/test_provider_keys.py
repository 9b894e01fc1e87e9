from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chatd.config.catalog import CATALOG
from chatd.credentials.provider_keys import Credentials
from chatd.credentials.secrets_manager import (
    JsonSecret,
    SecretsManager,
    SecretUnavailableError,
)
from chatd.routing.registry import Registry
from tests.support.functions import settings

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KIMI = CATALOG["kimi"]
SECRET = "chatd/providers"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def put(client: SecretsManagerClient, text: str) -> None:
    client.create_secret(Name=SECRET, SecretString=text)


def lookup(
    environ: dict[str, str] | None = None, *, secret_id: str | None = SECRET
) -> tuple[Credentials, list[str]]:
    warnings: list[str] = []
    import os  # noqa: PLC0415  # the fixture points boto3 to moto through the environment

    secret = JsonSecret(secret_id, SecretsManager(os.environ).fetch) if secret_id else None
    return Credentials(environ or {}, secret, warnings.append), warnings


def found(credentials: Credentials) -> str | None:
    value = credentials.key_of(KIMI).value
    return value.get_secret_value() if value else None


def test_the_secret_takes_precedence_over_the_environment(
    secrets_manager: SecretsManagerClient,
) -> None:
    put(secrets_manager, '{"KIMI_API_KEY": "sk-secret"}')
    credentials, warnings = lookup({"KIMI_API_KEY": "sk-environment"})

    assert found(credentials) == "sk-secret"
    assert warnings == []


@pytest.mark.parametrize(
    "text", ["{}", '{"KIMI_API_KEY": ""}', '{"KIMI_API_KEY": null}', '{"KIMI_API_KEY": " "}']
)
def test_a_secret_without_the_key_is_no_failure(
    secrets_manager: SecretsManagerClient, text: str
) -> None:
    put(secrets_manager, text)
    credentials, warnings = lookup({"KIMI_API_KEY": "sk-environment"})

    assert found(credentials) == "sk-environment"
    assert warnings == []


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("not json sk-leak", "the secret is not a JSON object"),
        ('["sk-leak"]', "the secret is not a JSON object"),
        ('{"KIMI_API_KEY": 7}', "KIMI_API_KEY in the secret is not a string"),
        ('{"KIMI_API_KEY": "sk-\\u00e9leak"}', "KIMI_API_KEY in the secret holds characters that"),
        (
            '{"KIMI_API_KEY": "sk\\nleak"}',
            "KIMI_API_KEY in the secret holds characters that a key cannot",
        ),
    ],
)
def test_a_malformed_secret_is_reported_without_its_content(
    secrets_manager: SecretsManagerClient, text: str, failure: str
) -> None:
    put(secrets_manager, text)
    credentials, warnings = lookup()

    key = credentials.key_of(KIMI)

    assert key.value is None
    assert failure in (key.failure or "")
    assert failure in warnings[0]
    assert "leak" not in str(key) + str(warnings)


def test_a_missing_secret_is_a_failure_and_the_environment_is_still_tried(
    secrets_manager: SecretsManagerClient,
) -> None:
    credentials, warnings = lookup({"KIMI_API_KEY": "sk-environment"})

    assert found(credentials) == "sk-environment"
    assert "ResourceNotFoundException" in warnings[0]


def test_the_secrets_name_is_logged_and_not_shown_to_callers() -> None:
    def fetch(secret_id: str) -> str:
        raise SecretUnavailableError("no", secret_id)

    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:keys"
    warnings: list[str] = []
    key = Credentials({}, JsonSecret(arn, fetch), warnings.append).key_of(KIMI)

    assert key.failure == "no"
    assert arn in warnings[0]


def test_a_binary_secret_is_a_failure(secrets_manager: SecretsManagerClient) -> None:
    secrets_manager.create_secret(Name=SECRET, SecretBinary=b"{}")
    credentials, _ = lookup()

    assert "is binary" in (credentials.key_of(KIMI).failure or "")


def test_an_unreachable_secrets_manager_is_a_failure(
    secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    credentials, _ = lookup()

    assert "EndpointConnectionError" in (credentials.key_of(KIMI).failure or "")


def test_an_empty_endpoint_is_unset(
    secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(secrets_manager, '{"KIMI_API_KEY": "sk-secret"}')
    monkeypatch.setenv("AWS_ENDPOINT_URL", secrets_manager.meta.endpoint_url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "")
    credentials, _ = lookup()

    assert found(credentials) == "sk-secret"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_refusal_is_reported_by_its_code(
    secrets_manager: SecretsManagerClient, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support.upstream import reply, upstream  # noqa: PLC0415  # one test needs it

    refusal = reply({"__type": code, "message": "no"}, status=400)
    with upstream(refusal) as denying:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", denying.url)
        credentials, _ = lookup()
        key = credentials.key_of(KIMI)

    assert code in (key.failure or "")


def test_a_rotated_key_is_used_after_five_minutes(secrets_manager: SecretsManagerClient) -> None:
    import os  # noqa: PLC0415  # as above

    put(secrets_manager, '{"KIMI_API_KEY": "sk-old"}')
    clock = Clock()
    secret = JsonSecret(SECRET, SecretsManager(os.environ).fetch, clock)
    credentials = Credentials({}, secret, lambda _: None, clock)
    before = found(credentials)
    secrets_manager.put_secret_value(SecretId=SECRET, SecretString='{"KIMI_API_KEY": "sk-new"}')
    clock.now += 299
    still = found(credentials)
    clock.now += 2

    assert (before, still, found(credentials)) == ("sk-old", "sk-old", "sk-new")


def failing_after_one(text: str, error: SecretUnavailableError) -> JsonSecret:
    answers = iter([text])
    clock = Clock()

    def fetch(_secret_id: str) -> str:
        try:
            return next(answers)
        except StopIteration:
            raise error from None

    secret = JsonSecret(SECRET, fetch, clock)
    assert secret.read()
    clock.now += 301
    return secret


def test_the_old_value_is_kept_while_secrets_manager_is_down() -> None:
    secret = failing_after_one(
        json.dumps({"KIMI_API_KEY": "sk-old"}), SecretUnavailableError("down")
    )
    warnings: list[str] = []
    credentials = Credentials({}, secret, warnings.append)

    assert found(credentials) == "sk-old"
    assert warnings == ["down; its last known value is used"]


def test_the_old_value_is_discarded_when_access_is_revoked() -> None:
    secret = failing_after_one('{"KIMI_API_KEY": "x"}', SecretUnavailableError("no", revoked=True))

    assert found(Credentials({}, secret, lambda _: None)) is None


def test_a_failing_secrets_manager_is_not_called_at_every_request() -> None:
    calls: list[str] = []
    clock = Clock()

    def fetch(secret_id: str) -> str:
        calls.append(secret_id)
        raise SecretUnavailableError("down")

    credentials = Credentials({}, JsonSecret(SECRET, fetch, clock), lambda _: None, clock)
    for _ in range(10):
        credentials.key_of(KIMI)
    clock.now += 6
    credentials.key_of(KIMI)

    assert len(calls) == 2


def test_the_env_file_has_the_lowest_precedence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# keys\nexport KIMI_API_KEY='sk-file'\n")
    from_file, _ = lookup(secret_id=None)
    from_environment, _ = lookup({"KIMI_API_KEY": "sk-environment"}, secret_id=None)

    assert found(from_file) == "sk-file"
    assert found(from_environment) == "sk-environment"


def test_an_unreadable_env_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"KIMI_API_KEY=\xff")
    credentials, _ = lookup(secret_id=None)

    failure = credentials.key_of(KIMI).failure

    assert failure == "its env_file cannot be read (UnicodeDecodeError)"


def test_an_absent_key_is_no_failure() -> None:
    credentials, warnings = lookup({"KIMI_API_KEY": "  "}, secret_id=None)

    key = credentials.key_of(KIMI)

    assert (key.value, key.failure, warnings) == (None, None, [])
    assert (
        Registry(settings(), credentials).availability(KIMI).reason == "no KIMI_API_KEY was found"
    )


def test_a_provider_without_a_key_variable_is_never_looked_up(
    secrets_manager: SecretsManagerClient,
) -> None:
    credentials, warnings = lookup()

    assert Registry(settings(), credentials).availability(CATALOG["ollama"]).registered
    assert warnings == []


def test_no_key_is_logged_at_any_level(
    secrets_manager: SecretsManagerClient, caplog: pytest.LogCaptureFixture
) -> None:
    put(secrets_manager, '{"KIMI_API_KEY": "sk-in-the-secret"}')
    logging.getLogger("botocore").setLevel(logging.NOTSET)
    with caplog.at_level(logging.DEBUG):
        credentials, _ = lookup()
        value = credentials.key_of(KIMI).value

    assert value is not None
    assert value.get_secret_value() not in caplog.text
