"""The exceptions of a chat, with the HTTP status and error body of each.

    ChatdError
    ├── InvalidRequestError            400  the caller's request is invalid or not supported
    │   ├── RequestTooLargeError       413
    │   ├── CompletionsUnsupportedError 400 the model's provider has no API for completions
    │   ├── UpstreamRefusedError       400  the provider answered 400 or 422
    │   │   ├── ContextTooLongError    400  the conversation exceeds the model's context
    │   │   └── ContentRefusedError    400  the provider's content filter refused the request
    │   ├── KeyReusedError             409  the idempotency key came with another body before
    │   └── InFlightError              409  the first request with this key is in flight
    ├── UnauthorizedError              401  the caller key is missing or unknown
    ├── RouteNotFoundError             404  no such path
    ├── ResponseNotFoundError          404  the caller has no stored response with this id
    ├── MethodNotAllowedError          405
    ├── ModelNotFoundError             404  the model's provider is not registered
    ├── CredentialsUnavailableError    503  a provider's key could not be looked up
    ├── NoHealthyProviderError         503  every circuit breaker is open
    ├── IdempotencyUnavailableError    503  the table of idempotency keys cannot be reached
    ├── GuardrailUnavailableError      503  the guardrail gave no verdict
    ├── StoredResponsesUnavailableError 503 the store of responses cannot be reached
    ├── UpstreamError                  502  the provider failed, or answered malformed
    │   ├── UpstreamAuthError          502  the provider refused our key
    │   ├── UpstreamNotFoundError      502  the provider has no such model
    │   ├── DivergedError              502  the restarted answer differs from the sent part
    │   │   └── PrefillUnclearError    502  a continuation may be an echo of the prefill
    │   ├── FormatNotMetError          502  the answer lacks the requested format
    │   ├── AnswerTooLargeError        502  the answer is too large to read or return
    │   ├── UpstreamTimeoutError       504  the provider was too slow
    │   ├── UpstreamOverloadedError    503
    │   ├── RateLimitedError           429  too many requests; waiting helps
    │   └── QuotaExhaustedError        429  no credit or quota left
    ├── CallCancelledError             499  the caller hung up before there was an answer
    └── InternalError                  500  a fault of the gateway

A direct invocation fails with the class's name as its error type, so the names are part of the
contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any, ClassVar

# The longest `Retry-After`, in seconds, that all versions of OpenAI's SDK obey. After a longer one
# the older versions retry within 8 s:
# https://github.com/openai/openai-python/blob/main/src/openai/_base_client.py
_LONGEST_OBEYED = 60.0
REPORTED = "it reported an error"
"""The message of an error that a provider sent with status 200."""


class ChatdError(Exception):
    """A failure with a message for the caller.

    `retryable`: the same provider may succeed on a retry. `allows_fallback`: another model may
    succeed. `trips_breaker`: the failure counts against the provider, and not one request.

    Args:
        message: The failure and its remedy, without any key, prompt or answer.
        param: The wrong field of the caller's request, such as `messages.0.role`.
        provider: The provider's name, once the chat is routed.
        upstream_status: The HTTP status of the provider's response.
        retry_after: Seconds after which the caller may try again.
        code: A more precise code than the class's own.

    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "api_error"
    default_code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False
    allows_fallback: ClassVar[bool] = False
    trips_breaker: ClassVar[bool] = False

    def __init__(  # noqa: PLR0913  # one keyword for each optional field of the error body
        self,
        message: str,
        *,
        param: str | None = None,
        provider: str | None = None,
        upstream_status: int | None = None,
        retry_after: float | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.provider = provider
        self.upstream_status = upstream_status
        self.retry_after = retry_after
        self.code = code or self.default_code
        # Response headers about the whole chat, such as `x-chatd-attempts`.
        self.chat_headers: Mapping[str, str] = {}
        # Whether the caller read so slowly that the provider may have stopped writing.
        self.caller_was_slow = False

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the error body: `{"error": {…}}`."""
        error: dict[str, Any] = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        if self.provider is not None:
            error["provider"] = self.provider
        if self.upstream_status is not None:
            error["upstream_status"] = self.upstream_status
        error["request_id"] = request_id
        return {"error": error}

    def headers(self) -> dict[str, str]:
        """The response headers of this failure."""
        if self.retry_after is None:
            return dict(self.chat_headers)
        return {**self.chat_headers, "Retry-After": str(max(0, ceil(self.retry_after)))}


class InvalidRequestError(ChatdError):
    """The caller's request is invalid or not supported."""

    status = 400
    type = "invalid_request_error"
    default_code = "invalid_request"


class RequestTooLargeError(InvalidRequestError):
    """The body has too many bytes or JSON values for the gateway, or the provider answered 413."""

    status = 413
    default_code = "request_too_large"
    allows_fallback = True  # another provider may accept the request


class CompletionsUnsupportedError(InvalidRequestError):
    """The model's provider has no API for completions: prompts without turns."""

    default_code = "completions_unsupported"


class UpstreamRefusedError(InvalidRequestError):
    """The provider understood and refused the request (400, 422)."""


class ContextTooLongError(UpstreamRefusedError):
    """The conversation exceeds the model's context; a model with a larger context may succeed."""

    default_code = "context_length_exceeded"


class ContentRefusedError(UpstreamRefusedError):
    """The provider's content filter refused the request."""

    default_code = "content_filter"


class KeyReusedError(InvalidRequestError):
    """The idempotency key came with another body before."""

    status = 409
    default_code = "idempotency_key_reused"

    def headers(self) -> dict[str, str]:
        """The parent's, plus `x-should-retry: false`: OpenAI's SDKs would retry a 409."""
        return {**super().headers(), "x-should-retry": "false"}


class InFlightError(InvalidRequestError):
    """The first request with this idempotency key is in flight."""

    status = 409
    default_code = "idempotency_key_in_flight"


class UnauthorizedError(ChatdError):
    """The caller key is missing or unknown."""

    status = 401
    type = "authentication_error"
    default_code = "invalid_api_key"


class RouteNotFoundError(ChatdError):
    """No route has this path."""

    status = 404
    type = "invalid_request_error"
    default_code = "route_not_found"


class ResponseNotFoundError(ChatdError):
    """The caller has no stored response with this id."""

    status = 404
    type = "invalid_request_error"
    default_code = "response_not_found"


class MethodNotAllowedError(ChatdError):
    """The path has no route with this method."""

    status = 405
    type = "invalid_request_error"
    default_code = "method_not_allowed"


class ModelNotFoundError(ChatdError):
    """The provider of the model's name is not registered."""

    status = 404
    type = "invalid_request_error"
    default_code = "model_not_found"


class CredentialsUnavailableError(ChatdError):
    """The lookup of the provider's key failed; a missing key is a different error."""

    status = 503
    default_code = "credentials_unavailable"
    allows_fallback = True


class NoHealthyProviderError(ChatdError):
    """The circuit breaker of every possible target is open."""

    status = 503
    default_code = "no_healthy_provider"
    allows_fallback = True


class IdempotencyUnavailableError(ChatdError):
    """The table of idempotency keys cannot be reached; no request was sent to a provider."""

    status = 503
    default_code = "idempotency_unavailable"


class GuardrailUnavailableError(ChatdError):
    """The guardrail of the model's provider gave no verdict, so that no text may pass."""

    status = 503
    default_code = "guardrail_unavailable"


class StoredResponsesUnavailableError(ChatdError):
    """The store of responses cannot be reached; no request was sent to a provider."""

    status = 503
    default_code = "stored_responses_unavailable"


class UpstreamError(ChatdError):
    """The provider failed, could not be reached, or sent a malformed answer.

    Attributes:
        unreachable: Whether no connection to the provider could be made.
        malformed: Whether the answer does not fit the dialect, or lacks its end.
        unusable_stream: Whether a stream broke before its first event, of status 200 and without a
            reason; a complete answer may be usable.

    """

    unreachable = False
    malformed = False
    unusable_stream = False

    status = 502
    default_code = "upstream_error"
    retryable = True
    allows_fallback = True
    trips_breaker = True

    def headers(self) -> dict[str, str]:
        """The parent's, plus `x-should-retry: false` if a retry by the client is useless.

        The gateway has made the useful retries: two more by OpenAI's SDKs would turn three attempts
        into nine. A `Retry-After` that the SDKs obey is the exception: that retry is due.
        """
        if 0 < (self.retry_after or 0) <= _LONGEST_OBEYED:
            return super().headers()
        return {**super().headers(), "x-should-retry": "false"}


class UpstreamAuthError(UpstreamError):
    """The provider refused the key, or the key lacks a permission."""

    default_code = "upstream_auth_error"
    retryable = False
    trips_breaker = False

    def headers(self) -> dict[str, str]:
        """The parent's, plus `x-should-retry: false`: no retry can succeed."""
        return {**super().headers(), "x-should-retry": "false"}


class UpstreamNotFoundError(UpstreamError):
    """The provider has no such model for this key (404).

    Attributes:
        wrong_dialect: Whether the provider may serve the model in another dialect.

    """

    retryable = False
    trips_breaker = False
    wrong_dialect = False


class DivergedError(UpstreamError):
    """The restarted answer differs from the part that the caller already has."""

    retryable = False
    allows_fallback = False
    trips_breaker = False


class PrefillUnclearError(DivergedError):
    """The text after a prefill may be an echo of the prefill; the answer is restarted."""

    default_code = "prefill_unclear"


class FormatNotMetError(UpstreamError):
    """The answer lacks the requested format, also after a retry."""

    default_code = "format_not_met"
    retryable = False
    trips_breaker = False


class AnswerTooLargeError(UpstreamError):
    """The provider's answer is too large to read or to return."""

    default_code = "answer_too_large"
    retryable = False
    trips_breaker = False


class UpstreamTimeoutError(UpstreamError):
    """The provider did not answer within the limits of time."""

    status = 504
    type = "timeout_error"
    default_code = "upstream_timeout"


class UpstreamOverloadedError(UpstreamError):
    """The provider is overloaded (503)."""

    status = 503
    default_code = "upstream_overloaded"


class RateLimitedError(UpstreamError):
    """Too many requests; waiting helps (429)."""

    status = 429
    type = "rate_limit_error"
    default_code = "rate_limit_exceeded"
    trips_breaker = False


class QuotaExhaustedError(UpstreamError):
    """The account is out of credit or quota; waiting a little does not help (402, some 429)."""

    status = 429
    type = "insufficient_quota"
    default_code = "insufficient_quota"
    retryable = False
    trips_breaker = False

    def headers(self) -> dict[str, str]:
        """The parent's, plus `x-should-retry: false`."""
        return {**super().headers(), "x-should-retry": "false"}


class CallCancelledError(ChatdError):
    """The caller hung up before there was an answer; no provider is to blame."""

    status = 499
    default_code = "client_closed"

    def __init__(self) -> None:
        super().__init__("the caller hung up before there was an answer")


class InternalError(ChatdError):
    """A fault of the gateway; the log line with this request id has the place."""


def one_of(names: Iterable[str]) -> str:
    """Join names for a message: `'a', 'b'`."""
    return ", ".join(repr(name) for name in names)
