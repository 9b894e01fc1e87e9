"""Handle the authorizer function's events: check the caller's key of every API request."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import Any

from chatd.access.caller_keys import Callers, CallersError, presented
from chatd.aws_lambda import snapstart
from chatd.aws_lambda.warm_boto3 import dry_call
from chatd.credentials.secrets_manager import SecretsManager, SecretUnavailableError

_LOG = logging.getLogger(__name__)
# The longest time that a revoked key stays valid; each read is one Secrets Manager call.
_FRESH_SECONDS = 60.0
_RETRY_SECONDS = 5.0


class CallersUnavailableError(Exception):
    """Report an unreadable list of callers, for which API Gateway answers 500."""


class CachedCallers:
    """Cache the callers' secret, and keep the last value while Secrets Manager is unavailable.

    Args:
        fetch: Returns the secret's text, or raises SecretUnavailableError.
        clock: Returns monotonic time in seconds.

    """

    def __init__(
        self, fetch: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._callers: Callers | None = None
        self._next_read = 0.0

    def current(self) -> Callers:
        """Return callers read at most 60 s ago, or earlier while Secrets Manager is unavailable.

        Raises:
            CallersUnavailableError: If the secret cannot be read and there is no earlier value.

        """
        if self._clock() >= self._next_read:
            self._read()
        if self._callers is None:
            raise CallersUnavailableError(
                "the callers' secret cannot be read; the log has the reason"
            )
        return self._callers

    def forget(self) -> None:
        """Discard the cached callers, so that the next request reads the secret."""
        self._callers = None
        self._next_read = 0.0

    def _read(self) -> None:
        wait = _RETRY_SECONDS
        try:
            self._callers = Callers.of_secret(self._fetch())
            wait = _FRESH_SECONDS
        except SecretUnavailableError as error:
            _LOG.error("the callers' secret: %s", error)
            if error.revoked:
                self._callers = None
        except CallersError as error:
            _LOG.error("the callers' secret: %s", error)
            self._callers = None
        self._next_read = self._clock() + wait


_manager = SecretsManager(os.environ)


def _secret_text() -> str:
    secret_id = os.environ.get("CHATD_CALLERS_SECRET_ID")
    if not secret_id:
        raise SecretUnavailableError("CHATD_CALLERS_SECRET_ID is not set")
    return _manager.fetch(secret_id)


_callers = CachedCallers(_secret_text)


def prepare() -> None:
    """Load the Secrets Manager client before a snapshot."""
    dry_call("secretsmanager", "get_secret_value", SecretId="none")


def forget() -> None:
    """Discard the cached callers and the connections to Secrets Manager after a restore."""
    _callers.forget()
    _manager.forget()


snapstart.hooks(os.environ, prepare, forget)


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Authorize one API request by the caller's key, in either header.

    Args:
        event: API Gateway's authorizer event of type REQUEST.

    Returns:
        A policy that allows every method of the stage, with the caller's name as principal.

    Raises:
        Exception: With exactly the text `Unauthorized`, for which API Gateway answers 401.
        CallersUnavailableError: If the list of callers cannot be read.

    """
    keys = presented(event.get("headers") or {})
    name = _callers.current().first_of(keys) if keys else None
    if name is None:
        raise Exception("Unauthorized")  # noqa: TRY002  # the text is API Gateway's protocol
    return _allow_stage(name, event["methodArn"])


def _allow_stage(name: str, method_arn: str) -> dict[str, Any]:
    """Allow the stage of `arn:aws:execute-api:region:account:api/stage/METHOD/path`."""
    api, stage, *_ = method_arn.split("/")
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow",
        "Resource": f"{api}/{stage}/*",
    }
    return {
        "principalId": name,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"caller": name},
    }
