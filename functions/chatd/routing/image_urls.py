"""Check where the pictures of a request come from.

A provider fetches a picture's URL from inside its own network: `file:` and the like are refused
here, and so is an address that two parsers read in two ways.
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from chatd.canonical.content import Block, Image, Thinking, ToolCall, ToolResult
from chatd.canonical.request import ChatRequest
from chatd.errors import InvalidRequestError

# Both are compiled on their first use: most requests have no picture.
_DATA = r"(?ai)data:"
# A host follows; spaces, control characters and backslashes are where parsers differ.
_WEB = r"(?ai:(https?)://)[^\s\x00-\x20\x7f\\/?#][^\s\x00-\x20\x7f\\]*"


def check_images(request: ChatRequest, *, allow_http: bool) -> None:
    """Refuse a picture whose URL is neither `https:` nor `data:`, nor `http:` where allowed.

    Args:
        request: The chat.
        allow_http: Whether chatd.toml has `allow_http_images = true`.

    Raises:
        InvalidRequestError: With the first such URL's place as its `param`; it quotes no URL.

    """
    for position, message in enumerate(request.messages):
        for number, image in _images(message.blocks):
            if mistake := _mistake(image.url, allow_http=allow_http):
                place = f"messages.{position}.content.{number}.image_url.url"
                raise InvalidRequestError(f"{place!r} {mistake}", param=place)


def _images(blocks: Sequence[Block]) -> Iterator[tuple[int, Image]]:
    """Yield each picture with its position in the content of its turn or tool result."""
    parts = (block for block in blocks if not isinstance(block, Thinking | ToolCall))
    for number, block in enumerate(parts):
        if isinstance(block, Image):
            yield number, block
        elif isinstance(block, ToolResult):
            yield from _images(block.blocks)


def _mistake(url: str, *, allow_http: bool) -> str | None:
    if re.match(_DATA, url):
        return None
    found = re.fullmatch(_WEB, url)
    if found is None:
        return "must be an https: or data: URL, without spaces, control characters or backslashes"
    if found[1].lower() == "http" and not allow_http:
        return "is an http: URL; use https: or data:, or set allow_http_images in chatd.toml"
    return None
