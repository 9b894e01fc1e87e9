"""Speak OpenAI's Responses dialect with the differences of Amazon Bedrock.

The facts are of October 2026:
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-responses-api.html and
https://github.com/BerriAI/litellm/tree/main/litellm/llms/bedrock/responses
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects import Dialect
from chatd.dialects.openai_responses.dialect import OpenAIResponses
from chatd.dialects.openai_responses.reading import AnswerCorrection
from chatd.dialects.openai_responses.request import own_source
from chatd.dialects.vendors import bedrock
from chatd.dialects.vendors.bedrock import Json
from chatd.errors import ChatdError
from chatd.upstream_http import HttpResponse

# The kinds of tools that bedrock-runtime takes; it runs no tools on its servers.
_TOOLS = frozenset(
    {"function", "mcp", "custom", "apply_patch", "namespace", "tool_search", "computer"}
)


class BedrockResponses(OpenAIResponses):
    """OpenAI's Responses dialect on Amazon Bedrock."""

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name the caller's fields and tools that Bedrock does not take."""
        source = own_source(request)
        lost = () if source is None else _without_hosted_tools(dict(source.body))
        return tuple(dict.fromkeys((*super().omitted(request, row), *lost)))

    def _correct(self, body: Json, row: Provider) -> None:
        _without_hosted_tools(body)
        if row.service_tier is not None:
            body["service_tier"] = row.service_tier

    def _headers(self, request: ChatRequest, row: Provider) -> Mapping[str, str]:
        return bedrock.row_headers(request, row)

    def _refusal(self, response: HttpResponse) -> ChatdError:
        return bedrock.refusal(response)

    def _answer_correction(self) -> AnswerCorrection:
        return _Answer().correct


def _without_hosted_tools(body: Json) -> tuple[str, ...]:
    """Leave out hosted tools, such as Codex's `web_search`, and a choice of one.

    Returns:
        The names of the left out tools and fields.

    """
    tools = body.get("tools")
    if not isinstance(tools, list):
        return ()
    kept = [tool for tool in tools if tool.get("type") in _TOOLS]
    if len(kept) == len(tools):
        return ()
    lost = [f"tools.{tool.get('type')}" for tool in tools if tool.get("type") not in _TOOLS]
    body["tools"] = kept
    choice = body.get("tool_choice")
    chosen = choice.get("type") if isinstance(choice, dict) else None
    is_lost = chosen is not None and chosen not in (*_TOOLS, "allowed_tools")
    if choice is not None and (is_lost or not kept):
        del body["tool_choice"]
        lost.append("tool_choice")
    if not kept:
        del body["tools"]
    return tuple(lost)


class _Answer:
    """Corrects the JSON objects of one answer: the ids of calls."""

    def __init__(self) -> None:
        self._ids = bedrock.UniqueIds()

    def correct(self, body: Json) -> None:
        """Correct a whole response or an event in place."""
        self._correct_item(body.get("item"))
        for response in (body, body.get("response")):
            output = response.get("output") if isinstance(response, dict) else None
            for item in output if isinstance(output, list) else ():
                self._correct_item(item)

    def _correct_item(self, item: Any) -> None:
        if isinstance(item, dict) and "call_id" in item:
            item["call_id"] = self._ids.of(item["call_id"])


_: Dialect = BedrockResponses()
