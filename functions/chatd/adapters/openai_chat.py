"""OpenAI's chat dialect, on `/chat/completions`, as its many speakers share it.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml. Where one of them departs from
it, a subclass beside this file does. It knows nothing of surfaces, and sends nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import SecretStr, ValidationError

from chatd import __version__
from chatd.adapters.failures import failure, garbage
from chatd.catalog import Provider
from chatd.chat import Answer, ChatRequest, Think, Usage
from chatd.errors import ChatdError
from chatd.wire.http import HttpRequest, HttpResponse
from chatd.wire.openai_chat import OpenAIChat as OpenAIChatAnswer
from chatd.wire.openai_chat import OpenAIChoice, OpenAIError, OpenAIErrorDetail

# Some providers turn away clients without a name of their own, and pretending to be another
# gets accounts blocked (https://forum.moonshot.ai/t/421), so this is who we are.
USER_AGENT = f"chatd/{__version__}"


class OpenAIChat:
    """The adapter for a provider that speaks OpenAI's dialect to the letter."""

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """The HTTP request for a chat; `request.model` is the provider's own name for the model."""
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [
                {"role": message.role, "content": message.content} for message in request.messages
            ],
        }
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_tokens is not None:
            body["max_tokens"] = request.max_tokens
        if request.format is not None:
            body["response_format"] = _response_format(request.format)
        if request.think is not None:
            body.update(self._thinking(request.think))
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        if key is not None:
            headers["Authorization"] = f"Bearer {key.get_secret_value()}"
        headers.update(self._headers(request, row))
        return HttpRequest(f"{row.base_url}/chat/completions", headers, json.dumps(body).encode())

    def parse(self, response: HttpResponse) -> Answer:
        """Read the answer.

        Raises:
            ChatdError: If it is a refusal, an error under status 200, or no answer.

        """
        if response.status != HTTPStatus.OK:
            raise _refusal(response)
        try:
            answer = OpenAIChatAnswer.model_validate_json(response.body)
        except ValidationError:
            raise garbage(response, "its answer is not one of OpenAI's dialect") from None
        if answer.error is not None:
            raise _refused(response, answer.error)
        if not answer.choices:
            raise garbage(response, "its answer holds no choices")
        choice = answer.choices[0]
        usage = answer.usage
        return Answer(
            content=_content(choice, response),
            usage=Usage(usage.prompt_tokens, usage.completion_tokens) if usage else Usage(),
            thinking=choice.message.reasoning_content or choice.message.reasoning or None,
            finish_reason=choice.finish_reason,
            model=answer.model,
        )

    def _thinking(self, think: Think) -> Mapping[str, Any]:
        """The fields that ask for thinking, or for none."""
        if isinstance(think, bool):
            return {"reasoning_effort": "medium" if think else "none"}
        return {"reasoning_effort": "xhigh" if think == "max" else think}

    def _headers(self, request: ChatRequest, row: Provider) -> Mapping[str, str]:  # noqa: ARG002  # a subclass's place
        """Headers of the vendor's own."""
        return {}


def _refusal(response: HttpResponse) -> ChatdError:
    try:
        return _refused(response, OpenAIError.model_validate_json(response.body).error)
    except ValidationError:
        return failure(response)


def _refused(response: HttpResponse, error: OpenAIErrorDetail | str) -> ChatdError:
    if isinstance(error, str):
        return failure(response, error)
    codes = [str(code) for code in (error.code, error.type) if code is not None]
    return failure(response, error.message or "", *codes)


def _response_format(wanted: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(wanted, str):
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": wanted}}


def _content(choice: OpenAIChoice, response: HttpResponse) -> str:
    """The text; a budget spent on thinking alone is an honest `length`, anything else is broken."""
    if choice.finish_reason == "error":
        raise garbage(response, "it broke off its answer with an error")
    if choice.message.content is not None:
        return choice.message.content
    if choice.finish_reason == "length":
        return ""
    raise garbage(response, "its answer holds no content")
