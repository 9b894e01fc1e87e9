"""Sign requests to API Gateway with SigV4, for AuthMode AWS_IAM."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ProfileNotFound

from deploy.errors import CommandError


def signed(
    method: str,
    url: str,
    body: bytes | None,
    *,
    region: str | None = None,
    profile: str | None = None,
) -> Mapping[str, str]:
    """Make the headers that sign a request with the AWS credentials of this machine.

    Args:
        method: The request's method.
        url: Its whole address. A region in it goes before every other one.
        body: Its body.
        region: The region of an address that names none; None: the one of the environment.
        profile: The AWS profile; None: the one of the environment.

    Raises:
        CommandError: If there are no credentials, or the region is not known.

    """
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
    except ProfileNotFound as error:
        raise CommandError(str(error)) from None
    credentials = session.get_credentials()
    if credentials is None:
        raise CommandError("there are no AWS credentials to sign with; aws configure makes them")
    # api.execute-api.region.amazonaws.com; of a custom domain it cannot be told
    named = re.search(r"\.execute-api\.([a-z0-9-]+)\.", urlsplit(url).netloc)
    region = named[1] if named else session.region_name
    if region is None:
        raise CommandError("the request needs a region to be signed for: REGION=…, or AWS_REGION")
    request = AWSRequest(method, url, {"Content-Type": "application/json"}, body)
    SigV4Auth(credentials.get_frozen_credentials(), "execute-api", region).add_auth(request)
    return dict(request.headers.items())
