"""Write whole messages and content blocks of Anthropic's Messages surface.

A message that came in this dialect is written as the upstream's own JSON, with the maker's tag on
signatures. Any other is written from the canonical form.
https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic_core import from_json

from chatd.canonical.content import Block, Opaque, Refusal, Text, Thinking, ToolCall
from chatd.canonical.extra import fields_for
from chatd.canonical.maker import tagged
from chatd.canonical.response import (
    Choice,
    Response,
    new_call_id,
    too_many_values,
)
from chatd.canonical.served import Served
from chatd.safe_json.value_count import MAX_ANSWER_VALUES, is_bounded
from chatd.surfaces.anthropic_messages.turns import DIALECT
from chatd.surfaces.anthropic_messages.usage import own, usage

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "stop": "end_turn",
        "length": "max_tokens",
        "tool_calls": "tool_use",
        "function_call": "tool_use",
        "content_filter": "refusal",
    }
)
# Anthropic's own reasons. Another reason of a provider means that it came to its end.
_OWN_REASONS = frozenset(
    {
        *("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"),
        "model_context_window_exceeded",
    }
)
WRITTEN_CALLS = ("function", "custom")
"""The kinds of tool calls that have a name and an input."""
_NOT_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")
# The key around input that is no JSON object. Anthropic recommends such an object, with any key:
# https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
_INVALID = "INVALID_JSON"


def message(response: Response, served: Served, name: str) -> dict[str, Any]:
    """Write a message.

    Args:
        response: The response.
        served: The provider and model that answered last.
        name: The model by the caller's name. Claude Code 2.1.197 drops the thinking of an answer
            with another name from its next request.

    """
    source = own(response.source)
    choice = response.first
    if source is None:
        fields = fields_for(DIALECT, response.extra)
        content = list(_blocks(choice, maker(served)))
    else:
        fields = source.body
        content = [with_maker(block, maker(served)) for block in fields["content"]]
    head = {
        "id": text(fields.get("id")) or own_id(served),
        "type": "message",
        "role": "assistant",
        "model": name,
    }
    body: dict[str, Any] = {
        **head,
        **fields,
        **head,
        "content": content,
        "stop_reason": text(fields.get("stop_reason")) or reason(choice),
        "stop_sequence": fields.get("stop_sequence", choice.stop_sequence),
        "usage": usage(response.usage),
    }
    if served.rescued is not None:
        body["rescued"] = served.rescued
    return body


def own_id(served: Served) -> str:
    """Make the id of a message for which the provider gives none of Anthropic's form."""
    return f"msg_{_NOT_IN_ID.sub('', served.request_id.replace('-', ''))}"


def maker(served: Served) -> str:
    """Name the provider and model that make the signatures of an answer."""
    return f"{served.provider}/{served.model}"


def text(value: Any) -> str | None:
    """Return a text; None if it is none or empty."""
    return value if type(value) is str and value else None


def reason(choice: Choice) -> str:
    """Return the stop reason of a choice."""
    return stop_reason(
        choice.finish_reason,
        calls=any(call.kind in WRITTEN_CALLS for call in choice.tool_calls),
        refused=choice.refusal is not None,
    )


def stop_reason(found: str | None, *, calls: bool, refused: bool) -> str:
    """Return the stop reason as Anthropic has it.

    Args:
        found: The canonical finish reason.
        calls: Whether the answer holds tool calls, which some providers end with `stop`.
        refused: Whether the answer holds a refusal.

    """
    written = _REASONS.get(found or "", found)
    if written not in _OWN_REASONS:
        written = "end_turn"
    if written == "end_turn":
        return "refusal" if refused else "tool_use" if calls else written
    return str(written)


def with_maker(block: dict[str, Any], made_by: str) -> dict[str, Any]:
    """Add the maker's tag to the tokens of a block of this dialect, in place."""
    kind = block.get("type")
    name = {"thinking": "signature", "redacted_thinking": "data"}.get(str(kind))
    if name is not None and (token := text(block.get(name))):
        block[name] = tagged(made_by, token)
    return block


def written_block(block: Block, made_by: str) -> dict[str, Any] | None:
    """Write a content block; None for one that Anthropic's answers do not have."""
    match block:
        case Text() | Refusal():
            return {**fields_for(DIALECT, block.extra), "type": "text", "text": block.text}
        case Thinking(redacted=str(data)):
            fields = fields_for(DIALECT, block.extra)
            return {**fields, "type": "redacted_thinking", "data": tagged(made_by, data)}
        case Thinking():
            return {
                **fields_for(DIALECT, block.extra),
                "type": "thinking",
                "thinking": block.text,
                "signature": tagged(made_by, block.signature or ""),
            }
        case ToolCall(kind="function" | "custom"):
            return {
                **fields_for(DIALECT, block.extra),
                "type": "tool_use",
                "id": block.id,
                "name": block.name,
                "input": tool_input(block),
            }
        case Opaque() if block.extra.dialect == DIALECT:
            return {"type": block.kind, **block.extra.fields}
    return None


def tool_input(call: ToolCall) -> dict[str, Any]:
    """Parse the arguments of a call; wrap those that are no JSON object."""
    if call.kind == "custom":
        return {"input": call.arguments}
    if not call.arguments.strip():
        return {}
    try:
        value = from_json(call.arguments, allow_inf_nan=False)
    except ValueError:
        value = None
    return value if type(value) is dict else {_INVALID: call.arguments}


class CallIds:
    """Makes the ids of tool calls fit Anthropic's pattern, each once in an answer."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def fit(self, given: str | None) -> str:
        """Return an id of letters, digits, `_` and `-` for this call."""
        fitted = _NOT_IN_ID.sub("_", given or "")
        if not fitted or fitted in self._used:
            fitted = new_call_id()
        self._used.add(fitted)
        return fitted


def _blocks(choice: Choice, made_by: str) -> Iterator[dict[str, Any]]:
    """Write the blocks that hold something.

    Raises:
        AnswerTooLargeError: If the arguments of all calls hold more than 600,000 JSON values.

    """
    ids = CallIds()
    arguments = ",".join(call.arguments for call in choice.tool_calls)
    if not is_bounded(arguments.encode("utf-8", "surrogatepass"), MAX_ANSWER_VALUES):
        raise too_many_values()
    for block in choice.blocks:
        if _is_empty(block) or (written := written_block(block, made_by)) is None:
            continue
        if isinstance(block, ToolCall):
            written["id"] = ids.fit(block.id)
        yield written


def _is_empty(block: Block) -> bool:
    if isinstance(block, Thinking):
        return not (block.text or block.signature or block.redacted)
    return isinstance(block, Text | Refusal) and not block.text and block.extra is None
