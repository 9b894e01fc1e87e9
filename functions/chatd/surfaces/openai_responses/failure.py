"""Write failures of OpenAI's Responses surface: as a response, and in a stream.

https://platform.openai.com/docs/api-reference/responses-streaming/response/failed
"""

from __future__ import annotations

from typing import Any

from chatd.errors import (
    ChatdError,
    ContextTooLongError,
    InvalidRequestError,
    ModelNotFoundError,
    QuotaExhaustedError,
    RateLimitedError,
    UpstreamNotFoundError,
)

# Codes on which Codex tells its user the reason. It repeats a request that failed with any other:
# https://github.com/openai/codex/blob/main/codex-rs/codex-api/src/sse/responses.rs
_CODES = (
    (ContextTooLongError, "context_length_exceeded"),
    (QuotaExhaustedError, "insufficient_quota"),
    (RateLimitedError, "rate_limit_exceeded"),
    (InvalidRequestError, "invalid_prompt"),
)


def as_openai(error: ChatdError) -> ChatdError:
    """Translate a failure: OpenAI answers 404 for a missing model, and has its own field names."""
    if error.param == "format":
        error.param = "text.format.schema"
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


def failure(error: ChatdError, request_id: str) -> dict[str, Any]:
    """Write the `error` of a response that failed in a stream.

    The gateway's own code stands in `reason`, where OpenAI has no such code.
    """
    fields: dict[str, Any] = as_openai(error).body(request_id)["error"]
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "server_error")
    if code != fields["code"]:
        fields["reason"] = fields["code"]
    return {**fields, "code": code}
