"""May this caller in? The door that API Gateway asks before every request.

It knows callers' names and keyed hashes, and nothing of chats or providers.
"""

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
# A revoked key works no longer than this; each look costs one call of Secrets Manager.
_FRESH_SECONDS = 60.0
_RETRY_SECONDS = 5.0


class CallersUnavailableError(Exception):
    """The list of callers cannot be read, so nobody can be let in (API Gateway answers 500)."""


class KnownCallers:
    """The callers' secret, cached, and kept while Secrets Manager is down.

    Args:
        fetch: Gets the secret's text, or raises SecretUnavailableError.
        clock: Seconds that only grow.

    """

    def __init__(
        self, fetch: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._callers: Callers | None = None
        self._next_look = 0.0

    def now(self) -> Callers:
        """The callers, at most 60 s old, or older while Secrets Manager cannot be reached.

        Raises:
            CallersUnavailableError: If the secret cannot be read and no earlier one may stand in.

        """
        if self._clock() >= self._next_look:
            self._look()
        if self._callers is None:
            raise CallersUnavailableError("the callers' secret cannot be read; the log says why")
        return self._callers

    def forget(self) -> None:
        """Forget the callers, and when they were read."""
        self._callers = None
        self._next_look = 0.0

    def _look(self) -> None:
        wait = _RETRY_SECONDS
        try:
            self._callers = Callers.of_secret(self._fetch())
            wait = _FRESH_SECONDS
        except SecretUnavailableError as error:
            _LOG.error("the callers' secret: %s", error)
            if error.gone:
                self._callers = None
        except CallersError as error:
            _LOG.error("the callers' secret: %s", error)
            self._callers = None
        self._next_look = self._clock() + wait


_manager = SecretsManager(os.environ)


def _secret_text() -> str:
    secret_id = os.environ.get("CHATD_CALLERS_SECRET_ID")
    if not secret_id:
        raise SecretUnavailableError("CHATD_CALLERS_SECRET_ID names none")
    return _manager.fetch(secret_id)


_known = KnownCallers(_secret_text)


def prepare() -> None:
    """Load what it takes to read the callers' secret."""
    dry_call("secretsmanager", "get_secret_value", SecretId="none")


def forget() -> None:
    """Forget the callers, and the connections to Secrets Manager."""
    _known.forget()
    _manager.forget()


snapstart.hooks(os.environ, prepare, forget)


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer API Gateway's question of type REQUEST.

    Returns:
        A policy that lets the caller into this stage, with the caller's name as its principal.

    Raises:
        Exception: Of exactly the text `Unauthorized`, which API Gateway answers with 401.
        CallersUnavailableError: If nobody's right to call can be checked.

    """
    key = presented(event.get("headers") or {})
    name = None if key is None else _known.now().name_of(key)
    if name is None:
        raise Exception("Unauthorized")  # noqa: TRY002  # the text is API Gateway's protocol
    return _admission(name, event["methodArn"])


def _admission(name: str, method_arn: str) -> dict[str, Any]:
    """Args: method_arn: `arn:aws:execute-api:region:account:api/stage/METHOD/path`."""
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
