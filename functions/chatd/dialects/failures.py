"""Map a provider's refusal to an error class by its status, code and message."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from chatd.dialects import lenient
from chatd.errors import (
    REPORTED,
    ChatdError,
    ContentRefusedError,
    ContextTooLongError,
    QuotaExhaustedError,
    RateLimitedError,
    RequestTooLargeError,
    UpstreamAuthError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
)
from chatd.upstream_http import HttpResponse

# Redaction reads no more (redaction.py), and cuts what is left to 400 characters.
_MAX_REASON = 4_000
# Seconds. A longer wait is a provider's mistake, or the reset of a monthly quota.
LONGEST_RETRY_AFTER = 86_400.0
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_STATUS = re.compile(r"[45][0-9]{2}")
# Types of errors, which say no more than the status.
_TYPES = frozenset({"api_error", "error", "invalid_request_error"})
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")

# OpenCode's code for a model that it lacks, or serves in another dialect; the error says so.
MODEL_ERROR = "ModelError"

_BY_STATUS: Mapping[int, type[ChatdError]] = MappingProxyType(
    {
        400: UpstreamRefusedError,
        401: UpstreamAuthError,
        402: QuotaExhaustedError,
        403: UpstreamAuthError,
        404: UpstreamNotFoundError,
        408: UpstreamTimeoutError,
        413: RequestTooLargeError,
        422: UpstreamRefusedError,
        429: RateLimitedError,
        503: UpstreamOverloadedError,
        504: UpstreamTimeoutError,
        529: UpstreamOverloadedError,  # https://platform.claude.com/docs/en/api/errors
    }
)

# Codes and types that are more precise than their status:
# OpenAI; Kimi (https://www.kimi.com/code/docs/en/kimi-code/error-reference.html); OpenCode, where
# nearly everything is 401 (https://github.com/anomalyco/opencode, packages/console/app).
_BY_CODE: Mapping[str, type[ChatdError]] = MappingProxyType(
    {
        "insufficient_quota": QuotaExhaustedError,
        "exceeded_current_quota_error": QuotaExhaustedError,
        "CreditsError": QuotaExhaustedError,
        "MonthlyLimitError": QuotaExhaustedError,
        "UserLimitError": QuotaExhaustedError,
        "FreeUsageLimitError": QuotaExhaustedError,
        "GoUsageLimitError": QuotaExhaustedError,
        MODEL_ERROR: UpstreamNotFoundError,
        "context_length_exceeded": ContextTooLongError,
        # https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
        "exceed_context_size_error": ContextTooLongError,
        "content_filter": ContentRefusedError,
        "content_policy_violation": ContentRefusedError,
        # A failed response of OpenAI's Responses API has no status but 200:
        # https://github.com/openai/openai-python/blob/main/src/openai/types/responses/response_error.py
        "rate_limit_exceeded": RateLimitedError,
        "server_is_overloaded": UpstreamOverloadedError,
        "slow_down": UpstreamOverloadedError,
        "invalid_prompt": UpstreamRefusedError,
        "invalid_encrypted_content": UpstreamRefusedError,
        "image_content_policy_violation": ContentRefusedError,
        "bio_policy": ContentRefusedError,
        "cyber_policy": ContentRefusedError,
        "misalignment_policy_violation": ContentRefusedError,
        "model_not_found": UpstreamNotFoundError,
        # https://platform.claude.com/docs/en/api/errors
        "overloaded_error": UpstreamOverloadedError,
        "billing_error": QuotaExhaustedError,
        "request_too_large": RequestTooLargeError,
        "enforced_spend_limit_reached": QuotaExhaustedError,
        "contract_spend_limit_reached": QuotaExhaustedError,
        # Amazon Bedrock's exceptions, which a stream of another vendor's dialect may hold:
        # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
        "ThrottlingException": RateLimitedError,
        "ModelNotReadyException": RateLimitedError,
        "ServiceUnavailableException": UpstreamOverloadedError,
        "InternalServerException": UpstreamError,
        "ModelStreamErrorException": UpstreamError,
        "ModelTimeoutException": UpstreamTimeoutError,
        "ValidationException": UpstreamRefusedError,
    }
)
# Types of Anthropic that stand for a status, in an error that came with status 200: as an event of
# a stream. With another status the status holds, since OpenAI's types have the same names.
_BY_TYPE: Mapping[str, type[ChatdError]] = MappingProxyType(
    {
        "invalid_request_error": UpstreamRefusedError,
        "authentication_error": UpstreamAuthError,
        "permission_error": UpstreamAuthError,
        "not_found_error": UpstreamNotFoundError,
        "rate_limit_error": RateLimitedError,
        "timeout_error": UpstreamTimeoutError,
    }
)
# Ollama Cloud has no code for a spent quota, only a message such as "hourly usage limit":
# https://github.com/ollama/ollama/blob/main/docs/cloud.mdx
_QUOTA_WORDS = "usage limit"
# Anthropic answers 400 for an empty account and for a workspace's own limit.
_SPENT = re.compile(r"credit balance is too low|reached your specified .{0,20}API usage limits")
# Few providers have a code for a conversation that is too long. The rest send a message, also with
# status 500 or 200: OpenRouter "maximum context length is", Ollama "exceeds the context length" and
# "exceeded max context length" (https://github.com/ollama/ollama/blob/main/server/routes.go), Kimi
# "exceeded model token limit" (https://platform.moonshot.ai/docs/api/errors), llama-server "exceeds
# the available context size", llama-cpp-python "exceed context window", LiteLLM "context window
# exceeded", vendors behind them "prompt is too long".
_TOO_LONG = re.compile(
    r"maximum context length|exceed\w* (the |its )?(available |maximum |max )?context"
    r"|context ?(window|length|size) ?(is |was |has been )?exceeded"
    r"|exceeded model token limit|(prompt|input) is too long"
    r"|exceeds the maximum number of (input )?tokens",
    re.IGNORECASE,
)
# Messages of content filters: OpenRouter's is a 403 that names moderation
# (https://openrouter.ai/docs/api-reference/errors), Kimi's a 400 "considered high risk".
_REFUSED = re.compile(
    r"moderation|(input|prompt|content) was flagged|content (policy|filter)|considered high risk",
    re.IGNORECASE,
)
_MAY_MEAN_TOO_LONG = (UpstreamRefusedError, RequestTooLargeError, UpstreamError)


def failure(response: HttpResponse, reason: str = "", *codes: str) -> ChatdError:
    """Make the error for a refusal.

    Args:
        response: The response; with status 200 it holds an error.
        reason: The provider's own message, if there is one.
        codes: The provider's own code and type, if there are any. A number replaces the status.

    """
    # A provider may quote all of the request, whose text is the caller's: patterns that look for
    # phrases take time quadratic in it.
    reason = reason[:_MAX_REASON]
    status = response.status
    if status == HTTPStatus.OK:
        status = next((int(code) for code in codes if _STATUS.fullmatch(code)), status)
    kind = next((_BY_CODE[code] for code in codes if code in _BY_CODE), None)
    if kind is None and status == HTTPStatus.OK:
        kind = next((_BY_TYPE[code] for code in codes if code in _BY_TYPE), None)
    kind = kind or _BY_STATUS.get(status, UpstreamError)
    kind = _by_words(kind, status, reason)
    error = kind(
        _message(kind, status, reason),
        code=_code(kind, status, codes),
        upstream_status=response.status,
        retry_after=_retry_after(response.headers),
    )
    if isinstance(error, UpstreamNotFoundError):
        error.wrong_dialect = MODEL_ERROR in codes
    return error


def refusal(response: HttpResponse) -> ChatdError:
    """Make the error for a response with another status than 200."""
    return reported(response, lenient.refusal(response.body) or lenient.Refusal(""))


def reported(response: HttpResponse, found: lenient.Refusal) -> ChatdError:
    """Make the error from the provider's own message and codes."""
    return failure(response, found.words, *found.codes)


def error_field(response: HttpResponse, error: Any) -> ChatdError:
    """Make the error for the `error` field of a response or an event."""
    return reported(response, lenient.refusal_of(error))


def unlike(response: HttpResponse, text: bytes, what: str) -> ChatdError:
    """Make the error for a body or an event of another shape, with its own message if it has one.

    Args:
        response: The response.
        text: The body or the event.
        what: Describes the defect of one without a message.

    """
    found = lenient.refusal(text)
    return malformed(response, what) if found is None else reported(response, found)


def _by_words(kind: type[ChatdError], status: int, reason: str) -> type[ChatdError]:
    """Refine the error class by the provider's message."""
    if kind is RateLimitedError and _QUOTA_WORDS in reason:
        return QuotaExhaustedError
    if kind is UpstreamRefusedError and _SPENT.search(reason):
        return QuotaExhaustedError
    if kind in _MAY_MEAN_TOO_LONG and _TOO_LONG.search(reason):
        return ContextTooLongError
    refusing = kind is UpstreamRefusedError or status == HTTPStatus.FORBIDDEN
    return ContentRefusedError if refusing and _REFUSED.search(reason) else kind


def malformed(response: HttpResponse, what: str) -> UpstreamError:
    """Make the error for a malformed answer; `what` describes the defect."""
    error = UpstreamError(what, upstream_status=response.status)
    error.malformed = True
    return error


def retry_after(
    value: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> float | None:
    """Read a `Retry-After` header: seconds, whole or with a fraction, or an HTTP date.

    Args:
        value: The header's value, whatever the provider sent.
        now: Returns the present moment.

    Returns:
        Seconds from now, from 0 to a day; None if the value is neither.

    """
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_RETRY_AFTER)
    try:
        date = parsedate_to_datetime(text)
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now()).total_seconds()
    except (ValueError, ArithmeticError, LookupError, TypeError):  # as the parser meets it
        return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait that the provider demands, in seconds; OpenAI gives it in milliseconds as well."""
    exact = headers.get("retry-after-ms", "").strip()
    if _SECONDS.fullmatch(exact):
        return min(float(exact) / 1000, LONGEST_RETRY_AFTER)
    return retry_after(headers.get("retry-after", ""))


def _message(kind: type[ChatdError], status: int, reason: str) -> str:
    if kind is UpstreamAuthError:
        return f"it refused the gateway's key, or what the key asked for ({status})"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"it redirects ({status}), and a key is never taken along; correct its base URL"
    # Redaction needs the whole reason: a key that is cut in two is not found any more.
    words = " ".join(reason.split())
    outcome = REPORTED if status == HTTPStatus.OK else f"it answered {status}"
    return f"{outcome}: {words}" if words else outcome


def _code(kind: type[ChatdError], status: int, codes: tuple[str, ...]) -> str | None:
    """The provider's own code where it helps the caller; otherwise the error's own."""
    if kind is UpstreamAuthError and status == HTTPStatus.FORBIDDEN:
        return "upstream_access_denied"
    if kind is UpstreamRefusedError:
        exact = (code for code in codes if _CODE.fullmatch(code) and code not in _TYPES)
        return next(exact, None)
    return None
