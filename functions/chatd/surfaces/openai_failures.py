"""Translate the gateway's failures to failures of OpenAI's APIs."""

from __future__ import annotations

from chatd.errors import ChatdError, ModelNotFoundError, UpstreamNotFoundError


def as_openai(error: ChatdError, schema_field: str) -> ChatdError:
    """Translate a failure: OpenAI answers 404 for a missing model, and has its own field names.

    Args:
        error: The failure.
        schema_field: The API's field for the JSON Schema of the answer.

    """
    if error.param == "format":
        error.param = schema_field
    if not isinstance(error, UpstreamNotFoundError):
        return error
    found = ModelNotFoundError(
        error.message,
        param="model",
        provider=error.provider,
        upstream_status=error.upstream_status,
        retry_after=error.retry_after,
    )
    found.chat_headers = error.chat_headers
    return found
