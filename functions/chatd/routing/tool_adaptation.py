"""Write namespaced and custom tools as plain functions for a dialect that lacks them.

A tool of a namespace gets a joined name, a name that the dialect refuses a shorter one, and a
custom tool becomes a function of one text; the calls in the conversation change likewise.
tool_answers.py turns the answer's calls back.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace

from chatd.canonical.content import Block, ToolCall
from chatd.canonical.extra import Json
from chatd.canonical.request import (
    AnyTool,
    ChatRequest,
    CustomTool,
    Message,
    NamedTool,
    OpaqueTool,
    Tool,
    ToolChoice,
)
from chatd.routing.custom_input import FIELD
from chatd.routing.tool_answers import Original, ToolAnswers
from chatd.routing.tool_kinds import changes, fits, is_lacking

LOST = "tools.format"
"""The name of the dropped field where the grammar of a custom tool is only described."""
_LONGEST = 64  # characters, at OpenAI and most others
_OTHER = re.compile(r"[^A-Za-z0-9_-]")


def adapted(
    request: ChatRequest, kinds: frozenset[str]
) -> tuple[ChatRequest, ToolAnswers | None, tuple[str, ...]]:
    """Adapt the tools and the calls of a request.

    Args:
        request: The chat.
        kinds: The kinds of tools besides functions that the target takes.

    Returns:
        The request, the same one if nothing changes; the adaptation that turns the answer's calls
        back, if anything changes; and the names of the dropped fields.

    """
    if not is_lacking(request, kinds):
        return request, None, ()
    names = _Names(request.tools, kinds)
    tools = tuple(names.tool(tool) for tool in request.tools)
    lost = any(
        isinstance(tool, CustomTool) and _grammar(tool.format) and isinstance(written, Tool)
        for tool, written in zip(request.tools, tools, strict=True)
    )
    messages = tuple(names.message(message) for message in request.messages)
    changed = replace(request, tool_choice=names.choice(request))
    if any(new is not old for new, old in zip(tools, request.tools, strict=True)):
        changed.tools = tools
    if any(new is not old for new, old in zip(messages, request.messages, strict=True)):
        changed.messages = messages
    return changed, ToolAnswers(names.all_originals()), (LOST,) if lost else ()


class _Names:
    """The names and kinds of the tools as the target gets them.

    Args:
        tools: The caller's tools.
        kinds: The kinds of tools besides functions that the target takes.

    Attributes:
        originals: The caller's tools by their changed names.

    """

    def __init__(self, tools: tuple[AnyTool, ...], kinds: frozenset[str]) -> None:
        self._kinds = kinds
        named = [tool for tool in tools if not isinstance(tool, OpaqueTool)]
        self._written: dict[tuple[str | None, str], str] = {}
        self._taken = {tool.name for tool in named if not self._joins(tool.namespace)}
        self._unchanged = {
            tool.name
            for tool in named
            if not changes(tool, kinds, custom=isinstance(tool, CustomTool))
        }
        self.originals: dict[str, Original] = {}

    def tool(self, tool: AnyTool) -> AnyTool:
        """Write a tool; the same one if nothing changes."""
        if isinstance(tool, OpaqueTool):
            return tool
        custom = isinstance(tool, CustomTool)
        if not changes(tool, self._kinds, custom=custom):
            return tool
        name = self._name(tool.namespace, tool.name, custom=custom)
        namespace = None if self._joins(tool.namespace) else tool.namespace
        if isinstance(tool, CustomTool) and "custom" not in self._kinds:
            return _wrapped(tool, name, namespace)
        return replace(tool, name=name, namespace=namespace)

    def message(self, message: Message) -> Message:
        """Write the calls of a turn; the same turn if nothing changes."""
        blocks = tuple(map(self._block, message.blocks))
        if all(new is old for new, old in zip(blocks, message.blocks, strict=True)):
            return message
        return replace(message, blocks=blocks)

    def choice(self, request: ChatRequest) -> ToolChoice | None:
        """Write the choice of a tool: of the tool without a namespace, else the first so named."""
        choice = request.tool_choice
        if not isinstance(choice, NamedTool):
            return choice
        named = [
            (tool.namespace, tool.name)
            for tool in request.tools
            if not isinstance(tool, OpaqueTool) and tool.name == choice.name
        ]
        key = next((key for key in named if key[0] is None), named[0] if named else None)
        name = choice.name if key is None else self._written.get(key, choice.name)
        return choice if name == choice.name else replace(choice, name=name)

    def _joins(self, namespace: str | None) -> bool:
        return namespace is not None and "namespace" not in self._kinds

    def _block(self, block: Block) -> Block:
        if type(block) is not ToolCall:
            return block
        custom = block.kind == "custom"
        if not changes(block, self._kinds, custom=custom):
            return block
        name = self._name(block.namespace, block.name, custom=custom)
        changed = replace(block, name=name)
        if self._joins(block.namespace):
            changed.namespace = None
        if custom and "custom" not in self._kinds:
            changed.kind = "function"
            changed.arguments = json.dumps({FIELD: block.arguments}, ensure_ascii=False)
        return changed

    def _name(self, namespace: str | None, name: str, *, custom: bool) -> str:
        """Return the adapted name of a tool, and keep the original."""
        key = (namespace, name)
        if key not in self._written:
            written = name
            if self._joins(namespace):
                written = self._joined(f"{namespace}__{name}")
                self._taken.add(written)
            elif not fits(name, self._kinds):
                written = self._joined(name)
                self._taken.add(written)
            self._written[key] = written
            if written not in self._unchanged:
                wrapped = custom and "custom" not in self._kinds
                self.originals[written] = Original(name, namespace, custom=wrapped)
        return self._written[key]

    def all_originals(self) -> dict[str, Original]:
        """Return the originals also by the names that a model may write instead of a joined one."""
        found = dict(self.originals)
        for original in self.originals.values():
            if original.namespace is not None:
                for name in (f"{original.namespace}.{original.name}", original.name):
                    if name not in self._taken:
                        found.setdefault(name, original)
        return found

    def _joined(self, name: str) -> str:
        """Fit a joined name into 64 letters, digits, `_` and `-`, unlike every other name."""
        fitting = _OTHER.sub("_", name)
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        length = 8 if len(fitting) > _LONGEST or fitting in self._taken else 0
        while True:
            ending = f"_{digest[:length]}" if length else ""
            candidate = fitting[: _LONGEST - len(ending)] + ending
            if candidate not in self._taken or length > len(digest):
                return candidate
            length += 8


def _wrapped(tool: CustomTool, name: str, namespace: str | None) -> Tool:
    """Write a custom tool as a function of one text; its grammar becomes a part of the words."""
    description = tool.description or ""
    if grammar := _grammar(tool.format):
        description = f"{description}\n\n{grammar}".strip()
    about = "The input of the tool, as plain text."
    parameters = {
        "type": "object",
        "properties": {FIELD: {"type": "string", "description": about}},
        "required": [FIELD],
    }
    return Tool(name, description or None, parameters, extra=tool.extra, namespace=namespace)


def _grammar(form: Json | None) -> str | None:
    """Describe the grammar of a custom tool's input; None without one."""
    definition = (form or {}).get("definition")
    if not isinstance(definition, str):
        return None
    return f"The input follows this {_syntax(form or {})} grammar:\n{definition}"


def _syntax(form: Mapping[str, object]) -> str:
    return {"regex": "regex"}.get(str(form.get("syntax")), "Lark")
