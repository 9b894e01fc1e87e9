"""Replace the turns that the gateway changed in a request of OpenAI's Responses dialect.

A turn of the canonical form comes from several items of the input, and the first one may come from
`instructions`. The items of an unchanged turn stay as the caller sent them.
"""

from __future__ import annotations

from typing import Any

from chatd.canonical.request import ChatRequest, Source
from chatd.dialects.openai_responses.items import written

ADDED_TOOLS = "additional_tools"
"""The type of an input item that holds tools, and is no part of a turn."""


def forward_turns(
    body: dict[str, Any], request: ChatRequest, source: Source, *, readable: bool
) -> None:
    """Write the changed turns into the body.

    Args:
        body: The body of the request, which is changed; its `input` is still the caller's.
        request: The request, with the turns as the provider gets them.
        source: The caller's JSON, and the turns that were read from it.
        readable: Whether the provider reads reasoning without encrypted content.

    Raises:
        InvalidRequestError: If a turn holds a block that only another dialect knows.

    """
    read = source.read["messages"]
    given = body["input"] if isinstance(body["input"], list) else []
    owned: dict[int, list[Any]] = {}
    for item, owner in zip(given, source.owners, strict=False):
        if owner is not None:
            owned.setdefault(owner, []).append(item)
    numbers = {id(message): number for number, message in enumerate(read)}
    items = [item for item in given if item.get("type") == ADDED_TOOLS]
    has_instructions = bool(body.pop("instructions", None)) and 0 not in owned
    for message in request.messages:
        number = numbers.get(id(message))
        if number == 0 and has_instructions:
            body["instructions"] = source.body["instructions"]
        elif number is not None and number in owned:
            items += owned[number]
        else:
            items += written([message], readable_reasoning=readable)
    body["input"] = items
