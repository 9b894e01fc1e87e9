"""A call of AWS that is made and not sent, so that all it needs is loaded.

It knows boto3, and nothing of what is called for.
"""

from __future__ import annotations

import io
from typing import Any


def dry_call(service: str, operation: str, **parameters: object) -> None:
    """Make a call, up to the moment when it would be sent; its answer is an empty object.

    Args:
        service: As boto3 names it; one that speaks JSON.
        operation: As boto3 names it.
        parameters: The operation's own.

    """
    import boto3  # noqa: PLC0415  # it costs more to import than everything else together
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415  # as above
    from botocore.compat import HTTPHeaders  # noqa: PLC0415  # as above
    from urllib3 import HTTPResponse  # noqa: PLC0415  # as above

    def answer(request: Any, **_more: Any) -> Any:
        body = HTTPResponse(io.BytesIO(b"{}"), preload_content=False)
        return AWSResponse(request.url, 200, HTTPHeaders(), body)

    # Where credentials are given, nobody is asked for any; where a hook answers, nothing is sent.
    client: Any = boto3.client(  # type: ignore[call-overload]  # any service
        service,
        aws_access_key_id="none",
        aws_secret_access_key="none",  # noqa: S106  # it is none
    )
    client.meta.events.register("before-send", answer)
    getattr(client, operation)(**parameters)
    client.close()
