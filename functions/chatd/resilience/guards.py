"""The protocol between attempts and guardrails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from chatd.canonical.events import Frame
from chatd.resilience.chat_context import ChatContext
from chatd.routing.target_selection import Target


@dataclass(frozen=True, slots=True, eq=False)
class Admission:
    """The result of the check of a request.

    Attributes:
        target: The target, whose request may have masked texts.
        answer: The answer in the place of the provider's; None: the provider may answer.

    """

    target: Target
    answer: tuple[Frame, ...] | None = field(default=None, repr=False)


class Guards(Protocol):
    """Check requests and answers."""

    def admit(self, target: Target, context: ChatContext) -> Admission:
        """Check the request before the first attempt at a target.

        Raises:
            GuardrailUnavailableError: If it cannot be checked.

        """

    def checked(
        self, frames: Iterator[Frame], target: Target, context: ChatContext
    ) -> Iterator[Frame]:
        """Check the answer of one attempt; yield the frames that the caller may get.

        Raises:
            GuardrailUnavailableError: If the answer cannot be checked; also between two frames.

        """
