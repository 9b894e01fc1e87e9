"""Adapt a request to one target: its model, dialect, tools and format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from chatd.call import Call
from chatd.canonical.content import Opaque, Thinking, ToolResult
from chatd.canonical.events import Frame
from chatd.canonical.request import ChatRequest, Message
from chatd.config.provider import Provider
from chatd.dialects import (
    Dialect,
    dialect_for,
    dialect_name,
    load_completions,
    takes_completions,
)
from chatd.errors import CompletionsUnsupportedError
from chatd.json_schema.budget import Budget
from chatd.routing import billing_line, hosted_tools, structured_output, thinking_history
from chatd.routing.router import Route
from chatd.routing.stream_choice import fixed_stream
from chatd.routing.tool_kinds import ALL_KINDS, ANY_NAME, is_chosen, is_lacking

_LIMITED = frozenset({"tool_choice", "named_tool", "parallel_tool_calls"})


class AnswerAdaptation(Protocol):
    """Turn an answer to the adapted request back into an answer to the caller's request."""

    def frames(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Turn a stream back; each frame gives one frame."""


@dataclass(slots=True, eq=False)
class Adapted:
    """A request as one target gets it.

    Attributes:
        request: The request, with the provider's name for the model.
        dialect: The dialect that writes it.
        answers: The adaptations that turn the answer back, in the order of use.
        dropped: The fields left out so far.

    """

    request: ChatRequest
    dialect: Dialect
    answers: tuple[AnswerAdaptation, ...]
    dropped: tuple[str, ...]


def adapted_to(route: Route, request: ChatRequest, call: Call, *, fallback: bool) -> Adapted:
    """Adapt the caller's request to a route.

    Args:
        route: The provider's row and its name for the model.
        request: The chat, as the surface read it.
        call: Limits the time for a check of the format's schema.
        fallback: Whether another target comes before this one.

    Raises:
        InvalidRequestError: If the format's schema is not valid, or too costly to check.
        ContextTooLongError: If the prompt exceeds a known context of a provider that may cut it.
        CompletionsUnsupportedError: If it is a completion, and the provider has no API for it.

    """
    row = route.provider
    fixed = fixed_stream(request, row)
    stream = request.stream if fixed is None else fixed
    request = request.to(row.model_ids.get(route.model, route.model), stream=stream)
    name = dialect_name(row, request)
    if request.completion is not None:
        return _completion(route, request, name)
    request.messages, dropped_blocks = _history(route, request, name, fallback=fallback)
    request, dropped_tools = hosted_tools.without_tools(
        request, None if row.tools_only_functions else name
    )
    forwarded = request.source is not None and request.source.dialect == name
    dialect = dialect_for(row, request)
    kinds = ALL_KINDS if forwarded else dialect.tool_kinds
    unadapted = request
    request, first = _limited(request, row)
    request, answers, dropped_format = _tools(
        request,
        kinds & {ANY_NAME} if row.tools_only_functions else kinds,
        chooses=dialect.chooses_tools and row.takes_tool_choice(request.model),
    )
    if not structured_output.is_enforced(request, row, dialect):
        request = structured_output.described(request, Budget(call.is_over))
    if request is not unadapted:
        dialect = dialect_for(row, request)
    _check_context(request, route, name)
    dropped = (*dropped_blocks, *dropped_tools, *dropped_format)
    return Adapted(request, dialect, (*first, *answers), dropped)


def _limited(
    request: ChatRequest, row: Provider
) -> tuple[ChatRequest, tuple[AnswerAdaptation, ...]]:
    """Express the choice of tools with what the row's provider takes; few rows need it."""
    given = request.tools or request.parallel_tool_calls is not None
    if not given or _LIMITED.isdisjoint(row.refuses):
        return request, ()
    from chatd.routing.tool_limits import limited  # noqa: PLC0415  # few rows need it

    request, first = limited(request, row)
    return request, () if first is None else (first,)


def _check_context(request: ChatRequest, route: Route, dialect: str) -> None:
    """Refuse a prompt longer than the known context, if the provider may cut the prompt."""
    row = route.provider
    known = route.context or row.options or row.models or request.extra
    if dialect == "ollama" and known:
        from chatd.routing.context_limit import check_context  # noqa: PLC0415  # few chats need it

        check_context(request, route)


def _completion(route: Route, request: ChatRequest, dialect_of_row: str) -> Adapted:
    """Adapt a completion, which has neither turns nor tools nor a format."""
    row = route.provider
    if not takes_completions(row, request):
        raise CompletionsUnsupportedError(
            f"{row.name} has no completions for {request.model!r}: send the prompt as a user's"
            " message to /v1/chat/completions, or name a model of Ollama or of a provider with"
            " OpenAI's /completions",
            param="model",
            provider=row.name,
        )
    _check_context(request, route, dialect_of_row)
    dialect = load_completions(dialect_of_row)
    answers: tuple[AnswerAdaptation, ...] = ()
    if request.completion is not None and request.completion.echo and not dialect.echoes:
        from chatd.routing.echoed_prompt import EchoedPrompt  # noqa: PLC0415  # few requests have it

        answers = (EchoedPrompt(request.messages[0].text),)
    return Adapted(request, dialect, answers, ())


def _tools(
    request: ChatRequest, kinds: frozenset[str], *, chooses: bool
) -> tuple[ChatRequest, tuple[AnswerAdaptation, ...], tuple[str, ...]]:
    """Adapt the tools; the modules for it take 8 ms of a start, and few chats need them.

    Args:
        request: The chat.
        kinds: The kinds of tools besides functions that the target takes.
        chooses: Whether the target takes the choice of a tool.

    Returns:
        The request, the adaptations of the answer, and the names of the dropped fields.

    """
    answers: list[AnswerAdaptation] = []
    dropped: tuple[str, ...] = ()
    if is_lacking(request, kinds):
        from chatd.routing.tool_adaptation import adapted  # noqa: PLC0415  # as above

        request, tool_answers, dropped = adapted(request, kinds)
        answers += [tool_answers] if tool_answers is not None else []
    if not chooses and is_chosen(request):
        from chatd.routing.forced_tool import emulated  # noqa: PLC0415  # as above

        request, forced = emulated(request)
        answers[:0] = [forced] if forced is not None else []
    return request, tuple(answers), dropped


def _history(
    route: Route, request: ChatRequest, dialect: str, *, fallback: bool
) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """Remove from the conversation the blocks and signatures that the target refuses.

    Returns:
        The conversation, the same tuple if nothing changes, and the names of the dropped blocks.

    """
    messages, lost = request.messages, False
    dropped: tuple[str, ...] = ()
    # One look at the types of the blocks saves most chats the passes over the conversation.
    kinds = {type(block) for message in messages for block in message.blocks}
    if Thinking in kinds:
        maker = f"{route.provider.name}/{route.shown_model}"
        messages, lost = thinking_history.accepted(messages, maker, fallback=fallback)
    if dialect != billing_line.ANTHROPIC:
        messages = billing_line.without_line(messages)
    if Opaque in kinds or ToolResult in kinds:
        messages, dropped = hosted_tools.without_history(messages, dialect)
    return messages, (*dropped, thinking_history.LOST) if lost else dropped
