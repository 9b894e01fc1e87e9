"""Mint a short-term API key with botocore, in the shape of AWS's own token generator.

https://github.com/aws/aws-bedrock-token-generator-python
"""

from __future__ import annotations

import base64

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.bedrock.signatures import Key

_URL = "https://bedrock.amazonaws.com/?Action=CallWithBearerToken"


def minted(key: Key, region: str, seconds: int = 43_200) -> str:
    """Return a key that is valid for some seconds."""
    request = AWSRequest("POST", _URL, headers={"host": "bedrock.amazonaws.com"})
    credentials = Credentials(key.id, key.secret, key.token)
    SigV4QueryAuth(credentials, "bedrock", region, expires=seconds).add_auth(request)
    text = f"{str(request.url).removeprefix('https://')}&Version=1"
    return "bedrock-api-key-" + base64.b64encode(text.encode()).decode()
