"""Look up what authenticates requests to an AWS service: a bearer token or a signer."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from chatd.config.provider import AwsAccess, Provider
from chatd.credentials.aws_credentials import AwsCredentials, from_environment
from chatd.credentials.aws_signing import AwsSigner
from chatd.credentials.provider_key import ProviderKey

BEARER_VARIABLE = "AWS_BEARER_TOKEN_BEDROCK"


class AwsKeys:
    """Look up the tokens and signers of rows with `aws`.

    Args:
        environ: The environment.

    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def key_of(self, row: Provider) -> ProviderKey:
        """Look up a bearer token of the environment, else credentials that sign."""
        access = row.aws
        if access is None or access.region is None:
            return ProviderKey(failure="no AWS region is set")
        token = self._environ.get(BEARER_VARIABLE, "").strip()
        if token:
            return ProviderKey(SecretStr(token))
        credentials = from_environment(self._environ)
        if credentials is None:
            return ProviderKey(failure="no AWS credentials were found")
        return self._key(access, access.region, credentials)

    def renewed(self, row: Provider, refused: ProviderKey) -> ProviderKey | None:
        """Return a newer token or newer credentials than the refused ones, if there are any."""
        newer = self.key_of(row)
        return None if not newer.is_found or newer.secrets == refused.secrets else newer

    def _key(self, access: AwsAccess, region: str, credentials: AwsCredentials) -> ProviderKey:
        return ProviderKey(signer=AwsSigner(credentials, access.service, region))
