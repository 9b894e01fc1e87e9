"""Make the ids of tool calls fit a dialect's pattern, the same in a call and its result."""

from __future__ import annotations

import re
from collections import deque

# Anthropic: "String should match pattern '^[a-zA-Z0-9_-]+$'", "`tool_use` ids must be unique".
# Bedrock takes more characters:
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]", re.ASCII)


class CallIds:
    """Fits the ids of a conversation, in its order; an id that fits and is new does not change.

    Some servers give each call of an answer the same id, or the calls of each answer the ids
    `call_0`, `call_1`, …. The results of calls with one id are taken in the order of the calls.

    Args:
        longest: The most characters of an id; None: no limit.

    """

    def __init__(self, longest: int | None = None) -> None:
        self._longest = longest
        self._used: set[str] = set()
        self._next: dict[str, int] = {}
        self._latest: dict[str, str] = {}
        self._open: dict[str, deque[str]] = {}

    def begin_turn(self) -> None:
        """Begin an assistant turn: later results belong to its calls."""
        self._open.clear()

    def call(self, given: str) -> str:
        """Return the id of a call."""
        fitted = self._unused(self._fitted(given))
        self._used.add(fitted)
        self._latest[given] = fitted
        self._open.setdefault(given, deque()).append(fitted)
        return fitted

    def result(self, given: str) -> str:
        """Return the id of a result's call; the id of a result without a call is only fitted."""
        calls = self._open.get(given)
        if calls and len(calls) > 1:
            return calls.popleft()
        return calls[0] if calls else self._latest.get(given) or self._fitted(given)

    def _fitted(self, given: str) -> str:
        return _UNFIT.sub("_", given)[: self._longest] or "call"

    def _unused(self, fitted: str) -> str:
        """Append the first free number to an id that is taken."""
        if fitted not in self._used:
            return fitted
        number = self._next.get(fitted, 2)
        while (found := self._numbered(fitted, number)) in self._used:
            number += 1
        self._next[fitted] = number + 1
        return found

    def _numbered(self, fitted: str, number: int) -> str:
        ending = f"_{number}"
        kept = None if self._longest is None else self._longest - len(ending)
        return fitted[:kept] + ending
