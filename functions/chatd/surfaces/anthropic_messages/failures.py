"""Write failures in Anthropic's shape, with its statuses and types.

https://platform.claude.com/docs/en/api/errors. Decision 0038 has what Claude Code does with each.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from chatd.errors import (
    ChatdError,
    ContextTooLongError,
    NoHealthyProviderError,
    QuotaExhaustedError,
    RequestTooLargeError,
    UpstreamNotFoundError,
    UpstreamOverloadedError,
)

_OVERLOADED = 529
_TYPES: Mapping[int, str] = MappingProxyType(
    {
        400: "invalid_request_error",
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        405: "invalid_request_error",
        409: "invalid_request_error",
        413: "request_too_large",
        429: "rate_limit_error",
        504: "timeout_error",
        _OVERLOADED: "overloaded_error",
    }
)
# Claude Code compacts the conversation on a message with the first text, and on every 413; where it
# cannot, it reports one with the second text as a full context. On a message with the third text it
# lowers `max_tokens` (version 2.1.197).
_PROMPT_TOO_LONG = "prompt is too long"
_CONTEXT_WINDOW = "context window"
_EXCEEDS_LIMIT = "exceed context limit"
# Seconds. Claude Code waits for a Retry-After up to this, and gives up at a longer one:
# https://code.claude.com/docs/en/llm-gateway-protocol
_LONGEST_WAIT = 60.0


def status_of(error: ChatdError) -> int:
    """Return the HTTP status: 529 for overload, and 404 for a model that the provider lacks."""
    if isinstance(error, UpstreamOverloadedError | NoHealthyProviderError):
        return _OVERLOADED
    if isinstance(error, UpstreamNotFoundError):
        return HTTPStatus.NOT_FOUND
    return error.status


def headers_of(error: ChatdError) -> dict[str, str]:
    """Return the headers.

    A spent quota names no time after which a retry would succeed. An overload may be retried: an
    agent's task ends otherwise, and Claude Code and the SDKs pause longer each time.
    """
    headers = error.headers()
    if isinstance(error, UpstreamOverloadedError):
        headers.pop("x-should-retry", None)
    if isinstance(error, QuotaExhaustedError) and (error.retry_after or 0) <= _LONGEST_WAIT:
        headers.pop("Retry-After", None)
    return headers


def body_of(error: ChatdError, request_id: str) -> dict[str, Any]:
    """Write the body; the fields that the gateway adds stand beside the type and the message."""
    if error.param == "format":
        error.param = "output_config.format.schema"
    kind = _TYPES.get(status_of(error), "api_error")
    details = error.body(request_id)["error"]
    written = {**details, "type": kind, "message": _message(error)}
    return {"type": "error", "error": written, "request_id": request_id}


def _message(error: ChatdError) -> str:
    """Return the message, with the text that makes Claude Code compact the conversation."""
    message = error.message
    if isinstance(error, ContextTooLongError):
        if not any(known in message.lower() for known in (_PROMPT_TOO_LONG, _EXCEEDS_LIMIT)):
            return f"{_PROMPT_TOO_LONG}: {message}"
    elif isinstance(error, RequestTooLargeError) and _CONTEXT_WINDOW not in message.lower():
        return f"{message}; shorten the conversation, as for a full {_CONTEXT_WINDOW}"
    return message
