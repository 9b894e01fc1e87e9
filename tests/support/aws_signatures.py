"""Verify with botocore what chatd's signer writes."""

from __future__ import annotations

import re
from base64 import b64decode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from pydantic import SecretStr

from tests.support.upstream import Received


def is_signed(received: Received, method: str, secret: str, region: str) -> bool:
    """Return whether a request for Bedrock in a region has a signature of this secret key."""
    given = received.headers["authorization"]
    names = re.findall("SignedHeaders=([^,]+)", given)[0].split(";")
    signer = SigV4Auth(Credentials("any", secret), "bedrock", region)
    url = f"http://{received.headers['host']}{received.path}"
    headers = {name: received.headers[name] for name in names}
    request = AWSRequest(method, url, headers=headers, data=received.body)
    request.context["timestamp"] = received.headers["x-amz-date"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return given.endswith(f"Signature={signer.signature(text, request)}")


def decoded_token(token: SecretStr) -> str:
    """Return the presigned URL, without its scheme, that a bearer token for Bedrock holds."""
    prefix, _, coded = token.get_secret_value().partition("bedrock-api-key-")
    assert prefix == ""
    return b64decode(coded, validate=True).decode()
