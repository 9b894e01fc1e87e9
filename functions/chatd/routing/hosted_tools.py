"""Leave out hosted tools, and their calls, that only providers of another dialect run.

Agents send hosted tools such as web search with every request, and the conversation keeps their
calls and results when it moves to another provider. They are dropped and named, never refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from chatd.canonical.content import Block, Opaque, Text, ToolResult
from chatd.canonical.request import ChatRequest, Message, NamedTool, OpaqueTool

# Kinds of the caller's content: a loss changes the answer, so a dialect refuses a kind it lacks.
# https://docs.anthropic.com/en/api/messages and
# https://platform.openai.com/docs/api-reference/responses/create
_CONTENT = frozenset(
    {
        *("audio", "input_audio", "video", "video_url", "input_video"),
        *("container_upload", "file", "input_file", "image", "input_image", "image_url"),
        *("document", "text", "refusal"),
    }
)
# Kinds of hosted tools' blocks in the caller's own turns; any other kind is the caller's content.
_HOSTED = re.compile(r".*_(tool_use|tool_result|call|output|result|response|reference)|compaction")
_OF_TOOLS = ("assistant", "tool")
_SEARCH_RESULT = "search_result"


def without_tools(request: ChatRequest, dialect: str | None) -> tuple[ChatRequest, tuple[str, ...]]:
    """Leave out the hosted tools of other dialects, and the choice of one of them.

    Args:
        request: The chat.
        dialect: The dialect whose tools stay; None: no hosted tool stays.

    Returns:
        The request, the same one if nothing changes, and the names of the dropped fields.

    """
    foreign = [
        tool
        for tool in request.tools
        if isinstance(tool, OpaqueTool) and _is_foreign(tool, dialect)
    ]
    if not foreign:
        return request, ()
    dropped = dict.fromkeys(f"tools.{tool.kind}" for tool in foreign)
    tools = tuple(tool for tool in request.tools if not _is_foreign(tool, dialect))
    changed, choice = replace(request, tools=tools), request.tool_choice
    names = [tool.extra.fields.get("name", tool.kind) for tool in foreign]
    if not tools or (isinstance(choice, NamedTool) and choice.name in names):
        if choice not in (None, "auto", "none"):
            dropped["tool_choice"] = None
        changed.tool_choice = None
    if not tools:
        changed.parallel_tool_calls = None
    return changed, tuple(dropped)


def without_history(
    messages: tuple[Message, ...], dialect: str
) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """Leave out the calls and results of hosted tools of other dialects.

    A search result becomes its text. The caller's own content, such as audio, stays, for the
    dialect to refuse.

    Args:
        messages: The conversation.
        dialect: The dialect of the target.

    Returns:
        The conversation, the same tuple if nothing changes, and the names of the dropped blocks.

    """
    dropped: dict[str, None] = {}
    changed = {
        number: tuple(_blocks(message.blocks, dialect, message.role, dropped))
        for number, message in enumerate(messages)
        if any(_has_foreign(block, dialect, message.role) for block in message.blocks)
    }
    if not changed:
        return messages, ()
    kept = [
        replace(message, blocks=changed[number]) if number in changed else message
        for number, message in enumerate(messages)
        if changed.get(number) != ()  # a turn without content is refused
    ]
    return tuple(kept) or (replace(messages[-1], blocks=()),), tuple(dropped)


def _is_foreign(tool: object, dialect: str | None) -> bool:
    return isinstance(tool, OpaqueTool) and tool.extra.dialect != dialect


def _has_foreign(block: Block, dialect: str, role: str) -> bool:
    if type(block) is Opaque:
        if block.extra.dialect == dialect or block.kind in _CONTENT:
            return False
        return role in _OF_TOOLS or _HOSTED.fullmatch(block.kind) is not None
    if type(block) is not ToolResult:
        return False
    return any(_has_foreign(inner, dialect, "tool") for inner in block.blocks)


def _blocks(
    blocks: tuple[Block, ...], dialect: str, role: str, dropped: dict[str, None]
) -> Iterator[Block]:
    for block in blocks:
        if not _has_foreign(block, dialect, role):
            yield block
        elif isinstance(block, ToolResult):
            yield replace(block, blocks=tuple(_blocks(block.blocks, dialect, "tool", dropped)))
        elif isinstance(block, Opaque):
            text = _search_result(block.extra.fields) if block.kind == _SEARCH_RESULT else None
            if text:
                yield Text(text)
            else:
                dropped[f"messages.content.{block.kind}"] = None


def _search_result(fields: Mapping[str, object]) -> str:
    """Write a search result as text: title, source and content.

    https://docs.anthropic.com/en/docs/build-with-claude/search-results
    """
    content = fields.get("content")
    parts = content if isinstance(content, list) else []
    found = [fields.get("title"), fields.get("source")]
    found += [part.get("text") for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in found if isinstance(text, str) and text)
