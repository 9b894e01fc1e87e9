"""Get credentials from boto3's chain: profiles, SSO and other sources of a developer's machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import SecretStr

from chatd.credentials.aws_credentials import AwsCredentials, AwsCredentialsError

_NONE = "no AWS credentials were found"


def profile_source(environ: Mapping[str, str]) -> Callable[[], AwsCredentials]:
    """Return a source of a profile's credentials, which botocore refreshes.

    Its session is made once; reading it again costs some microseconds.

    Args:
        environ: The environment, whose `AWS_PROFILE` names the profile.

    Raises:
        AwsCredentialsError: If the profile has no credentials.

    """
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415  # never on Lambda
    from botocore.session import Session  # noqa: PLC0415  # as above

    try:
        found = Session(profile=environ.get("AWS_PROFILE") or None).get_credentials()
    except BotoCoreError as error:
        raise _refused(error) from None
    if found is None:
        raise AwsCredentialsError(_NONE)

    def read() -> AwsCredentials:
        try:
            frozen = found.get_frozen_credentials()
        except BotoCoreError as error:
            raise _refused(error) from None
        if not frozen.access_key or not frozen.secret_key:
            raise AwsCredentialsError(_NONE)
        token = SecretStr(frozen.token) if frozen.token else None
        return AwsCredentials(frozen.access_key, SecretStr(frozen.secret_key), token)

    return read


def _refused(error: Exception) -> AwsCredentialsError:
    kind = type(error).__name__
    return AwsCredentialsError(f"the AWS profile gave no credentials ({kind}); try `aws sso login`")
