"""Check the answers of a provider that does not enforce a format, and retry once.

A provider gets two tries at a correct answer, however many attempts fail in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from chatd.canonical.collecting import collected
from chatd.canonical.events import Frame
from chatd.canonical.response import CHARACTERS_A_TOKEN, Response, Usage
from chatd.errors import FormatNotMetError
from chatd.json_schema.budget import Budget
from chatd.routing import structured_output

if TYPE_CHECKING:
    from chatd.resilience.chat_context import ChatContext
    from chatd.routing.target_selection import Target

_MAX_ANSWERS = 2


class FormatCheck:
    """Count and check the complete answers of one provider to one chat.

    Create one per provider and chat, and keep it across retries: a retry after a failed second
    request must not pay for a third complete answer.
    """

    def __init__(self) -> None:
        self._refused = 0

    def answer(
        self, target: Target, chat_context: ChatContext, send: Callable[[], Iterator[Frame]]
    ) -> Response:
        """Request complete answers until one has the format.

        Each whole answer is recorded at once, so that its tokens count also if the next request
        fails.

        Args:
            target: The provider, and the request with its format.
            chat_context: The chat; its record takes the usage of this attempt.
            send: Sends the request; returns the events of one answer.

        Returns:
            The first answer with the format. Its usage is the sum of this attempt's answers.

        Raises:
            FormatNotMetError: If the second complete answer lacks the format too.
            InvalidRequestError: If the schema is too complex to check the answer with.
            ChatdError: If a request fails.

        """
        total: Usage | None = None
        while True:
            answer = collected(send())
            usage = _usage(answer, target)
            total = usage if total is None else total + usage
            chat_context.record.set_usage(total, answer.model)
            if structured_output.has_format(
                answer, target.request, Budget(chat_context.call.is_over)
            ):
                return replace(answer, usage=total)
            self._refused += 1
            if self._refused == _MAX_ANSWERS:
                raise FormatNotMetError(
                    f"{target.served.provider}: two answers did not have the requested format; this"
                    " provider does not enforce one",
                    provider=target.served.provider,
                )


def _usage(answer: Response, target: Target) -> Usage:
    """Return the usage of an answer, estimated if the provider reports none."""
    usage = answer.usage
    if usage.input_tokens or usage.output_tokens:
        return usage
    return replace(
        usage,
        input_tokens=ceil(target.prompt_size / CHARACTERS_A_TOKEN),
        output_tokens=ceil(answer.size / CHARACTERS_A_TOKEN),
        estimated=True,
        source=None,
    )
