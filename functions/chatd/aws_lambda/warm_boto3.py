"""Load boto3's code for an AWS call before a snapshot, without sending the call."""

from __future__ import annotations

import io
from typing import Any


def dry_call(service: str, operation: str, **parameters: object) -> None:
    """Run a call up to the point of sending; its response is an empty object.

    Args:
        service: boto3's name of a service with a JSON protocol.
        operation: boto3's name of the operation.
        parameters: The parameters of the operation.

    """
    import boto3  # noqa: PLC0415  # its import takes longer than all others together
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415  # as above
    from botocore.compat import HTTPHeaders  # noqa: PLC0415  # as above
    from urllib3 import HTTPResponse  # noqa: PLC0415  # as above

    def answer(request: Any, **_more: Any) -> Any:
        body = HTTPResponse(io.BytesIO(b"{}"), preload_content=False)
        return AWSResponse(request.url, 200, HTTPHeaders(), body)

    # Explicit credentials prevent a lookup of credentials; the hook's answer prevents sending.
    client: Any = boto3.client(  # type: ignore[call-overload]  # any service
        service,
        aws_access_key_id="none",
        aws_secret_access_key="none",  # noqa: S106  # it is none
    )
    client.meta.events.register("before-send", answer)
    getattr(client, operation)(**parameters)
    client.close()
