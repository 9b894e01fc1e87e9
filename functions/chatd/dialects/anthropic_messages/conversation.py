"""Write the turns of a request of another dialect in Anthropic's Messages dialect.

Anthropic has user and assistant turns in alternation. All that stands between two assistant turns
is one user turn, with the tool results first:
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from chatd.canonical.content import Block, Text, ToolResult
from chatd.canonical.extra import fields_for
from chatd.canonical.request import ChatRequest, Message
from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.blocks import BlockWriter, plain
from chatd.dialects.anthropic_messages.claude_models import ClaudeModel, claude_model
from chatd.dialects.anthropic_messages.reading import DIALECT
from chatd.dialects.call_arguments import check_arguments
from chatd.dialects.call_ids import CallIds
from chatd.errors import InvalidRequestError

Json = dict[str, Any]
# Codex repeats a turn that broke off with the broken text as the last turn.
_CONTINUE = "Continue."
_SYSTEM = ("system", "developer")
_USER = ("user", "tool")


def conversation(request: ChatRequest, row: Provider | None = None) -> Json:
    """Write the fields `system` and `messages`.

    Args:
        request: The request; `model` is the provider's name for it.
        row: The provider's row, for what is known of the model.

    Raises:
        InvalidRequestError: If the dialect cannot express a turn or a block, or the arguments of a
            tool call are no JSON object.
        RequestTooLargeError: If the arguments of all calls hold more than 250,000 JSON values.

    """
    check_arguments(request.messages)
    leading = list(takewhile(lambda turn: turn.role in _SYSTEM, request.messages))
    rest = request.messages[len(leading) :]
    if not rest:  # a request needs a turn
        rest = (Message("user", leading.pop().blocks),)
    claude = claude_model(request.model, row)
    written = _Turns(claude).written(rest, len(leading))
    if not written:
        raise InvalidRequestError("the conversation holds no content", param="messages")
    if written[-1]["role"] == "assistant" and claude is not None and not claude.takes_prefill:
        written.append({"role": "user", "content": _CONTINUE})
    end_without_space(written)
    system = system_of(leading)
    return {"messages": written} if system is None else {"system": system, "messages": written}


def end_without_space(turns: list[Json]) -> None:
    """Remove the white space at the end of a prefill, which Anthropic refuses."""
    last = turns[-1]
    if last["role"] == "assistant" and isinstance(last["content"], str):
        turns[-1] = {**last, "content": last["content"].rstrip()}


def system_of(turns: Sequence[Message]) -> str | list[Json] | None:
    """Write the system prompt; None without a text.

    Raises:
        InvalidRequestError: If it holds something else than text.

    """
    content = [block for n, turn in enumerate(turns) for block in _texts(turn, f"messages.{n}")]
    return plain(content) if content else None


def _texts(turn: Message, place: str) -> list[Json]:
    """Write the blocks of a system turn, which holds text alone."""
    for block in turn.blocks:
        if not isinstance(block, Text):
            raise InvalidRequestError("a system prompt holds text only", param=place)
    return BlockWriter(None, keeps_unsigned=False).of_turn(turn, turn.blocks, place)


class _Turns:
    """Writes the turns after the system prompt."""

    def __init__(self, claude: ClaudeModel | None) -> None:
        self._claude = claude
        self._ids = CallIds()
        self._writer = BlockWriter(self._ids, keeps_unsigned=claude is None)
        self._open_calls: list[str] = []

    def written(self, messages: Sequence[Message], first: int) -> list[Json]:
        """Write the turns; `first` is the position of the first one in the request."""
        turns: list[Json] = []
        for position, group in _groups(messages, first):
            if group[0].role == "assistant":
                turns += self._assistant(group, position)
            else:
                turns += self._user(group, position)
        return turns

    def _assistant(self, group: Sequence[Message], first: int) -> Iterator[Json]:
        content: list[Json] = []
        self._ids.begin_turn()
        for position, message in enumerate(group, first):
            content += self._writer.of_turn(message, message.blocks, f"messages.{position}")
        if content:
            self._open_calls = [one["id"] for one in content if one["type"] == "tool_use"]
            yield _turn("assistant", content, group)

    def _user(self, group: Sequence[Message], first: int) -> Iterator[Json]:
        """Write all that stands before the next assistant turn.

        A `system` turn must follow a user turn, and an assistant turn or nothing must follow it.
        """
        results: list[Json] = []
        content: list[Json] = []
        system: list[Json] = []
        for position, message in enumerate(group, first):
            place = f"messages.{position}"
            if message.role in _SYSTEM:
                own = self._claude is not None and self._claude.takes_system_turns
                (system if own else content).extend(_texts(message, place))
                continue
            if message.role not in _USER:
                raise InvalidRequestError(
                    f"Anthropic's dialect has no turn of role {message.role[:50]!r}",
                    param=f"{place}.role",
                )
            results += self._writer.of_turn(message, _results(message), place)
            content += self._writer.of_turn(message, _others(message), place)
        if not (results or content):
            content, system = system, []
        if results or content:
            yield _turn("user", [*self._in_order(results), *content], group)
        if system:
            yield {"role": "system", "content": plain(system)}

    def _in_order(self, results: list[Json]) -> list[Json]:
        """Sort tool results by their calls; those of other calls come last."""
        places = {id_: n for n, id_ in enumerate(self._open_calls)}
        return sorted(results, key=lambda one: places.get(one["tool_use_id"], len(places)))


def _groups(messages: Sequence[Message], first: int) -> Iterator[tuple[int, list[Message]]]:
    """Yield the consecutive turns of one side, with the position of the first of them."""
    group: list[Message] = []
    for position, message in enumerate(messages, first):
        if group and (group[-1].role == "assistant") != (message.role == "assistant"):
            yield position - len(group), group
            group = []
        group.append(message)
    if group:
        yield first + len(messages) - len(group), group


def _turn(role: str, content: list[Json], group: Sequence[Message]) -> Json:
    turn: Json = {}
    for message in group:
        turn |= fields_for(DIALECT, message.extra)
    return {**turn, "role": role, "content": plain(content)}


def _results(message: Message) -> tuple[Block, ...]:
    return tuple(block for block in message.blocks if isinstance(block, ToolResult))


def _others(message: Message) -> tuple[Block, ...]:
    return tuple(block for block in message.blocks if not isinstance(block, ToolResult))
