"""Speak Anthropic's Messages dialect with the differences of Amazon Bedrock.

https://docs.aws.amazon.com/bedrock/latest/userguide/inference-messages-api.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr
from pydantic_core import from_json

from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects import Dialect
from chatd.dialects.anthropic_messages.dialect import AnthropicMessages, betas_of
from chatd.dialects.anthropic_messages.options import Options
from chatd.dialects.anthropic_messages.reading import DIALECT
from chatd.dialects.anthropic_messages.request import body_of, own_source
from chatd.dialects.anthropic_messages.token_count import COUNTED
from chatd.dialects.framing import bounded
from chatd.dialects.headers import base_headers
from chatd.dialects.vendors import bedrock
from chatd.dialects.vendors.bedrock import Json
from chatd.dialects.vendors.bedrock_claude import correct, correct_fields, taken_betas
from chatd.errors import ChatdError
from chatd.safe_json.finite_numbers import request_body
from chatd.upstream_http import HttpRequest, HttpResponse

# https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
_INVOKE_VERSION = "bedrock-2023-05-31"
_TIER = "X-Amzn-Bedrock-Service-Tier"


class BedrockAnthropic(AnthropicMessages):
    """Anthropic's Messages dialect on Amazon Bedrock."""

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name the caller's fields that Bedrock does not take, and the betas."""
        source = own_source(request)
        body = Options(request, row).fields if source is None else dict(source.body)
        lost = correct_fields(body, request.model, row)
        _, betas = taken_betas(betas_of(request))
        return tuple(dict.fromkeys((*super().omitted(request, row), *lost, *betas)))

    def count_request(
        self, request: ChatRequest, row: Provider, key: SecretStr | None
    ) -> HttpRequest:
        """Build the request that counts the tokens: a request of InvokeModel within another.

        It names the model itself, and no inference profile:
        https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html

        Raises:
            ChatdError: If the dialect cannot express the request.

        """
        body = {**body_of(request, row)}
        model = bedrock.bare_id(body.pop("model"))
        counted_fields = {name: body[name] for name in COUNTED if name in body}
        correct(counted_fields, request.model, row)
        # InvokeModel requires a limit, which counts no token.
        required = {"anthropic_version": _INVOKE_VERSION, "max_tokens": row.default_max_tokens}
        inner = base64.b64encode(request_body({**required, **counted_fields})).decode()
        counted = request_body({"input": {"invokeModel": {"body": inner}}})
        url = f"{row.base_url}/model/{quote(model, safe='')}/count-tokens"
        return HttpRequest(url, base_headers(row, DIALECT, key), counted)

    def count_of(self, response: HttpResponse) -> int | None:
        """Read the number of tokens; None for a model that Bedrock counts no tokens of."""
        if response.status != HTTPStatus.OK:
            return None
        try:
            body = from_json(bounded(response.body))
        except ValueError:
            return None
        count = body.get("inputTokens") if isinstance(body, dict) else None
        return count if type(count) is int and count >= 0 else None

    def _correct(self, body: Json, row: Provider) -> None:
        correct(body, body["model"], row)

    def _headers(self, request: ChatRequest, row: Provider) -> Mapping[str, str]:
        headers: dict[str, Any] = {**super()._headers(request, row)}
        betas, _ = taken_betas(headers.pop("anthropic-beta", ""))
        if betas:
            headers["anthropic-beta"] = betas
        if row.service_tier is not None:
            headers[_TIER] = row.service_tier
        return {**headers, **bedrock.row_headers(request, row)}

    def _refusal(self, response: HttpResponse) -> ChatdError:
        return bedrock.refusal(response)


_: Dialect = BedrockAnthropic()
