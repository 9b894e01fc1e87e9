"""Write the turns of a conversation in Bedrock's Converse dialect.

User and assistant turns alternate, and a user turn answers every tool call of the turn before it:
https://docs.aws.amazon.com/bedrock/latest/userguide/tool-use-inference-call.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from chatd.canonical.content import Block, Text, ToolResult
from chatd.canonical.request import ChatRequest, Message
from chatd.dialects.bedrock_converse.blocks import BlockWriter
from chatd.dialects.bedrock_converse.model_facts import ConverseModel
from chatd.dialects.call_arguments import check_arguments
from chatd.errors import InvalidRequestError

Json = dict[str, Any]
BEGIN = "Begin."
"""The text of a user turn before an assistant turn that comes first, which Bedrock refuses."""
CONTINUE = "Continue."
"""The text of a user turn after a prefill, for a model that takes none."""
_SYSTEM = ("system", "developer")
_USER = ("user", "tool")


def conversation(request: ChatRequest, model: ConverseModel) -> Json:
    """Write the fields `system` and `messages`.

    Raises:
        InvalidRequestError: If the dialect cannot express a turn or a block, a tool call has no
            result, or the arguments of one are no JSON object.
        RequestTooLargeError: If the arguments of all calls hold more than 250,000 JSON values.

    """
    check_arguments(request.messages)
    leading = list(takewhile(lambda turn: turn.role in _SYSTEM, request.messages))
    rest = request.messages[len(leading) :]
    if not rest:  # a request needs a turn
        rest = (Message("user", leading.pop().blocks),)
    turns = _Turns(model)
    system = turns.system(leading)
    written = turns.written(rest, len(request.messages) - len(rest))
    if not written:
        raise InvalidRequestError("the conversation holds no content", param="messages")
    if written[0]["role"] == "assistant":
        written.insert(0, {"role": "user", "content": [{"text": BEGIN}]})
    if written[-1]["role"] == "assistant":
        _end(written, model)
    return {"system": system, "messages": written} if system else {"messages": written}


def _end(turns: list[Json], model: ConverseModel) -> None:
    """Remove the white space at the end of a prefill, or add a user turn after a prefill."""
    claude = model.claude
    if claude is not None and not claude.takes_prefill:
        turns.append({"role": "user", "content": [{"text": CONTINUE}]})
        return
    last = turns[-1]["content"][-1]
    if "text" in last:
        last["text"] = last["text"].rstrip()


class _Turns:
    """Writes the turns of a conversation."""

    def __init__(self, model: ConverseModel) -> None:
        self._model = model
        self._writer = BlockWriter(model)
        self._open_calls: list[str] = []

    def system(self, turns: Sequence[Message]) -> list[Json]:
        """Write the system prompt.

        Raises:
            InvalidRequestError: If it holds something else than text.

        """
        return [one for n, turn in enumerate(turns) for one in self._texts(turn, f"messages.{n}")]

    def written(self, messages: Sequence[Message], first: int) -> list[Json]:
        """Write the turns; `first` is the position of the first one in the request."""
        turns: list[Json] = []
        for position, group in _groups(messages, first):
            is_assistant = group[0].role == "assistant"
            written = self._assistant if is_assistant else self._user
            if content := written(group, position):
                role = "assistant" if is_assistant else "user"
                if turns and turns[-1]["role"] == role:  # a turn between them is empty
                    turns[-1]["content"] += content
                else:
                    turns.append({"role": role, "content": content})
        if self._open_calls:
            raise _unanswered(first + len(messages) - 1)
        return turns

    def _assistant(self, group: Sequence[Message], first: int) -> list[Json]:
        content: list[Json] = []
        self._writer.ids.begin_turn()
        for position, message in enumerate(group, first):
            content += self._writer.of_turn(message, message.blocks, f"messages.{position}")
        if content:
            self._open_calls = [one["toolUse"]["toolUseId"] for one in content if "toolUse" in one]
        return content

    def _user(self, group: Sequence[Message], first: int) -> list[Json]:
        """Write all that stands before the next assistant turn, tool results first."""
        results: list[Json] = []
        content: list[Json] = []
        for position, message in enumerate(group, first):
            place = f"messages.{position}"
            if message.role in _SYSTEM:
                content += self._texts(message, place)
                continue
            if message.role not in _USER:
                raise InvalidRequestError(
                    f"Bedrock's Converse has no turn of role {message.role[:50]!r}",
                    param=f"{place}.role",
                )
            results += self._writer.of_turn(message, _results(message), place)
            content += self._writer.of_turn(message, _others(message), place)
        return self._with_results(results, content, first)

    def _with_results(self, results: list[Json], content: list[Json], first: int) -> list[Json]:
        """Put the results into the order of their calls, before the other content.

        Raises:
            InvalidRequestError: If a call has no result, or a result no call.

        """
        calls, self._open_calls = self._open_calls, []
        by_call: dict[str, list[Json]] = {id_: [] for id_ in calls}
        latest: list[Json] | None = None
        for one in results:
            if "toolResult" in one:
                latest = by_call.get(one["toolResult"]["toolUseId"])
                if latest is None or latest:
                    raise InvalidRequestError(
                        "a tool result must answer a tool call of the turn before it, once",
                        param=f"messages.{first}",
                    )
            if latest is not None:
                latest.append(one)
        if not all(by_call.values()):
            raise _unanswered(first)
        in_order = [one for id_ in calls for one in by_call[id_]]
        content = _with_text(content)
        if in_order and content and not self._model.mixes_results:
            in_order[-1]["toolResult"]["content"] += content
            return in_order
        return [*in_order, *content]

    def _texts(self, turn: Message, place: str) -> list[Json]:
        """Write the blocks of a system turn, which holds text alone."""
        for block in turn.blocks:
            if not isinstance(block, Text):
                raise InvalidRequestError("a system prompt holds text only", param=place)
        return self._writer.of_turn(turn, turn.blocks, place)


def _unanswered(position: int) -> InvalidRequestError:
    return InvalidRequestError(
        "every tool call needs a result in the turn after it", param=f"messages.{position}"
    )


def _with_text(content: list[Json]) -> list[Json]:
    """Name the documents in a text where a turn has no text: Bedrock demands a text.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
    """
    names = [one["document"]["name"] for one in content if "document" in one]
    if not names or any("text" in one for one in content):
        return content
    return [*content, {"text": ", ".join(names)}]


def _groups(messages: Sequence[Message], first: int) -> Iterator[tuple[int, list[Message]]]:
    """Yield the consecutive turns of one side, with the position of the first turn."""
    group: list[Message] = []
    for position, message in enumerate(messages, first):
        if group and (group[-1].role == "assistant") != (message.role == "assistant"):
            yield position - len(group), group
            group = []
        group.append(message)
    if group:
        yield first + len(messages) - len(group), group


def _results(message: Message) -> tuple[Block, ...]:
    return tuple(block for block in message.blocks if isinstance(block, ToolResult))


def _others(message: Message) -> tuple[Block, ...]:
    return tuple(block for block in message.blocks if not isinstance(block, ToolResult))
