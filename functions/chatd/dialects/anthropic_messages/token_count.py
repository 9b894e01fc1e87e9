"""Ask a provider of Anthropic's dialect for the number of a request's input tokens.

https://platform.claude.com/docs/en/api/messages/count_tokens
"""

from __future__ import annotations

from http import HTTPStatus

from pydantic import SecretStr
from pydantic_core import from_json

from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.reading import DIALECT, VERSION
from chatd.dialects.anthropic_messages.request import body_of
from chatd.dialects.framing import bounded
from chatd.dialects.headers import base_headers
from chatd.safe_json.finite_numbers import request_body
from chatd.upstream_http import HttpRequest, HttpResponse

# The fields that make the count; the route refuses others, such as max_tokens.
COUNTED = (
    *("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"),
    "cache_control",
)


def count_request(request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
    """Build the HTTP request.

    It has no `anthropic-beta`: providers refuse betas here that they take for chats, and fields of
    betas with them. https://github.com/BerriAI/litellm/issues/39597

    Args:
        request: The request; `request.model` is the provider's name for the model.
        row: The provider's row.
        key: The provider's key.

    Raises:
        ChatdError: If the dialect cannot express the request.

    """
    body = body_of(request, row)
    counted = {name: body[name] for name in COUNTED if name in body}
    headers = {**base_headers(row, DIALECT, key), "anthropic-version": VERSION}
    return HttpRequest(row.url(DIALECT, "/messages/count_tokens"), headers, request_body(counted))


def count_of(response: HttpResponse) -> int | None:
    """Read the number of tokens; None if the provider refused, or sent no number."""
    if response.status != HTTPStatus.OK:
        return None
    try:
        body = from_json(bounded(response.body))
    except ValueError:
        return None
    count = body.get("input_tokens") if isinstance(body, dict) else None
    return count if type(count) is int and count >= 0 else None
