"""AWS credentials, and the sources that a function or this machine has them from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr


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
    token = environ.get("AWS_SESSION_TOKEN")
    return AwsCredentials(access_key, SecretStr(secret_key), SecretStr(token) if token else None)
