"""Write content blocks in Bedrock's Converse dialect.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.content import (
    Block,
    Document,
    Image,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatd.canonical.request import Message
from chatd.dialects.bedrock_converse.cache_points import cache_point, point_after
from chatd.dialects.bedrock_converse.media import Documents, image
from chatd.dialects.bedrock_converse.model_facts import ConverseModel
from chatd.dialects.call_arguments import parsed_arguments
from chatd.dialects.call_ids import CallIds
from chatd.errors import InvalidRequestError

Json = dict[str, Any]
LONGEST_ID = 64
# The content of a result without any, which some models refuse:
# https://github.com/NousResearch/hermes-agent/issues/55092
_EMPTY: Mapping[str, str] = MappingProxyType({"text": "(empty)"})


class BlockWriter:
    """Writes the blocks of a conversation, in its order.

    Args:
        model: The abilities of the model.

    Attributes:
        ids: Fits the ids of tool calls.

    """

    def __init__(self, model: ConverseModel) -> None:
        self._model = model
        self._documents = Documents()
        self.ids = CallIds(LONGEST_ID)

    def of_turn(self, turn: Message, blocks: tuple[Block, ...], place: str) -> list[Json]:
        """Write blocks of a turn, with cache points.

        Empty texts and thinking without a signature are left out, which Bedrock refuses.

        Args:
            turn: The turn, whose own mark makes a cache point at its end.
            blocks: The blocks.
            place: The path of the turn, for errors.

        Raises:
            InvalidRequestError: If the dialect cannot express a block.

        """
        found: list[Json] = []
        for block in blocks:
            written = self.block(block, place)
            if written is None:
                continue
            found.append(written)
            if (point := point_after(block, self._model)) is not None:
                found.append(point)
        if found and "cachePoint" not in found[-1]:
            point = cache_point(turn.extra, self._model)
            found += [point] if point is not None else []
        return found

    def block(self, block: Block, place: str) -> Json | None:
        """Write a block; None for one that is left out."""
        match block:
            case Text() | Refusal():
                return {"text": block.text} if block.text.strip() else None
            case Thinking():
                return _thinking(block)
            case Image():
                return image(block, place)
            case Document():
                return self._documents.written(block, place)
            case ToolCall():
                return self._call(block, place)
            case ToolResult():
                return self._result(block, place)
            case Opaque():
                raise InvalidRequestError(
                    f"Bedrock's Converse has no content of type {block.kind[:50]!r}", param=place
                )

    def _call(self, call: ToolCall, place: str) -> Json:
        place = f"{place}.tool_calls"
        return {
            "toolUse": {
                "toolUseId": self.ids.call(call.id),
                "name": call.name,
                "input": parsed_arguments(call, place, "Bedrock's Converse"),
            }
        }

    def _result(self, result: ToolResult, place: str) -> Json:
        content = [found for one in result.blocks if (found := self.block(one, place)) is not None]
        written: Json = {
            "toolUseId": self.ids.result(result.call_id),
            "content": content or [dict(_EMPTY)],
        }
        if result.is_error and self._model.takes_result_status:
            written["status"] = "error"
        return {"toolResult": written}


def _thinking(block: Thinking) -> Json | None:
    if block.redacted is not None:
        return {"reasoningContent": {"redactedContent": block.redacted}}
    if not block.signature:
        return None
    text = {"text": block.text, "signature": block.signature}
    return {"reasoningContent": {"reasoningText": text}}
