"""Apply guardrails of Bedrock to chats with other providers."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial

from chatd.canonical.events import Counted, Frame
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Usage
from chatd.config.provider import Guardrail
from chatd.credentials.provider_keys import Credentials
from chatd.errors import InvalidRequestError
from chatd.guardrails.checker import Checker
from chatd.guardrails.prompts import fixed_texts, masked, texts_of
from chatd.guardrails.windows import CONTENT_FILTER, Windows, canned
from chatd.resilience.chat_context import ChatContext, Inspection
from chatd.resilience.guards import Admission, Guards
from chatd.routing.target_selection import Target
from chatd.transport.http_client import Transport

REFUSED = "The request was blocked by a guardrail."


@dataclass(frozen=True, slots=True, eq=False)
class BedrockGuards(Guards):
    """Guardrails of Amazon Bedrock for other vendors' models.

    Args:
        credentials: Looks up AWS credentials.
        transport: Sends the requests.

    """

    credentials: Credentials
    transport: Transport

    def admit(self, target: Target, context: ChatContext) -> Admission:
        """Check the caller's new texts, once per chat and guardrail.

        Returns:
            The target, with masked texts where the guardrail masks some; or the answer in the place
            of the provider's, where it blocks them.

        Raises:
            GuardrailUnavailableError: If there is no verdict.
            InvalidRequestError: If a prompt is given as tokens, which a guardrail cannot check.

        """
        guardrail = target.route.provider.gateway_guardrail
        if guardrail is None:
            return Admission(target)
        _refuse_tokens(target.request)
        key = guardrail.check_of_input
        found = context.inspections.get(key)
        if found is None:
            found = context.inspections[key] = self._inspection(guardrail, target, context)
        if found.refusal is not None:
            return Admission(target, _refusal(target, context, found.refusal))
        request = target.request  # the caller's; the guardrails of earlier rows masked texts too
        for inspection in context.inspections.values():
            request = masked(request, inspection.masks)
        return Admission(target if request is target.request else target.with_request(request))

    def checked(
        self, frames: Iterator[Frame], target: Target, context: ChatContext
    ) -> Iterator[Frame]:
        """Check the frames of one attempt; a blocked text ends the provider's stream."""
        guardrail = target.route.provider.gateway_guardrail
        if guardrail is None:
            return frames
        checker = self._checker(guardrail, context)
        check = partial(checker.verdict, "OUTPUT", deadline=context.deadline(target))
        windows = Windows(check, partial(_usage, target, context))
        if not context.streamed:
            return _ending(windows.at_the_end(frames), frames)
        if guardrail.stream == "async":
            return _ending(windows.followed(frames), frames)
        return _ending(windows.held_back(frames), frames)

    def _inspection(self, guardrail: Guardrail, target: Target, context: ChatContext) -> Inspection:
        texts = texts_of(context.request, whole=guardrail.input == "all")
        if not texts:
            return Inspection()
        checker = self._checker(guardrail, context)
        verdict = checker.verdict("INPUT", texts, context.deadline(target))
        if verdict.blocked:
            return Inspection(refusal=verdict.message or REFUSED)
        if verdict.masked is None:
            return Inspection()
        pairs = zip(texts, verdict.masked, strict=True)
        masks = {text: new for text, new in pairs if text != new}
        if not masks.keys().isdisjoint(fixed_texts(context.request)):
            context.record.guardrail = "blocked"
            return Inspection(refusal=REFUSED)
        # Another dialect of the row writes its request from this one.
        context.request = masked(context.request, masks)
        return Inspection(masks=masks)

    def _checker(self, guardrail: Guardrail, context: ChatContext) -> Checker:
        return Checker(guardrail, self.credentials, self.transport, context.call, context.record)


def _refuse_tokens(request: ChatRequest) -> None:
    if request.completion is not None and request.completion.tokens:
        raise InvalidRequestError(
            "the guardrail checks texts: send the prompt as a text, not as tokens", param="prompt"
        )


def _refusal(target: Target, context: ChatContext, message: str) -> tuple[Frame, ...]:
    """Answer in the place of the provider, which gets no request."""
    record = context.record
    record.start_attempt(target.served.provider, None)
    indexes = range(target.request.n or 1)
    frame = canned(message, indexes, Counted(Usage(), target.served.model))
    for event in frame.events:
        record.note(event)
    return (frame,)


def _usage(target: Target, context: ChatContext) -> Usage:
    """Return the tokens of an answer that a guardrail cuts off."""
    record = context.record
    record.set_finish_reason(CONTENT_FILTER)
    if record.usage is not None and record.has_usage:
        return record.usage
    return record.estimate(target.prompt_size)


def _ending(checked: Iterator[Frame], frames: Iterator[Frame]) -> Iterator[Frame]:
    """Yield checked frames; close the provider's stream at the end."""
    try:
        yield from checked
    finally:
        if isinstance(frames, Generator):
            frames.close()
