"""Read the reasoning that gpt-oss on Amazon Bedrock writes at the head of its text.

The text begins with `<reasoning>…</reasoning>`, whole or streamed, with tags cut anywhere:
https://github.com/BerriAI/litellm/tree/main/litellm/llms/bedrock/chat/chat_completions
"""

from __future__ import annotations

from typing import Any, Literal

_OPEN, _CLOSE = "<reasoning>", "</reasoning>"


class InlineReasoning:
    """Splits the texts of one choice into reasoning and answer; each piece is read once."""

    def __init__(self) -> None:
        self._place: Literal["start", "reasoning", "gap", "text"] = "start"
        self._held = ""

    def correct(self, message: dict[str, Any], *, ends: bool) -> None:
        """Move the reasoning in a message or delta to `reasoning_content`.

        Args:
            message: The message or delta; it is changed in place.
            ends: Whether no text of the choice follows.

        """
        text = message.get("content")
        if type(text) is not str:
            if not (ends and self._held):
                return
            text = ""
        reasoning, answer = self._split(text)
        if ends:
            held, self._held = self._held, ""
            if self._place == "reasoning":
                reasoning += held
            else:
                answer += held
        if reasoning:
            message["reasoning_content"] = (message.get("reasoning_content") or "") + reasoning
        message["content"] = answer

    def _split(self, text: str) -> tuple[str, str]:
        """Return the reasoning and the answer of a piece; hold what may be a part of a tag."""
        if self._place == "start":
            text = self._held + text
            if _OPEN.startswith(text) and text != _OPEN:
                self._held = text
                return "", ""
            self._held = ""
            self._place = "reasoning" if text.startswith(_OPEN) else "text"
            text = text.removeprefix(_OPEN) if self._place == "reasoning" else text
        reasoning = ""
        if self._place == "reasoning":
            reasoning, found, text = (self._held + text).partition(_CLOSE)
            self._held = ""
            if not found:
                held = _end_of(reasoning)
                self._held = reasoning[len(reasoning) - held :]
                return reasoning[: len(reasoning) - held], ""
            self._place = "gap"
        if self._place == "gap":
            text = text.lstrip()
            self._place = "text" if text else "gap"
        return reasoning, text


def _end_of(text: str) -> int:
    """Return the length of the longest end of a text with which the closing tag may begin."""
    most = min(len(text), len(_CLOSE) - 1)
    return next((size for size in range(most, 0, -1) if _CLOSE.startswith(text[-size:])), 0)
