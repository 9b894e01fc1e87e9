"""Match regular expressions of ECMA-262 in time linear in the text.

Python's `re` backtracks: `^(a+)+$` takes it exponential time. Here a pattern becomes a program of
an automaton whose possible states are all followed at once (Thompson, 1968;
https://swtch.com/~rsc/regexp/regexp2.html), so that a search takes at most one step per character
and instruction. Lookaround and backreferences do not fit this model and are reported as such.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from chatd.json_schema.budget import Budget, WorkLimitError
from chatd.json_schema.characters import is_word
from chatd.json_schema.pattern_syntax import Parser
from chatd.json_schema.pattern_tree import (
    Alternatives,
    Assertion,
    Characters,
    Repeat,
    Sequence,
    Syntax,
)

_MAX_INSTRUCTIONS = 5_000


@dataclass(frozen=True, slots=True)
class _Instruction:
    """One instruction of a program, with its test or its next addresses."""

    kind: Literal["characters", "assertion", "split", "match"]
    accepts: Callable[[str], bool] | None = None
    assertion: str = ""
    targets: tuple[int, ...] = ()


class Pattern:
    """A compiled pattern.

    Args:
        source: The regular expression.
        budget: Pays for the compilation.

    Raises:
        PatternError: If it is not a regular expression.
        UnsupportedPatternError: If it cannot be matched in linear time.
        WorkLimitError: If its program would be too large.

    """

    def __init__(self, source: str, budget: Budget) -> None:
        budget.spend(len(source))
        self._program: list[_Instruction] = []
        self._emitted = 0
        self._emit(Parser(source).parse())
        budget.spend(self._emitted)
        self._program.append(_Instruction("match"))

    def search(self, text: str, budget: Budget) -> bool:
        """Return whether the pattern matches anywhere in the text."""
        pending: list[int] = []
        for position in range(len(text) + 1):
            pending.append(0)
            states, matched = self._states(pending, text, position, budget)
            if matched:
                return True
            if position < len(text):
                character = text[position]
                pending = [state + 1 for state in states if self._accepts(state, character)]
        return False

    def _accepts(self, state: int, character: str) -> bool:
        accepts = self._program[state].accepts
        return accepts is not None and accepts(character)

    def _states(
        self, pending: list[int], text: str, position: int, budget: Budget
    ) -> tuple[list[int], bool]:
        """The states that read a character, reached from these without reading one."""
        visited: set[int] = set()
        states = []
        while pending:
            address = pending.pop()
            if address in visited:
                continue
            visited.add(address)
            instruction = self._program[address]
            if instruction.kind == "match":
                return [], True
            if instruction.kind == "characters":
                states.append(address)
            elif instruction.kind == "split":
                pending.extend(instruction.targets)
            elif _assertion_is_true(instruction.assertion, text, position):
                pending.append(address + 1)
        budget.spend(len(visited))
        return states, False

    def _emit(self, syntax: Syntax) -> None:
        self._emitted += 1
        if self._emitted > _MAX_INSTRUCTIONS:
            raise WorkLimitError
        match syntax:
            case Characters(accepts=accepts):
                self._program.append(_Instruction("characters", accepts=accepts))
            case Assertion(kind=kind):
                self._program.append(_Instruction("assertion", assertion=kind))
            case Sequence(parts=parts):
                for part in parts:
                    self._emit(part)
            case Alternatives(branches=branches):
                self._emit_alternatives(branches)
            case Repeat():
                self._emit_repeat(syntax)

    def _emit_alternatives(self, branches: tuple[Syntax, ...]) -> None:
        jumps = []
        for branch in branches[:-1]:
            split = self._reserve()
            self._emit(branch)
            jumps.append(self._reserve())
            self._set(split, split + 1, len(self._program))
        self._emit(branches[-1])
        for jump in jumps:
            self._set(jump, len(self._program))

    def _emit_repeat(self, repeat: Repeat) -> None:
        for _ in range(repeat.least):
            self._emit(repeat.part)
        if repeat.most is None:
            split = self._reserve()
            self._emit(repeat.part)
            back = self._reserve()
            self._set(back, split)
            self._set(split, split + 1, len(self._program))
            return
        splits = []
        for _ in range(repeat.most - repeat.least):
            splits.append(self._reserve())
            self._emit(repeat.part)
        for split in splits:
            self._set(split, split + 1, len(self._program))

    def _reserve(self) -> int:
        """Add a split without targets; return the address."""
        self._program.append(_Instruction("split"))
        return len(self._program) - 1

    def _set(self, address: int, *targets: int) -> None:
        self._program[address] = _Instruction("split", targets=targets)


def _assertion_is_true(kind: str, text: str, position: int) -> bool:
    if kind == "^":
        return position == 0
    if kind == "$":
        return position == len(text)
    before = position > 0 and is_word(text[position - 1])
    after = position < len(text) and is_word(text[position])
    return (before != after) == (kind == "b")
