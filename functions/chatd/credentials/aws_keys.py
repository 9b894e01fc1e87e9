"""Look up the bearer token or the signer for requests to an AWS service.

Credentials come from the environment, the endpoint of a container or, on a developer's machine,
boto3's chain. A row may have a role that is assumed with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import SecretStr

from chatd.config.provider import AwsAccess, Provider
from chatd.credentials import aws_container
from chatd.credentials.aws_cache import CachedCredentials
from chatd.credentials.aws_credentials import (
    AwsCredentials,
    AwsCredentialsError,
    from_environment,
)
from chatd.credentials.aws_signing import AwsSigner, bearer_token
from chatd.credentials.provider_key import ProviderKey
from chatd.deadline import Deadline
from chatd.transport.http_client import Transport
from chatd.upstream_http import HttpRequest, HttpResponse

BEARER_VARIABLE = "AWS_BEARER_TOKEN_BEDROCK"
# https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-generate.html
_LONGEST = timedelta(hours=12)
_TOKEN_KEPT = timedelta(hours=1)
_RENEW = timedelta(seconds=30)
# A chat waits for its credentials. STS and the endpoint of a container answer within 1 s.
_SECONDS = 5.0
_CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Token:
    """A minted token, with its credentials and the moment of its minting."""

    credentials: AwsCredentials
    minted_at: datetime
    value: SecretStr


class AwsKeys:
    """Look up the tokens and signers of rows with `aws`.

    Args:
        environ: The environment itself, not a copy: Lambda replaces the credentials in it.
        transport: Sends requests to the endpoint of a container and to AWS STS; None: none is sent.
        now: Returns the present moment in UTC.

    """

    def __init__(
        self,
        environ: Mapping[str, str],
        transport: Transport | None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._environ = environ
        self._transport = transport
        self._now = now
        self._container = CachedCredentials(partial(aws_container.fetch, environ, self._send), now)
        self._profile = CachedCredentials(self._of_profile, now)
        self._profile_source: Callable[[], AwsCredentials] | None = None
        self._roles: dict[tuple[str, str], CachedCredentials] = {}
        self._tokens: dict[str, _Token] = {}

    def key_of(self, row: Provider) -> ProviderKey:
        """Look up the bearer token or the signer of a row; a failure is a sentence."""
        access = row.aws
        if access is None or access.region is None:
            return ProviderKey(failure="no AWS region is set")
        try:
            return self._key(row.name, access, access.region)
        except AwsCredentialsError as failure:
            return ProviderKey(failure=str(failure))

    def renewed(self, row: Provider, refused: ProviderKey) -> ProviderKey | None:
        """Return newer credentials than the refused ones, if their source has some.

        Each source is read again at most every 30 s, and a token is minted again as seldom.
        """
        access = row.aws
        if access is None or access.region is None:
            return None
        if access.role_arn is not None:
            self._role(access.role_arn, access.region).expire()
        else:
            self._container.expire()
            self._profile.expire()
        token = self._tokens.get(row.name)
        if token is not None and self._now() - token.minted_at >= _RENEW:
            self._tokens.pop(row.name, None)
        newer = self.key_of(row)
        return None if not newer.is_found or newer.secrets == refused.secrets else newer

    def _key(self, name: str, access: AwsAccess, region: str) -> ProviderKey:
        if access.role_arn is not None:
            credentials = self._role(access.role_arn, region).read()
        else:
            given = self._given_token(access)
            if given is not None:
                return ProviderKey(given)
            credentials = self._base()
        if access.bearer:
            return ProviderKey(self._minted(name, credentials, region))
        return ProviderKey(signer=AwsSigner(credentials, access.service, region, self._now))

    def _given_token(self, access: AwsAccess) -> SecretStr | None:
        """Return the bearer token of the environment, which only Bedrock takes."""
        token = self._environ.get(BEARER_VARIABLE, "").strip()
        if not token or not access.service.startswith("bedrock"):
            return None
        if not token.isascii() or not token.isprintable():
            raise AwsCredentialsError(f"{BEARER_VARIABLE} holds characters that a key cannot have")
        return SecretStr(token)

    def _base(self) -> AwsCredentials:
        """Return the credentials of this function or machine."""
        credentials = from_environment(self._environ)
        if credentials is not None:
            return credentials
        if aws_container.is_configured(self._environ):
            return self._container.read()
        if "AWS_LAMBDA_FUNCTION_NAME" in self._environ:
            raise AwsCredentialsError("the function has no AWS credentials")
        return self._profile.read()

    def _of_profile(self) -> AwsCredentials:
        if self._profile_source is None:
            # boto3 takes longer to import than all other modules, and is not needed on Lambda.
            from chatd.credentials.aws_profile import profile_source  # noqa: PLC0415  # see above

            self._profile_source = profile_source(self._environ)
        return self._profile_source()

    def _send(self, request: HttpRequest) -> HttpResponse:
        if self._transport is None:
            raise AwsCredentialsError("no credentials of AWS are fetched here")
        return self._transport.send(request, Deadline.after(_SECONDS), _CONNECT_SECONDS)

    def _role(self, role_arn: str, region: str) -> CachedCredentials:
        """Return the credentials of a role, which are shared by the rows that have it."""
        place = (role_arn, region)
        if place not in self._roles:
            cached = CachedCredentials(partial(self._assumed, role_arn, region), self._now)
            self._roles.setdefault(place, cached)
        return self._roles[place]

    def _assumed(self, role_arn: str, region: str) -> AwsCredentials:
        from chatd.credentials import aws_sts  # noqa: PLC0415  # only for a row with a role

        request = aws_sts.request_of(role_arn, region, self._environ)
        return aws_sts.assume(request, self._base(), region, self._now(), self._send)

    def _minted(self, name: str, credentials: AwsCredentials, region: str) -> SecretStr:
        """Return a bearer token of these credentials, at most an hour old."""
        now, kept = self._now(), self._tokens.get(name)
        if (
            kept is not None
            and kept.credentials == credentials
            and now - kept.minted_at < _TOKEN_KEPT
        ):
            return kept.value
        left = _LONGEST if credentials.expires_at is None else credentials.expires_at - now
        seconds = max(1, int(min(left, _LONGEST).total_seconds()))
        value = bearer_token(credentials, region, now, seconds)
        self._tokens[name] = _Token(credentials, now, value)
        return value
