"""Parse the arguments of tool calls for a dialect that sends them as JSON objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from chatd.canonical.content import ToolCall
from chatd.canonical.request import Message
from chatd.errors import InvalidRequestError, RequestTooLargeError
from chatd.safe_json.value_count import MAX_VALUES, is_bounded


def check_arguments(messages: Sequence[Message]) -> None:
    """Limit the memory that the arguments of all tool calls take once parsed.

    Raises:
        RequestTooLargeError: If they hold more than 250,000 JSON values.

    """
    arguments = ",".join(call.arguments for turn in messages for call in turn.tool_calls)
    if not is_bounded(arguments.encode("utf-8", "surrogatepass")):
        raise RequestTooLargeError(
            f"the arguments of the tool calls hold more than {MAX_VALUES:,} JSON values"
        )


def parsed_arguments(call: ToolCall, place: str, vendor: str) -> dict[str, Any]:
    """Parse the arguments of a call; empty ones are an empty object.

    Args:
        call: The call.
        place: The path of the turn's calls, for errors.
        vendor: The vendor of the dialect, for errors.

    Raises:
        InvalidRequestError: If the call has another kind, or the arguments are no JSON object.

    """
    if call.kind != "function":
        raise InvalidRequestError(f"{vendor} takes calls of functions only", param=place)
    if not call.arguments.strip():
        return {}
    try:
        found = json.loads(call.arguments)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidRequestError(
            "the arguments of a tool call are the text of a JSON object", param=place
        )
    return found
