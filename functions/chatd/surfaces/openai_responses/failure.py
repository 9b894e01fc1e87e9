"""Write failures of OpenAI's Responses surface: as a response, and in a stream.

https://platform.openai.com/docs/api-reference/responses-streaming/response/failed
"""

from __future__ import annotations

from typing import Any

from chatd.errors import (
    ChatdError,
    ContextTooLongError,
    InvalidRequestError,
    QuotaExhaustedError,
    RateLimitedError,
)
from chatd.surfaces.openai_failures import as_openai

SCHEMA_FIELD = "text.format.schema"

# Codes on which Codex tells its user the reason. It repeats a request that failed with any other:
# https://github.com/openai/codex/blob/main/codex-rs/codex-api/src/sse/responses.rs
_CODES = (
    (ContextTooLongError, "context_length_exceeded"),
    (QuotaExhaustedError, "insufficient_quota"),
    (RateLimitedError, "rate_limit_exceeded"),
    (InvalidRequestError, "invalid_prompt"),
)


def failure(error: ChatdError, request_id: str) -> dict[str, Any]:
    """Write the `error` of a response that failed in a stream.

    The gateway's own code stands in `reason`, where OpenAI has no such code.
    """
    fields: dict[str, Any] = as_openai(error, SCHEMA_FIELD).body(request_id)["error"]
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "server_error")
    if code != fields["code"]:
        fields["reason"] = fields["code"]
    return {**fields, "code": code}
