"""Refuse image URLs with an unsafe scheme or an ambiguous host.

A provider fetches an image from inside its own network. So `file:` and other schemes are refused,
and so is a URL that two parsers may read differently.
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from chatd.canonical.content import Block, Image, Text, Thinking, ToolCall, ToolResult
from chatd.canonical.request import ChatRequest
from chatd.errors import InvalidRequestError

# Both are compiled on first use: most requests have no image.
_DATA = r"(?ai)data:"
# A host follows. Parsers differ on spaces, control characters and backslashes.
_WEB = r"(?ai:(https?)://)[^\s\x00-\x20\x7f\\/?#][^\s\x00-\x20\x7f\\]*"
_BESIDE_CONTENT = (Thinking, ToolCall)


def check_images(request: ChatRequest, *, allow_http: bool) -> None:
    """Refuse an image URL other than `https:`, `data:` and, where allowed, `http:`.

    Args:
        request: The chat.
        allow_http: Whether chatd.toml has `allow_http_images = true`.

    Raises:
        InvalidRequestError: With the place of the first such URL as `param`; no URL is quoted.

    """
    for position, message in enumerate(request.messages):
        if len(message.blocks) == 1 and isinstance(message.blocks[0], Text):  # as most turns
            continue
        for number, image in _images(message.blocks):
            if problem := _problem(image.url, allow_http=allow_http):
                place = f"messages.{position}.content.{number}.image_url.url"
                raise InvalidRequestError(f"{place!r} {problem}", param=place)


def _images(blocks: Sequence[Block]) -> Iterator[tuple[int, Image]]:
    """Yield each image with its position in its turn or tool result."""
    parts = (block for block in blocks if not isinstance(block, _BESIDE_CONTENT))
    for number, block in enumerate(parts):
        if isinstance(block, Image):
            yield number, block
        elif isinstance(block, ToolResult):
            yield from _images(block.blocks)


def _problem(url: str, *, allow_http: bool) -> str | None:
    if re.match(_DATA, url):
        return None
    match = re.fullmatch(_WEB, url)
    if match is None:
        return "must be an https: or data: URL, without spaces, control characters or backslashes"
    if match[1].lower() == "http" and not allow_http:
        return "is an http: URL; use https: or data:, or set allow_http_images in chatd.toml"
    return None
