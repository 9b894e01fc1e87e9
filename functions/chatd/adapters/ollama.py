"""Ollama's dialect, on `/api/chat`.

https://github.com/ollama/ollama/blob/main/docs/api.md. It knows nothing of surfaces, and sends
nothing itself.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from pydantic import SecretStr, ValidationError

from chatd.adapters.failures import failure, garbage
from chatd.catalog import Provider
from chatd.chat import Answer, ChatRequest, Usage
from chatd.errors import ChatdError
from chatd.wire.http import HttpRequest, HttpResponse
from chatd.wire.ollama import Done, OllamaChat, OllamaError


class Ollama:
    """The adapter for `/api/chat`, which carries every chat."""

    path = "/api/chat"

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """The HTTP request for a chat; `request.model` is the provider's own name for the model."""
        # A thinking model thinks when nothing is said, and can then spend a small budget without a
        # word of answer: https://github.com/ollama/ollama/blob/main/docs/capabilities/thinking.mdx
        body: dict[str, Any] = {
            "model": request.model,
            **self._conversation(request),
            "stream": False,
            "think": False if request.think is None else request.think,
        }
        if request.format is not None:
            body["format"] = request.format
        options = {"temperature": request.temperature, "num_predict": request.max_tokens}
        if given := {name: value for name, value in options.items() if value is not None}:
            body["options"] = given
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key.get_secret_value()}"
        return HttpRequest(row.base_url + self.path, headers, json.dumps(body).encode())

    def parse(self, response: HttpResponse) -> Answer:
        """Read the answer.

        Raises:
            ChatdError: If it is a refusal, or no answer.

        """
        if response.status != HTTPStatus.OK:
            raise _refusal(response) or failure(response)
        try:
            return self._answer(response.body)
        except ValidationError:
            raise _refusal(response) or garbage(
                response, "its answer is not a whole one of Ollama's dialect"
            ) from None

    def _conversation(self, request: ChatRequest) -> dict[str, Any]:
        return {
            "messages": [
                {"role": message.role, "content": message.content} for message in request.messages
            ]
        }

    def _answer(self, body: bytes) -> Answer:
        chat = OllamaChat.model_validate_json(body)
        return answered(chat, chat.message.content, chat.message.thinking)


def _refusal(response: HttpResponse) -> ChatdError | None:
    """The error that the body tells of, whatever the status; None if it tells of none."""
    try:
        return failure(response, OllamaError.model_validate_json(response.body).error)
    except ValidationError:
        return None


def answered(done: Done, content: str, thinking: str | None) -> Answer:
    """The answer out of the fields that Ollama's endpoints share."""
    return Answer(
        content=content,
        usage=Usage(done.prompt_eval_count, done.eval_count),
        thinking=thinking or None,
        finish_reason=done.done_reason or None,
        model=done.model,
    )
