"""Write turns, tools and pictures for Ollama, and read its tool calls.

https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from chatd.canonical.request import Image, Message, Other, Tool, ToolCall
from chatd.canonical.response import new_call_id
from chatd.dialects import lenient
from chatd.dialects.ollama.schema import OllamaMessage
from chatd.dialects.ollama.tool_schemas import ToolSchemas
from chatd.errors import InvalidRequestError, RequestTooLargeError
from chatd.safe_json.value_count import MAX_VALUES, is_bounded

# OpenAI means by developer what others mean by system, and by its old function what tool means now.
_ROLES = {"developer": "system", "function": "tool"}


def written(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Write the conversation for `/api/chat`.

    Raises:
        InvalidRequestError: If a picture is not in the request itself, a piece is neither text
            nor picture, or a call's arguments are not a JSON object.
        RequestTooLargeError: If the arguments of all calls hold more than 250,000 JSON values.

    """
    arguments = [call.arguments for message in messages for call in message.tool_calls]
    if not is_bounded(",".join(arguments).encode("utf-8", "surrogatepass")):
        raise RequestTooLargeError(
            f"the arguments of the tool calls hold more than {MAX_VALUES:,} JSON values"
        )
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    return [_turn(message, position, names) for position, message in enumerate(messages)]


def tool(given: Tool, schemas: ToolSchemas) -> dict[str, Any]:
    """Write a tool that the model may call."""
    function: dict[str, Any] = {"name": given.name}
    if given.description is not None:
        function["description"] = given.description
    function["parameters"] = schemas.parameters(given)
    return {"type": "function", "function": function}


def calls(message: OllamaMessage) -> tuple[ToolCall, ...]:
    """Read the tool calls of a turn; a call without an id gets one of ours."""
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


def _turn(message: Message, position: int, names: dict[str, str]) -> dict[str, Any]:
    if "tool_calls" in message.extra:
        raise InvalidRequestError(
            "Ollama knows calls of functions, and no others",
            param=f"messages.{position}.tool_calls",
        )
    role = _ROLES.get(message.role, message.role)
    turn: dict[str, Any] = {"role": role, "content": message.text}
    if images := _images(message, position):
        turn["images"] = images
    if message.thinking:
        turn["thinking"] = message.thinking
    if message.tool_calls:
        turn["tool_calls"] = [
            {
                "id": call.id,
                "function": {"index": n, "name": call.name, "arguments": _object(call, position)},
            }
            for n, call in enumerate(message.tool_calls)
        ]
    if message.role == "function" and message.name is not None:
        turn["tool_name"] = message.name
    if message.tool_call_id is not None:
        # It goes by the tool's name, which only the call that it answers holds.
        turn["tool_call_id"] = message.tool_call_id
        if name := names.get(message.tool_call_id) or message.name:
            turn["tool_name"] = name
    return turn


def _images(message: Message, position: int) -> list[str]:
    images = []
    for number, part in enumerate(message.content):
        place = f"messages.{position}.content.{number}"
        if isinstance(part, Other):
            raise InvalidRequestError(
                f"Ollama takes text and pictures, and no piece of type {part.kind[:50]!r}",
                param=place,
            )
        if isinstance(part, Image):
            scheme, _, encoded = part.url.partition(";base64,")
            if not scheme.startswith("data:") or not encoded:
                raise InvalidRequestError(
                    "Ollama takes a picture only within the request: send a data URL with base64",
                    param=f"{place}.image_url.url",
                )
            images.append(encoded)
    return images


def _object(call: ToolCall, position: int) -> Any:
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
