"""Collect a JSON value that a stream sends piece by piece, in time proportional to its length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Accumulator:
    """A value in the making: texts and lists grow, objects grow by member, the rest is replaced.

    Streams send a field bit by bit: logprobs and OpenRouter's `reasoning_details` come as lists.
    """

    __slots__ = ("_members", "_pieces", "_value")

    def __init__(self) -> None:
        self._value: Any = None
        self._pieces: list[Any] = []
        self._members: dict[str, Accumulator] = {}

    def add(self, piece: Any) -> None:
        """Add a piece: None adds nothing; one of another kind than before replaces the value."""
        if piece is None:
            return
        if isinstance(piece, Mapping):
            if not isinstance(self._value, Mapping):
                self._members = {}
            for name, member in piece.items():
                self._members.setdefault(name, Accumulator()).add(member)
        elif isinstance(piece, str | list):
            if type(piece) is not type(self._value):
                self._pieces = []
            if isinstance(piece, list):
                self._pieces.extend(piece)
            else:
                self._pieces.append(piece)
        self._value = piece

    def value(self) -> Any:
        """Return the value collected so far."""
        if isinstance(self._value, Mapping):
            return {name: member.value() for name, member in self._members.items()}
        if isinstance(self._value, str):
            return "".join(self._pieces)
        return list(self._pieces) if isinstance(self._value, list) else self._value
