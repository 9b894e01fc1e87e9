"""Speak OpenAI's chat dialect with the differences of Amazon Bedrock, by the model's family.

The facts are of October 2026:
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-chat-completions.html and
https://github.com/BerriAI/litellm/tree/main/litellm/llms/bedrock/chat/chat_completions
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.losses import foreign_fields
from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects import Dialect
from chatd.dialects.openai_chat.dialect import OpenAIChat
from chatd.dialects.openai_chat.reading import AnswerCorrection
from chatd.dialects.openai_chat.request import has_field
from chatd.dialects.vendors import bedrock
from chatd.dialects.vendors.bedrock import Json
from chatd.dialects.vendors.bedrock_history import MARKS, with_unique_ids, without_marks
from chatd.dialects.vendors.bedrock_reasoning import InlineReasoning
from chatd.errors import ChatdError
from chatd.upstream_http import HttpResponse

_PENALTIES = ("frequency_penalty", "presence_penalty")
# GPT takes them at the effort `none` alone.
_WHILE_THINKING = ("temperature", "top_p", *_PENALTIES, "logprobs", "top_logprobs")
_OSS, _GROK = "openai.gpt-oss", "xai."


class BedrockChat(OpenAIChat):
    """OpenAI's chat dialect on Amazon Bedrock."""

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name the caller's fields and cache marks that the row or the model does not take."""
        lost = tuple(
            name
            for name in refused_fields(request.model, _effort(request))
            if name != "reasoning_effort" and has_field(request, name)
        )
        lost += ("reasoning_effort",) if _loses_effort(request) else ()
        # Marks of every dialect, also of this one.
        lost += tuple(name for name in foreign_fields(request, "") if name in MARKS)
        return tuple(dict.fromkeys((*super().omitted(request, row), *lost)))

    def _correct(self, body: Json, row: Provider) -> None:
        for name in refused_fields(body["model"], body.get("reasoning_effort")):
            body.pop(name, None)
        if row.service_tier is not None:
            body["service_tier"] = row.service_tier
        body["messages"] = with_unique_ids(without_marks(body["messages"]))
        if isinstance(body.get("tools"), list):
            body["tools"] = without_marks(body["tools"])

    def _headers(self, request: ChatRequest, row: Provider) -> Mapping[str, str]:
        return bedrock.row_headers(request, row)

    def _refusal(self, response: HttpResponse) -> ChatdError:
        return bedrock.refusal(response)

    def _answer_correction(self) -> AnswerCorrection:
        return _Answer().correct


def refused_fields(model: str, effort: Any) -> tuple[str, ...]:
    """Name the fields that a model refuses.

    Args:
        model: The model's id, with or without the prefix of its regions.
        effort: The request's `reasoning_effort`; None without one.

    """
    name = bedrock.bare_id(model)
    if name.startswith(_OSS):
        return ("logit_bias",)
    if name.startswith(_GROK):  # the penalties are a 503
        return (*_PENALTIES, "stop", *(("reasoning_effort",) if effort == "none" else ()))
    if bedrock.gpt_version(name) is None:
        return ()
    return ("stop", *(() if effort == "none" else _WHILE_THINKING))


def _effort(request: ChatRequest) -> Any:
    """Return the effort that the body has."""
    if request.think is False:
        return "none"
    return request.think


def _loses_effort(request: ChatRequest) -> bool:
    effort = _effort(request)
    return effort == "none" and "reasoning_effort" in refused_fields(request.model, effort)


class _Answer:
    """Corrects the JSON objects of one answer: the ids of calls, and reasoning within the text."""

    def __init__(self) -> None:
        self._ids = bedrock.UniqueIds()
        self._reasoning: dict[int, InlineReasoning] = {}
        self._model: Any = None
        self._is_inline = False

    def correct(self, body: Json) -> None:
        """Correct a whole response or a chunk in place."""
        choices = body.get("choices")
        if not isinstance(choices, list):
            return
        model = body.get("model")
        if model != self._model:  # once in most answers
            self._model = model
            self._is_inline = isinstance(model, str) and bedrock.bare_id(model).startswith(_OSS)
        for choice in choices:
            if isinstance(choice, dict):
                self._correct_choice(choice)

    def _correct_choice(self, choice: Json) -> None:
        is_whole = "message" in choice
        message = choice.get("message" if is_whole else "delta")
        if not isinstance(message, dict):
            return
        calls = message.get("tool_calls")
        if not calls and not self._is_inline:
            return
        index = choice.get("index")
        index = index if type(index) is int else 0
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict) and "id" in call:
                call["id"] = self._ids.of(call["id"], index)
        if self._is_inline:
            reader = self._reasoning.setdefault(index, InlineReasoning())
            reader.correct(message, ends=is_whole or bool(choice.get("finish_reason")))


_: Dialect = BedrockChat()
