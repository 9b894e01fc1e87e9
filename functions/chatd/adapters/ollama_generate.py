"""Ollama's dialect, on `/api/generate`, which knows a system text and a prompt but no turns.

https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-completion. It knows nothing of
surfaces, and sends nothing itself.
"""

from __future__ import annotations

from typing import Any

from chatd.adapters.ollama import Ollama, answered
from chatd.chat import Answer, ChatRequest, Message
from chatd.wire.ollama import OllamaGenerate as OllamaGenerateAnswer


class OllamaGenerate(Ollama):
    """The adapter for `/api/generate`."""

    path = "/api/generate"

    def _conversation(self, request: ChatRequest) -> dict[str, Any]:
        system = [message.content for message in request.messages if message.role == "system"]
        turns = [message for message in request.messages if message.role != "system"]
        conversation = {"prompt": _prompt(turns)}
        if system:
            conversation["system"] = "\n\n".join(system)
        return conversation

    def _answer(self, body: bytes) -> Answer:
        generated = OllamaGenerateAnswer.model_validate_json(body)
        return answered(generated, generated.response, generated.thinking)


def is_faithful(request: ChatRequest) -> bool:
    """Whether `/api/generate` carries this chat without losing anything of it."""
    roles = [message.role for message in request.messages]
    return roles in (["user"], ["system", "user"])


def _prompt(turns: list[Message]) -> str:
    """The turns as one text: a single one as it is, several each under its speaker's name."""
    if len(turns) == 1 and turns[0].role == "user":
        return turns[0].content
    return "\n\n".join(f"{turn.role.capitalize()}: {turn.content}" for turn in turns)
