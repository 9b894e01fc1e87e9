"""AWS credentials, and their reading from the environment of a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr


class AwsCredentialsError(Exception):
    """A source gave no credentials; the message is for callers, without ARN or account id."""


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """Credentials of a role or a user.

    Attributes:
        access_key: The id of the key, which signatures show.
        secret_key: The key that signs.
        session_token: The token that belongs to temporary credentials.
        expires_at: When they expire, in UTC; None if that is not known.

    """

    access_key: str
    secret_key: SecretStr
    session_token: SecretStr | None = None
    expires_at: datetime | None = None

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """All that no log or error may hold."""
        token = () if self.session_token is None else (self.session_token,)
        return (SecretStr(self.access_key), self.secret_key, *token)


def from_environment(environ: Mapping[str, str]) -> AwsCredentials | None:
    """Read the credentials of the environment, where Lambda keeps those of the function's role.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    """
    access_key, secret_key = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        return None
    token = environ.get("AWS_SESSION_TOKEN") or None
    return _checked(access_key, secret_key, token, None)


def from_texts(values: Mapping[str, object], token: str) -> AwsCredentials:
    """Read temporary credentials from the texts of an answer.

    Args:
        values: `AccessKeyId`, `SecretAccessKey`, the token and `Expiration`, an ISO 8601 time.
        token: The name of the token's text.

    Raises:
        AwsCredentialsError: If one is missing or malformed.

    """
    texts = [values.get(name) for name in ("AccessKeyId", "SecretAccessKey", token, "Expiration")]
    if not all(isinstance(text, str) and text for text in texts):
        raise AwsCredentialsError("it gave no complete credentials")
    access_key, secret_key, session_token, expiration = map(str, texts)
    try:
        expires_at = datetime.fromisoformat(expiration)
    except ValueError:
        raise AwsCredentialsError("it gave credentials with a malformed expiration") from None
    if expires_at.tzinfo is None:
        raise AwsCredentialsError("it gave credentials with an expiration without a time zone")
    return _checked(access_key, secret_key, session_token, expires_at)


def _checked(
    access_key: str, secret_key: str, token: str | None, expires_at: datetime | None
) -> AwsCredentials:
    """Make credentials that a header can carry."""
    for text in (access_key, secret_key, token or ""):
        if not text.isascii() or not text.isprintable():
            raise AwsCredentialsError("the AWS credentials hold characters that a key cannot have")
    return AwsCredentials(
        access_key, SecretStr(secret_key), SecretStr(token) if token else None, expires_at
    )
