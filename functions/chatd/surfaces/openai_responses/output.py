"""Write content blocks as the output items of OpenAI's Responses surface.

https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from chatd.canonical.content import Block, Opaque, Refusal, Text, Thinking, ToolCall
from chatd.canonical.extra import Extra, Json, fields_for, nested_for
from chatd.canonical.maker import tagged
from chatd.canonical.served import Served
from chatd.surfaces.openai_responses.items import REDACTED
from chatd.surfaces.openai_responses.parts import DIALECT

# Where the input of a call stands, and how the ids of its items begin, by the call's kind.
CALLS = {
    "function": ("function_call", "arguments", "fc"),
    "custom": ("custom_tool_call", "input", "ctc"),
}
_PARTS = ("output_", "input_")
_NOT_OF_IDS = re.compile(r"[^A-Za-z0-9]")
_MOST_OF_ID = 40  # characters: OpenAI's ids have 64 at most


def id_token(request_id: str) -> str:
    """Return the part of the request's id that all ids of its response have."""
    return _NOT_OF_IDS.sub("", request_id)[:_MOST_OF_ID]


def maker_of(served: Served) -> str:
    """Return the maker of the tokens in a response, as `<provider>/<model>`."""
    return f"{served.provider}/{served.model}"


def message_item(id_: str, parts: Sequence[Json], fields: Json, status: str) -> dict[str, Any]:
    """Write a message; `fields` are its unnamed fields, which may hold its own id."""
    own = {"id": id_, **fields}
    return {**own, "type": "message", "status": status, "role": "assistant", "content": [*parts]}


def text_part(text: str, fields: Json, logprobs: Sequence[Any] = ()) -> dict[str, Any]:
    """Write a part with text."""
    return {
        "type": "output_text",
        "annotations": [],
        "logprobs": [*logprobs],
        **fields,
        "text": text,
    }


def refusal_part(text: str, fields: Json) -> dict[str, Any]:
    """Write a part with a refusal."""
    return {**fields, "type": "refusal", "refusal": text}


def summary_part(text: str) -> dict[str, Any]:
    """Write a part of the readable reasoning."""
    return {"type": "summary_text", "text": text}


def reasoning_item(id_: str, block: Thinking, maker: str) -> dict[str, Any]:
    """Write reasoning, with the tokens of its maker tagged."""
    summary = [summary_part(block.text)] if block.text else []
    item = {"id": id_, "summary": summary, **fields_for(DIALECT, block.extra), "type": "reasoning"}
    if block.redacted:
        item["encrypted_content"] = tagged(maker, REDACTED + block.redacted)
    elif block.signature:
        item["encrypted_content"] = tagged(maker, block.signature)
    return item


def call_item(id_: str, call: ToolCall, status: str) -> dict[str, Any]:
    """Write a call of a function or of a custom tool; another kind has only its own fields."""
    fields = {"id": id_, **fields_for(DIALECT, call.extra)}
    if call.kind not in CALLS:
        return {**fields, "type": call.kind}
    kind, name, _ = CALLS[call.kind]
    item = {
        **fields,
        "type": kind,
        "status": status,
        "call_id": call.id,
        "name": call.name,
        name: call.arguments,
    }
    if call.namespace is not None:
        item["namespace"] = call.namespace
    return item


def opaque_item(id_: str, block: Opaque) -> dict[str, Any] | None:
    """Write an item that only this dialect knows; None for one of another dialect."""
    if block.extra.dialect != DIALECT:
        return None
    return {"id": id_, **block.extra.fields, "type": block.kind}


def part_of(block: Block, logprobs: Sequence[Any] = ()) -> dict[str, Any] | None:
    """Write a block as a part of a message; None if it is no part or empty."""
    fields = fields_for(DIALECT, block.extra)
    if isinstance(block, Text):
        return text_part(block.text, fields, logprobs) if block.text else None
    if isinstance(block, Refusal):
        return refusal_part(block.text, fields)
    if isinstance(block, Opaque) and fields and block.kind.startswith(_PARTS):
        return {**fields, "type": block.kind}
    return None


def begins_message(block: Block) -> Json:
    """Return the unnamed fields of the message that begins with this block; empty without."""
    return nested_for(DIALECT, block.extra, "item")


def logprobs_of(found: Any) -> Sequence[Any]:
    """Return the log probabilities of a text's tokens from the canonical form."""
    content = found.get("content") if isinstance(found, dict) else None
    return content if isinstance(content, list) else ()


def annotations_of(extra: Extra | None) -> Sequence[Any]:
    """Return the citations among the unnamed fields of a choice."""
    found = nested_for(DIALECT, extra, "message").get("annotations")
    return found if isinstance(found, list) else ()


class OutputItems:
    """Writes the blocks of one choice as items.

    Args:
        token: The part that all ids have.
        maker: The maker of the tokens, as `<provider>/<model>`.
        logprobs: Log probabilities, for the first text.
        annotations: Citations, for the first text.

    """

    def __init__(
        self, token: str, maker: str, logprobs: Sequence[Any], annotations: Sequence[Any]
    ) -> None:
        self._token = token
        self._maker = maker
        self._logprobs = logprobs
        self._annotations = annotations
        self._items: list[dict[str, Any]] = []
        self._parts: list[dict[str, Any]] = []
        self._fields: Json = {}

    def write(self, blocks: Sequence[Block], *, complete: bool) -> list[dict[str, Any]]:
        """Write the items; of an incomplete response the last one is incomplete."""
        for block in blocks:
            part = self._part(block)
            fields = begins_message(block) if part is not None else {}
            if part is None or fields:
                self._end_message()
            if part is not None:
                self._fields = fields or self._fields
                self._parts.append(part)
            else:
                self._items += self._item(block)
        self._end_message()
        if not complete and self._items and "status" in self._items[-1]:
            self._items[-1]["status"] = "incomplete"
        return self._items

    def _part(self, block: Block) -> dict[str, Any] | None:
        part = part_of(block, self._logprobs)
        if part is not None and part["type"] == "output_text":
            self._logprobs = ()
            if self._annotations:
                part["annotations"] = [*part["annotations"], *self._annotations]
                self._annotations = ()
        return part

    def _end_message(self) -> None:
        if self._parts:
            item = message_item(self._id("msg"), self._parts, self._fields, "completed")
            self._items.append(item)
            self._parts, self._fields = [], {}

    def _item(self, block: Block) -> Iterator[dict[str, Any]]:
        item: dict[str, Any] | None = None
        if isinstance(block, Thinking):
            item = reasoning_item(self._id("rs"), block, self._maker)
        elif isinstance(block, ToolCall):
            prefix = CALLS[block.kind][2] if block.kind in CALLS else "item"
            item = call_item(self._id(prefix), block, "completed")
        elif isinstance(block, Opaque):
            item = opaque_item(self._id("item"), block)
        if item is not None:
            yield item

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._token}_{len(self._items)}"
