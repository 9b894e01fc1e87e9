"""Send a partial answer as a prefill, and remove its echo from the continuation.

A prefill is the beginning of the assistant's turn, at the end of the conversation. Most servers
answer with the text that follows it. llama-server, and so Ollama from 0.32.7 on, sends the prefill
back first (https://github.com/ggml-org/llama.cpp/pull/23089). The rules that separate an echo from
a continuation, and their one known gap, are in docs/decisions/0018-prefill-echo.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from chatd.canonical.content import Text
from chatd.canonical.extra import Extra
from chatd.canonical.request import ChatRequest, Message
from chatd.canonical.response import CHARACTERS_A_TOKEN
from chatd.errors import PrefillUnclearError

# The least length of a prefill, in characters, whose repetition is taken for an echo.
_ECHO = 32
# Characters that an answer may share with the beginning of the prefill by coincidence.
_COINCIDENCE = 4
# Characters of the prefill's end that a continuation does not repeat by coincidence.
_REPEATED_END = 8
# Characters after an echo that show that the text repeats itself.
_REPEATED_BEGINNING = 12
# The most characters that are held back outside an echo.
_MOST_HELD = 64


def prefilled(request: ChatRequest, text: str, extra: Extra | None = None) -> ChatRequest:
    """Add a partial answer to a request, as the beginning of the assistant's turn.

    The partial answer to a completion is added to its prompt. The tokens that the partial answer
    took, estimated, are subtracted from the request's limits.

    Args:
        request: The chat.
        text: The partial answer.
        extra: Further fields of the turn, for a provider that needs them.

    """
    spent = len(text) // CHARACTERS_A_TOKEN
    messages = (*request.messages, Message("assistant", (Text(text),), extra=extra))
    if request.completion is not None:
        messages = (Message("user", (*request.messages[0].blocks, Text(text))),)
    return replace(
        request,
        messages=messages,
        max_tokens=_less(request.max_tokens, spent),
        max_completion_tokens=_less(request.max_completion_tokens, spent),
    )


def takes_prefill(request: ChatRequest, text: str) -> bool:
    """Return whether this partial answer can be sent as a prefill.

    With a format or tools it cannot: the grammar of a format begins with the first generated token.
    Nor can half a character, which UTF-8 lacks.
    """
    if request.format is not None or request.tools or not text.strip():
        return False
    return not any("\ud800" <= character <= "\udfff" for character in text)


class LongerPrompt:
    """The text of a stream that continues a prompt, which no provider repeats."""

    open = True
    echoed = 0

    def add(self, text: str) -> str:
        """Return the text: all of it is new."""
        return text

    def end(self) -> str:
        """Return an empty text, as none was held back."""
        return ""


class Continuation:
    """The text of a stream that continues a prefill, without an echo of the prefill.

    Args:
        prefill: The text that the stream continues; not only white space.
        prompts: The texts of the request. A prefill that is part of one of them may be repeated
            because the caller wants it repeated.

    Attributes:
        echoed: Characters of the echo that was taken out; 0 without one.

    """

    def __init__(self, prefill: str, prompts: Sequence[str] = ()) -> None:
        self._prefill = prefill.strip()
        # A server may take the white space at the end of a prefill away, and generate it anew.
        self._tail = prefill[len(prefill.rstrip()) :]
        self._prompts = prompts
        self._lead = ""
        self._matched = 0
        self._held = ""
        self._step: Callable[[str], str] = self._match
        self.echoed = 0

    @property
    def open(self) -> bool:
        """Whether all that follows is new text."""
        return self._step is _unchanged

    def add(self, text: str) -> str:
        """Add a piece of the stream.

        Returns:
            The text of the stream that is certainly new; empty while that is undecided.

        Raises:
            PrefillUnclearError: If it cannot be decided at all.

        """
        return self._step(text)

    def end(self) -> str:
        """End the stream.

        Returns:
            The text that was still held back.

        Raises:
            PrefillUnclearError: If it could be an echo, whole or in part.

        """
        if self._step is _unchanged:
            return ""
        if self._matched or self.echoed:
            raise _unclear()
        return self._accepted(self._lead + self._held)

    def _match(self, text: str) -> str:
        """Compare with the prefill from its first character on."""
        if not self._matched:
            start = len(text) - len(text.lstrip())
            self._lead, text = self._lead + text[:start], text[start:]
            if len(self._lead) > _MOST_HELD:
                raise _unclear()
        if self._prefill.startswith(text, self._matched):
            common = len(text)
        else:
            common = _common(text, self._prefill[self._matched : self._matched + len(text)])
        self._matched += common
        if self._matched == len(self._prefill):
            return self._begin_echo(text[common:])
        if common == len(text):
            return ""
        if self._matched >= _COINCIDENCE:
            raise _unclear()
        self._held, self._matched = self._prefill[: self._matched], 0
        self._step = self._compare_end
        return self._step(text[common:])

    def _compare_end(self, text: str) -> str:
        """Compare with every ending of the prefill."""
        self._held += text
        if self._held in self._prefill and len(self._held) < _MOST_HELD:
            return ""
        return self._accepted(self._lead + self._held)

    def _accepted(self, text: str) -> str:
        """Return the held text, if it certainly follows the prefill."""
        words = text.lstrip()
        longest = min(len(words), _MOST_HELD)
        for length in range(_REPEATED_END, longest + 1):
            if self._prefill.endswith(words[:length]):
                raise _unclear()
        if len(words) >= _MOST_HELD and words[:_MOST_HELD] in self._prefill:
            raise _unclear()
        if self._tail and text.startswith((self._tail[0], self._tail[-1])):
            raise _unclear()
        self._held = self._lead = ""
        self._step = _unchanged
        return text

    def _begin_echo(self, text: str) -> str:
        """Take the whole prefill for an echo, unless the caller may want the repetition."""
        half = len(self._prefill) - len(self._prefill) // 2
        repeats_itself = self._prefill.find(self._prefill[:half], 1) > 0
        wanted = any(self._prefill in words for words in self._prompts)
        if len(self._prefill) < _ECHO or repeats_itself or wanted:
            raise _unclear()
        self.echoed = len(self._lead) + len(self._prefill)
        self._matched, self._lead = 0, ""
        self._step = self._follow_echo
        return self._step(text)

    def _follow_echo(self, text: str) -> str:
        """Compare the text after an echo with the prefill once more."""
        self._held += text
        words = self._held.lstrip()
        apart = len(self._held) - len(words)
        repeated = self._prefill.startswith(words[:_REPEATED_BEGINNING])
        if apart <= _MOST_HELD and repeated and len(words) < _REPEATED_BEGINNING:
            return ""
        if apart > _MOST_HELD or repeated or not self._held.startswith(self._tail):
            raise _unclear()
        self.echoed += len(self._tail)
        new, self._held = self._held[len(self._tail) :], ""
        self._step = _unchanged
        return new


def _unchanged(text: str) -> str:
    return text


def _common(one: str, other: str) -> int:
    """Count the characters that both texts begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _less(limit: int | None, spent: int) -> int | None:
    return None if limit is None else max(1, limit - spent)


def _unclear() -> PrefillUnclearError:
    return PrefillUnclearError("its text may repeat the partial answer or continue it")
