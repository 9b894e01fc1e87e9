"""Speak Ollama's dialect on `/api/generate`, which takes a system text and a prompt, and no turns.

https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-completion
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatd.canonical.content import Block, Text, Thinking, ToolCall, ToolResult
from chatd.canonical.request import ChatRequest, Message
from chatd.config.provider import Provider
from chatd.dialects import Dialect
from chatd.dialects.ollama.dialect import Ollama
from chatd.dialects.ollama.schema import OllamaGenerate as OllamaGenerateAnswer
from chatd.dialects.ollama.schema import OllamaLine, OllamaMessage
from chatd.errors import InvalidRequestError

_SYSTEM = ("system", "developer")


class OllamaGenerate(Ollama):
    """Ollama's dialect on `/api/generate`."""

    path = "/api/generate"

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name what `/api/chat` leaves out, and the reasoning of earlier turns."""
        names = super().omitted(request, row)
        if any(message.thinking for message in request.messages):
            return (*names, "messages.reasoning_content")
        return names

    def _conversation(self, request: ChatRequest) -> dict[str, Any]:
        if request.tools and request.tool_choice != "none":
            raise InvalidRequestError(
                "tools need Ollama's /api/chat: set endpoint to chat or auto", param="tools"
            )
        _check(request.messages)
        system = [turn.text for turn in request.messages if turn.role in _SYSTEM]
        turns = [turn for turn in request.messages if turn.role not in _SYSTEM]
        conversation = {"prompt": _prompt(turns)}
        if system:
            conversation["system"] = "\n\n".join(system)
        return conversation

    def _read(self, text: bytes) -> OllamaLine:
        return OllamaGenerateAnswer.model_validate_json(text)

    def _message(self, line: OllamaLine) -> OllamaMessage:
        assert isinstance(line, OllamaGenerateAnswer)  # noqa: S101  # what _read made
        return OllamaMessage(content=line.response, thinking=line.thinking)


_: Dialect = OllamaGenerate()


def _check(messages: Sequence[Message]) -> None:
    for position, turn in enumerate(messages):
        for block in turn.blocks:
            if needs := _needs_chat(block):
                field = "tool_calls" if isinstance(block, ToolCall) else "content"
                raise InvalidRequestError(
                    f"{needs} need Ollama's /api/chat: set endpoint to chat or auto",
                    param=f"messages.{position}.{field}",
                )


def _needs_chat(block: Block) -> str | None:
    """Name the content that only `/api/chat` carries; None for text and reasoning."""
    if isinstance(block, Text | Thinking):
        return None
    if isinstance(block, ToolResult):
        return next((needs for inner in block.blocks if (needs := _needs_chat(inner))), None)
    return "tool calls" if isinstance(block, ToolCall) else "images and files"


def _prompt(turns: list[Message]) -> str:
    """Join the turns to one text; each of several turns begins with its role."""
    if len(turns) == 1 and turns[0].role == "user":
        return turns[0].text
    return "\n\n".join(f"{turn.role.capitalize()}: {turn.text}" for turn in turns)
