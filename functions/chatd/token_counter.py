"""Count the input tokens of a request: by its provider, else as an estimate.

A count is no chat: it opens no circuit breaker, makes no second attempt and has no metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol, cast

from pydantic import SecretStr

from chatd.call import Call
from chatd.canonical.content import Block, Document, Image, ToolResult
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import CHARACTERS_A_TOKEN
from chatd.config.provider import Provider
from chatd.dialects import dialect_name
from chatd.errors import ChatdError, InvalidRequestError
from chatd.routing.target_selection import Target, TargetSelector
from chatd.safe_json.request_size import within_limits
from chatd.surfaces.anthropic_messages.token_count import count_body, count_request_of
from chatd.telemetry.writer import Telemetry
from chatd.transport.http_client import Transport
from chatd.upstream_http import HttpRequest, HttpResponse

# Tokens of a large image in Claude's models:
# https://platform.claude.com/docs/en/build-with-claude/vision#evaluate-image-size
IMAGE_TOKENS = 1_600
# Tokens of a full page of a PDF file, whose pages are not counted here:
# https://platform.claude.com/docs/en/build-with-claude/pdf-support#estimate-your-costs
DOCUMENT_TOKENS = 3_000
# Seconds for the provider's count; Claude Code waits for it while it draws a page.
_SECONDS = 10.0
_COUNTING_DIALECT = "anthropic_messages"
_UNSUPPORTED = "unsupported_parameter"


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The number of input tokens; `provider` counted them, or None for an estimate."""

    input_tokens: int
    provider: str | None = None

    @property
    def body(self) -> Mapping[str, Any]:
        """The response's body."""
        return count_body(self.input_tokens)

    @property
    def headers(self) -> Mapping[str, str]:
        """The response headers, which mark an estimate."""
        return {} if self.provider else {"x-chatd-estimated": "input_tokens"}


class _CountingDialect(Protocol):
    """Anthropic's Messages dialect, which has a request for the number of tokens."""

    def count_request(
        self, request: ChatRequest, row: Provider, key: SecretStr | None
    ) -> HttpRequest:
        """Build the request."""

    def count_of(self, response: HttpResponse) -> int | None:
        """Read the number."""


class TokenCounter:
    """Count input tokens.

    Args:
        selector: Selects the target, as for a chat.
        transport: Sends the requests.
        telemetry: Logs each count in one line.

    """

    def __init__(
        self, selector: TargetSelector, transport: Transport, telemetry: Telemetry
    ) -> None:
        self._selector = selector
        self._transport = transport
        self._telemetry = telemetry

    def count(
        self, headers: Mapping[str, str], body: Callable[[], bytes], call: Call
    ) -> TokenCount:
        """Count the tokens of a request for its first target; estimate them without a model.

        Any failure of the provider leads to an estimate: the chat itself reports such a failure.

        Args:
            headers: The HTTP headers by lower-case name.
            body: Returns the body, or raises an InvalidRequestError.
            call: The id and the deadline.

        Raises:
            ChatdError: If the request is invalid, or its model leads to no available provider.

        """
        request = count_request_of(headers, within_limits(body()))
        target = self._target(request, call) if request.model else None
        counted = None if target is None else self._counted(target, call)
        count = TokenCount(estimate(request)) if counted is None else counted
        self._telemetry.token_count(call.request_id, count.input_tokens, count.provider)
        return count

    def _target(self, request: ChatRequest, call: Call) -> Target | None:
        """Select the first target; None if a chat would be refused for one of its fields."""
        try:
            return self._selector.targets(request, call)[0]
        except InvalidRequestError as refusal:
            if refusal.code == _UNSUPPORTED:
                return None
            raise

    def _counted(self, target: Target, call: Call) -> TokenCount | None:
        row = target.route.provider
        if not row.counts_tokens or dialect_name(row, target.request) != _COUNTING_DIALECT:
            return None
        dialect = cast("_CountingDialect", target.adapter)
        deadline, connect = call.deadline.within(_SECONDS), target.route.timeouts.connect
        try:
            sent = target.signed(dialect.count_request(target.request, row, target.key))
            response = self._transport.send(sent, deadline, connect, call.on_cancel)
        except ChatdError:
            return None
        tokens = dialect.count_of(response)
        return None if tokens is None else TokenCount(tokens, row.name)


def estimate(request: ChatRequest) -> int:
    """Estimate the input tokens: characters / 4, 1,600 an image, and 3,000 a file."""
    blocks = (block for message in request.messages for block in message.blocks)
    return ceil(request.prompt_size / CHARACTERS_A_TOKEN) + _of_media(blocks)


def _of_media(blocks: Iterable[Block]) -> int:
    tokens = 0
    for block in blocks:
        if isinstance(block, Image):
            tokens += IMAGE_TOKENS
        elif isinstance(block, Document) and block.text is None:
            tokens += DOCUMENT_TOKENS
        elif isinstance(block, ToolResult):
            tokens += _of_media(block.blocks)
    return tokens
