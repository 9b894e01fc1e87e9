"""Sign API Gateway requests with SigV4, for AuthMode AWS_IAM."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ProfileNotFound

from deploy.errors import CommandError


def sign_headers(
    method: str,
    url: str,
    body: bytes | None,
    *,
    region: str | None = None,
    profile: str | None = None,
) -> Mapping[str, str]:
    """Return headers that sign a request with the AWS credentials of this machine.

    Args:
        method: The HTTP method.
        url: The full URL. A region in its host has precedence over `region`.
        body: The request body.
        region: The AWS region for a URL without one; None takes the environment's.
        profile: The AWS profile; None takes the environment's.

    Raises:
        CommandError: If the credentials or the region are missing.

    """
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
    except ProfileNotFound as error:
        raise CommandError(str(error)) from None
    credentials = session.get_credentials()
    if credentials is None:
        raise CommandError("there are no AWS credentials to sign with; aws configure creates them")
    # The host is api.execute-api.region.amazonaws.com; a custom domain does not name the region.
    match = re.search(r"\.execute-api\.([a-z0-9-]+)\.", urlsplit(url).netloc)
    region = match[1] if match else session.region_name
    if region is None:
        raise CommandError("the signature needs a region: set REGION=… or AWS_REGION")
    request = AWSRequest(method, url, {"Content-Type": "application/json"}, body)
    SigV4Auth(credentials.get_frozen_credentials(), "execute-api", region).add_auth(request)
    return dict(request.headers.items())
