"""Write Bedrock's refusals in the shape of each route.

https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.clients.stub_model import RefusalError
from tests.support.upstream import Script, reply

REQUEST_ID = "6f1c8a52-0a6e-4c36-9d2c-0c1d5d1b2a3f"
STATUSES: Mapping[str, int] = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 400,
    "InternalServerException": 500,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ModelStreamErrorException": 424,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 400,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
    "ValidationException": 400,
}


class BedrockError(RefusalError):
    """A refusal with the name of Bedrock's exception; its status follows from the name.

    Args:
        kind: The name, such as `ThrottlingException`.
        message: The message.
        wait: Seconds in Retry-After; 0 for no header.

    """

    def __init__(self, kind: str, message: str, wait: int = 0) -> None:
        super().__init__(STATUSES[kind], message, kind, wait)
        self.kind = kind


def invalid(message: str) -> BedrockError:
    """Return the refusal of an invalid request."""
    return BedrockError("ValidationException", message)


def demand(condition: object, message: str) -> None:
    """Refuse the request as invalid unless the condition holds."""
    if not condition:
        raise invalid(message)


def refusal(path: str, error: BedrockError) -> Script:
    """Return the response: in the shape of OpenAI or Anthropic on their routes, else AWS's own."""
    headers = {
        "Content-Type": "application/json",
        "x-amzn-RequestId": REQUEST_ID,
        "x-amzn-ErrorType": f"{error.kind}:http://internal.amazon.com/coral/com.amazon.bedrock/",
    }
    if error.wait:
        headers["Retry-After"] = str(error.wait)
    return reply(_body(path, error), error.status, headers)


def _body(path: str, error: BedrockError) -> Mapping[str, Any]:
    if path.startswith("/openai/"):
        kind = "invalid_request_error" if error.status == 400 else "api_error"
        code = "validation_error" if error.status == 400 else None
        return {"error": {"message": error.message, "type": kind, "param": None, "code": code}}
    if path.startswith("/anthropic/"):
        kind = "invalid_request_error" if error.status == 400 else "api_error"
        return {"type": "error", "error": {"type": kind, "message": error.message}}
    return {"message": error.message}
