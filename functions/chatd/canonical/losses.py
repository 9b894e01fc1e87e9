"""Name the fields of a request that a dialect cannot carry.

Only fields unknown to the canonical form are found here; each dialect names the other ones that it
lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chatd.canonical.content import Block, Opaque, ToolCall, ToolResult
from chatd.canonical.extra import Extra
from chatd.canonical.request import ChatRequest, Message, NamedTool, OpaqueTool, Tool


def foreign_fields(request: ChatRequest, dialect: str) -> tuple[str, ...]:
    """Name the fields of other dialects below the request itself.

    Null and empty values are left out: they change nothing.

    Args:
        request: The request.
        dialect: The dialect that it is written in.

    Returns:
        Each path once, without positions, such as `messages.content.cache_control`; `tools` and
        `tool_choice` for a tool or a choice of a kind that only another dialect knows.

    """
    paths = (*_paths(_extras(request), dialect), *_whole(request, dialect))
    return tuple(dict.fromkeys(paths))


def has_failed_result(request: ChatRequest) -> bool:
    """Return whether a tool result is marked as an error, which few dialects can express."""
    return any(
        isinstance(block, ToolResult) and block.is_error
        for message in request.messages
        for block in message.blocks
    )


def _whole(request: ChatRequest, dialect: str) -> Iterator[str]:
    """Name tools and choices of other dialects, which are left out as a whole."""
    for tool in request.tools:
        if isinstance(tool, OpaqueTool) and tool.extra.dialect != dialect:
            yield "tools"
    choice = request.tool_choice
    if isinstance(choice, Opaque) and choice.extra.dialect != dialect:
        yield "tool_choice"


def _paths(extras: Iterable[tuple[str, Extra | None]], dialect: str) -> Iterator[str]:
    for place, extra in extras:
        if extra is not None and extra.dialect != dialect:
            for path, value in extra.paths():
                if value not in (None, "", [], {}):
                    yield f"{place}.{path}"


def _extras(request: ChatRequest) -> Iterator[tuple[str, Extra | None]]:
    for message in request.messages:
        yield from _of_message(message)
    for tool in request.tools:
        if isinstance(tool, Tool):
            yield "tools", tool.extra
    yield "response_format", request.format_extra
    if isinstance(request.tool_choice, NamedTool):
        yield "tool_choice", request.tool_choice.extra


def _of_message(message: Message) -> Iterator[tuple[str, Extra | None]]:
    yield "messages", message.extra
    yield from _of_blocks(message.blocks)


def _of_blocks(blocks: tuple[Block, ...]) -> Iterator[tuple[str, Extra | None]]:
    for block in blocks:
        if isinstance(block, ToolCall):
            yield "messages.tool_calls", block.extra
        else:
            yield "messages.content", block.extra
        if isinstance(block, ToolResult):
            yield from _of_blocks(block.blocks)
