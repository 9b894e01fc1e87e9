"""What can go wrong with a chat, and what each failure becomes for a caller.

    ChatdError
    ├── InvalidRequestError            400  the caller's request cannot be served as it is
    │   ├── RequestTooLargeError       413
    │   ├── UpstreamRefusedError       400  the provider said 400 or 422
    │   │   ├── ContextTooLongError    400  the conversation is longer than the model can read
    │   │   └── ContentRefusedError    400  the provider does not want to answer this
    │   ├── KeyReusedError             409  the idempotency key came with another body before
    │   └── InFlightError              409  the first request with this key is not answered yet
    ├── UnauthorizedError              401  no caller's key, or an unknown one
    ├── RouteNotFoundError             404  no such path
    ├── MethodNotAllowedError          405
    ├── ModelNotFoundError             404  the model's name leads to no registered provider
    ├── CredentialsUnavailableError    503  a provider's key could not be looked up
    ├── NoHealthyProviderError         503  whoever could be asked has been failing
    ├── IdempotencyUnavailableError    503  the table of idempotency keys cannot be reached
    ├── UpstreamError                  502  the provider broke, or answered nonsense
    │   ├── UpstreamAuthError          502  the provider refused our key
    │   ├── UpstreamNotFoundError      502  the provider has no such model
    │   ├── DivergedError              502  the answer begun anew differs from what was sent
    │   │   └── PrefillUnclearError    502  a continuation cannot be told from an echo
    │   ├── FormatNotMetError          502  the answer is not in the form that was asked for
    │   ├── AnswerTooLargeError        502  the answer does not fit the way back
    │   ├── UpstreamTimeoutError       504  the provider was too slow
    │   ├── UpstreamOverloadedError    503
    │   ├── RateLimitedError           429  it will pass
    │   └── QuotaExhaustedError        429  it will not pass by itself
    ├── CallCancelledError             499  the caller hung up before there was an answer
    └── InternalError                  500  a fault of our own

A direct invocation fails with the class's name as its error type, so a name here is part of the
contract. This file knows nothing of HTTP clients, events or dialects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any, ClassVar

# The longest `Retry-After`, in seconds, that all versions of OpenAI's SDK obey. After a longer one
# the older versions retry within 8 s:
# https://github.com/openai/openai-python/blob/main/src/openai/_base_client.py
_LONGEST_OBEYED = 60.0


class ChatdError(Exception):
    """A failure that a caller is told of.

    `transient` says whether the same provider may do better when it is asked again,
    `falls_through` whether another one may, and `unwell` whether it tells of a provider that is
    not well, and not of one request that it did not serve.

    Args:
        message: What happened and what to do about it. No key, prompt or answer.
        param: The field of the caller's request that is at fault, such as `messages.0.role`.
        provider: The provider's name, once the chat was routed.
        upstream_status: The HTTP status that the provider answered with.
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
        # Headers that tell of the chat as a whole, and not of this failure.
        self.beside: Mapping[str, str] = {}
        # Whether the caller read so slowly that the provider may have given up writing.
        self.caller_was_slow = False

    def body(self, request_id: str) -> dict[str, Any]:
        """The error body that every way in answers with: `{"error": {…}}`."""
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
        """Response headers that belong to this failure."""
        if self.retry_after is None:
            return dict(self.beside)
        return {**self.beside, "Retry-After": str(max(0, ceil(self.retry_after)))}


class InvalidRequestError(ChatdError):
    """The caller's request cannot be served as it is."""

    status = 400
    type = "invalid_request_error"
    default_code = "invalid_request"


class RequestTooLargeError(InvalidRequestError):
    """The body has more bytes or JSON values than the gateway reads, or the provider said 413."""

    status = 413
    default_code = "request_too_large"
    allows_fallback = True  # another provider may take what this one does not


class UpstreamRefusedError(InvalidRequestError):
    """The provider understood the request and refused it (400, 422)."""


class ContextTooLongError(UpstreamRefusedError):
    """The conversation is longer than the model can read; one with a larger context may."""

    default_code = "context_length_exceeded"


class ContentRefusedError(UpstreamRefusedError):
    """The provider does not want to answer this: its own filter, not a failure."""

    default_code = "content_filter"


class KeyReusedError(InvalidRequestError):
    """The idempotency key came with another body before."""

    status = 409
    default_code = "idempotency_key_reused"

    def headers(self) -> dict[str, str]:
        """As its parent's; OpenAI's SDKs would retry a 409."""
        return {**super().headers(), "x-should-retry": "false"}


class InFlightError(InvalidRequestError):
    """The first request with this idempotency key has not been answered yet."""

    status = 409
    default_code = "idempotency_key_in_flight"


class UnauthorizedError(ChatdError):
    """The caller showed no key, or one that nobody holds."""

    status = 401
    type = "authentication_error"
    default_code = "invalid_api_key"


class RouteNotFoundError(ChatdError):
    """Nothing is served at this path."""

    status = 404
    type = "invalid_request_error"
    default_code = "route_not_found"


class MethodNotAllowedError(ChatdError):
    """The path is served, with another method."""

    status = 405
    type = "invalid_request_error"
    default_code = "method_not_allowed"


class ModelNotFoundError(ChatdError):
    """The model's name leads to a provider that is not registered."""

    status = 404
    type = "invalid_request_error"
    default_code = "model_not_found"


class CredentialsUnavailableError(ChatdError):
    """The provider's key could not be looked up, which is not the same as having none."""

    status = 503
    default_code = "credentials_unavailable"
    allows_fallback = True


class NoHealthyProviderError(ChatdError):
    """Whoever could be asked has been failing, and is left alone for a while."""

    status = 503
    default_code = "no_healthy_provider"
    allows_fallback = True


class IdempotencyUnavailableError(ChatdError):
    """The table of idempotency keys cannot be reached, so nothing was asked of a provider."""

    status = 503
    default_code = "idempotency_unavailable"


class UpstreamError(ChatdError):
    """The provider broke, could not be reached, or answered nonsense.

    Attributes:
        unreachable: Whether no connection could be made, whichever model was asked for.
        malformed: Whether the answer is not one of the provider's dialect, or lacks its end.
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
        """As its parent's, with `x-should-retry: false` where a client's own retry is useless.

        The gateway has made the retries that may help, so three more by OpenAI's SDKs would make
        nine attempts of three. A `Retry-After` that they obey is an exception: that retry is due.
        """
        if 0 < (self.retry_after or 0) <= _LONGEST_OBEYED:
            return super().headers()
        return {**super().headers(), "x-should-retry": "false"}


class UpstreamAuthError(UpstreamError):
    """The provider refused our key, or what our key asked for."""

    default_code = "upstream_auth_error"
    retryable = False
    trips_breaker = False

    def headers(self) -> dict[str, str]:
        """As its parent's; OpenAI's SDKs would retry what no retry can mend."""
        return {**super().headers(), "x-should-retry": "false"}


class UpstreamNotFoundError(UpstreamError):
    """The provider does not know the model, or not for our key (404)."""

    retryable = False
    trips_breaker = False


class DivergedError(UpstreamError):
    """The answer that was begun anew differs from what the caller has already got."""

    retryable = False
    allows_fallback = False
    trips_breaker = False


class PrefillUnclearError(DivergedError):
    """What comes after a prefill may be an echo of it, or may not; the answer is begun anew."""

    default_code = "prefill_unclear"


class FormatNotMetError(UpstreamError):
    """The answer is not in the form that was asked for, and was not when asked again."""

    default_code = "format_not_met"
    retryable = False
    trips_breaker = False


class AnswerTooLargeError(UpstreamError):
    """The provider's answer is larger than can be read or returned."""

    default_code = "answer_too_large"
    retryable = False
    trips_breaker = False


class UpstreamTimeoutError(UpstreamError):
    """The provider did not answer in the time there was."""

    status = 504
    type = "timeout_error"
    default_code = "upstream_timeout"


class UpstreamOverloadedError(UpstreamError):
    """The provider is up, and too busy (503)."""

    status = 503
    default_code = "upstream_overloaded"


class RateLimitedError(UpstreamError):
    """Too many requests; it passes with time (429)."""

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
        """As its parent's; it also tells OpenAI's SDKs not to retry."""
        return {**super().headers(), "x-should-retry": "false"}


class CallCancelledError(ChatdError):
    """The caller hung up before there was an answer; no provider is to blame."""

    status = 499
    default_code = "client_closed"

    def __init__(self) -> None:
        super().__init__("the caller hung up before there was an answer")


class InternalError(ChatdError):
    """A fault of our own: the log line with this request id says where."""


def one_of(names: Iterable[str]) -> str:
    """A list of names as a message shows it: `'a', 'b'`."""
    return ", ".join(repr(name) for name in names)
