"""Read a JSON secret from Secrets Manager, and cache the value, also during an outage.

boto3 is imported with the first fetch, because its import takes longer than all others together.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_FRESH_SECONDS = 300.0
_RETRY_SECONDS = 5.0
_EXPIRE_SECONDS = 30.0
# Error codes after which the old value must not be used: access was withdrawn.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
_REVOKED = frozenset(
    {"AccessDeniedException", "ResourceNotFoundException", "InvalidRequestException"}
)


class SecretUnavailableError(Exception):
    """The secret could not be read; the string names the secret, for the log.

    Attributes:
        public: The reason for callers, without the ARN, which holds the account id.
        revoked: Whether the old value must not be used any more.

    Args:
        message: The reason, without any content of the secret.
        secret_id: The secret's name or ARN.

    """

    def __init__(
        self, message: str, secret_id: str | None = None, *, revoked: bool = False
    ) -> None:
        super().__init__(message if secret_id is None else f"{message} ({secret_id!r})")
        self.public = message
        self.revoked = revoked


class SecretsManager:
    """Fetch secrets, with one client made on the first fetch.

    Args:
        environ: The environment; `AWS_ENDPOINT_URL_SECRETS_MANAGER` names another endpoint.

    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._client: SecretsManagerClient | None = None

    def fetch(self, secret_id: str) -> str:
        """Get a secret's text by its name or ARN.

        Raises:
            SecretUnavailableError: If Secrets Manager refuses, or cannot be reached in 6 s.

        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # see above

        try:
            self._client = self._client or self._make_client()
            answer = self._client.get_secret_value(SecretId=secret_id, VersionStage="AWSCURRENT")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise SecretUnavailableError(
                f"Secrets Manager answered {code} for the secret",
                secret_id,
                revoked=code in _REVOKED,
            ) from None
        except BotoCoreError as error:
            raise SecretUnavailableError(
                f"Secrets Manager could not be reached for the secret: {type(error).__name__}",
                secret_id,
            ) from None
        text = answer.get("SecretString")
        if text is None:
            raise SecretUnavailableError("the secret is binary, not JSON text", secret_id)
        return text

    def forget(self) -> None:
        """Drop the client, its credentials and its connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _make_client(self) -> SecretsManagerClient:
        import boto3  # noqa: PLC0415  # see above
        from botocore.config import Config  # noqa: PLC0415

        # At DEBUG, which an operator may set for a function, botocore logs the responses.
        log = logging.getLogger("botocore")
        log.setLevel(max(log.level, logging.INFO))
        return boto3.client(
            "secretsmanager",
            endpoint_url=self._environ.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or None,
            config=Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2}),
        )


class JsonSecret:
    """A secret that holds one JSON object.

    Args:
        secret_id: The secret's name or ARN.
        fetch: Returns the secret's text by its id, or raises SecretUnavailableError.
        clock: Monotonic seconds.

    """

    def __init__(
        self,
        secret_id: str,
        fetch: Callable[[str], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secret_id = secret_id
        self._fetch = fetch
        self._clock = clock
        self._values: Mapping[str, Any] | None = None
        self._failure: SecretUnavailableError | None = None
        self._next_refresh = 0.0
        self._expired_at = float("-inf")

    def __repr__(self) -> str:
        return f"JsonSecret({self._secret_id!r})"

    @property
    def failure(self) -> SecretUnavailableError | None:
        """The reason why the last read failed, also if an older value is used; else None."""
        return self._failure

    def read(self) -> Mapping[str, Any]:
        """Return the object, at most 300 s old, or older while Secrets Manager is down.

        Raises:
            SecretUnavailableError: If the secret cannot be read and no older value may be used.

        """
        if self._clock() >= self._next_refresh:
            self._refresh()
        if self._values is None:
            assert self._failure is not None  # noqa: S101  # _refresh leaves one of the two
            raise self._failure
        return self._values

    def expire(self) -> bool:
        """Make the next read fetch again, at most every 30 s; return whether to expect a fetch."""
        if self._clock() - self._expired_at < _EXPIRE_SECONDS:
            return False
        self._expired_at = self._clock()
        self._next_refresh = self._clock()
        return True

    def forget(self) -> None:
        """Drop the value and the time of its fetch."""
        self._values = None
        self._failure = None
        self._next_refresh = 0.0
        self._expired_at = float("-inf")

    def _refresh(self) -> None:
        try:
            self._values = self._parsed(self._fetch(self._secret_id))
            self._failure = None
        except SecretUnavailableError as error:
            self._failure = error
            if error.revoked:
                self._values = None
        wait = _RETRY_SECONDS if self._failure else _FRESH_SECONDS
        self._next_refresh = self._clock() + wait

    def _parsed(self, text: str) -> Mapping[str, Any]:
        try:
            values = json.loads(text)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise SecretUnavailableError("the secret is not a JSON object", self._secret_id)
        return values
