"""Write turns, tools and images in Ollama's dialect, and read its tool calls.

https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion
"""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from chatd.canonical.losses import has_failed_result
from chatd.canonical.request import ChatRequest, Message, Tool
from chatd.canonical.response import new_call_id
from chatd.dialects import lenient
from chatd.dialects.ollama.schema import OllamaMessage
from chatd.dialects.ollama.tool_schemas import ToolSchemas
from chatd.errors import InvalidRequestError, RequestTooLargeError
from chatd.safe_json.value_count import MAX_VALUES, is_bounded

# OpenAI's `developer` is the `system` of others, and its old `function` is today's `tool`.
_ROLES = {"developer": "system", "function": "tool"}
# Roles whose name Ollama gets, as the name of the tool.
_NAMED = ("function", "tool")
_BESIDE_CONTENT = (Thinking, ToolCall)


def written(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Write the conversation for `/api/chat`.

    Raises:
        InvalidRequestError: If an image is not in the request itself, a block is neither text
            nor image, a call is not one of a function, or its arguments are not a JSON object.
        RequestTooLargeError: If the arguments of all calls hold more than 250,000 JSON values.

    """
    calls = [call for message in messages for call in message.tool_calls]
    arguments = [call.arguments for call in calls]
    if not is_bounded(",".join(arguments).encode("utf-8", "surrogatepass")):
        raise RequestTooLargeError(
            f"the arguments of the tool calls hold more than {MAX_VALUES:,} JSON values"
        )
    names = {call.id: call.name for call in calls}
    return [
        turn
        for position, message in enumerate(messages)
        for turn in _turns(message, position, names)
    ]


def unwritten(request: ChatRequest) -> tuple[str, ...]:
    """Name the fields of the canonical form without an equal in Ollama's dialect."""
    found = []
    if [turn for turn in request.messages if turn.name and turn.role not in _NAMED]:
        found.append("messages.name")
    if has_failed_result(request):
        found.append("messages.content.is_error")
    if request.tool_choice != "none":
        strict = [tool for tool in request.tools if isinstance(tool, Tool) and tool.strict]
        found += ["tools.strict"] if strict else []
    if request.schema_description:
        found.append("response_format.description")
    return tuple(found)


def tool(given: Tool, schemas: ToolSchemas) -> dict[str, Any]:
    """Write a tool that the model may call."""
    function: dict[str, Any] = {"name": given.name}
    if given.description is not None:
        function["description"] = given.description
    function["parameters"] = schemas.parameters(given)
    return {"type": "function", "function": function}


def calls(message: OllamaMessage) -> tuple[ToolCall, ...]:
    """Read the tool calls of a turn; a call without an id gets a new id."""
    return tuple(
        ToolCall(
            id=call.id or new_call_id(),
            name=call.function.name,
            arguments=lenient.arguments(call.function.arguments) or "{}",
        )
        for call in message.tool_calls or ()
    )


def logprobs(given: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    """Write log probabilities in OpenAI's shape.

    Ollama leaves out `top_logprobs` and `bytes` where they are empty, and OpenAI's schema requires
    both: https://github.com/ollama/ollama/blob/main/api/types.go (Logprob).
    """
    if given is None:
        return None
    return {"content": [_logprob(token) for token in given], "refusal": None}


def _logprob(token: dict[str, Any]) -> dict[str, Any]:
    """Write one token with its alternatives."""
    others = token.get("top_logprobs")
    alternatives = others if isinstance(others, list) else []
    return {
        **token,
        "bytes": token.get("bytes"),
        "top_logprobs": [
            {**other, "bytes": other.get("bytes")} if isinstance(other, dict) else other
            for other in alternatives
        ],
    }


def _turns(message: Message, position: int, names: dict[str, str]) -> list[dict[str, Any]]:
    """Write a turn as one for each tool result and one for the rest."""
    if len(message.blocks) == 1 and isinstance(text := message.blocks[0], Text):  # as most turns
        return [_with_tool_name({"role": _role(message), "content": text.text}, message)]
    results = [block for block in message.blocks if isinstance(block, ToolResult)]
    turns = [_result(result, message, position, names) for result in results]
    rest = tuple(block for block in message.blocks if not isinstance(block, ToolResult))
    if rest or not results:
        turns.append(_turn(message, rest, position))
    return turns


def _result(
    result: ToolResult, message: Message, position: int, names: dict[str, str]
) -> dict[str, Any]:
    turn = {"role": "tool", **_content(result.blocks, position), "tool_call_id": result.call_id}
    # Ollama identifies the call by the tool's name, which only the call itself holds.
    if name := names.get(result.call_id) or message.name:
        turn["tool_name"] = name
    return turn


def _turn(message: Message, blocks: tuple[Block, ...], position: int) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": _role(message), **_content(blocks, position)}
    if thinking := message.thinking:
        turn["thinking"] = thinking
    if calls := message.tool_calls:
        turn["tool_calls"] = [
            {
                "id": call.id,
                "function": {"index": n, "name": call.name, "arguments": _object(call, position)},
            }
            for n, call in enumerate(calls)
        ]
    return _with_tool_name(turn, message)


def _role(message: Message) -> str:
    """Return Ollama's role; what stands beside tool results is the user's."""
    return "user" if message.role == "tool" else _ROLES.get(message.role, message.role)


def _with_tool_name(turn: dict[str, Any], message: Message) -> dict[str, Any]:
    if message.role == "function" and message.name is not None:
        turn["tool_name"] = message.name
    return turn


def _content(blocks: tuple[Block, ...], position: int) -> dict[str, Any]:
    """Write the text and the images of a turn."""
    texts: list[str] = []
    images: list[str] = []
    parts = [block for block in blocks if not isinstance(block, _BESIDE_CONTENT)]
    for number, block in enumerate(parts):
        place = f"messages.{position}.content.{number}"
        if isinstance(block, Text | Refusal):
            texts.append(block.text)
        elif isinstance(block, Image):
            images.append(_base64(block, place))
        elif isinstance(block, Document) and block.text is not None:
            texts.append(block.text)
        else:
            kind = block.kind if isinstance(block, Opaque) else "file"
            raise InvalidRequestError(
                f"Ollama takes text and images, and no content of type {kind[:50]!r}",
                param=place,
            )
    content = {"content": "".join(texts)}
    return {**content, "images": images} if images else content


def _base64(image: Image, place: str) -> str:
    scheme, _, encoded = image.url.partition(";base64,")
    if not scheme.startswith("data:") or not encoded:
        raise InvalidRequestError(
            "Ollama takes an image only within the request: send a data URL with base64",
            param=f"{place}.image_url.url",
        )
    return encoded


def _object(call: ToolCall, position: int) -> Any:
    if call.kind != "function":
        raise InvalidRequestError(
            "Ollama takes calls of functions only", param=f"messages.{position}.tool_calls"
        )
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise InvalidRequestError(
            "the arguments of a tool call are the text of a JSON object",
            param=f"messages.{position}.tool_calls",
        )
    return arguments
