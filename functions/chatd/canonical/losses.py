"""Name the fields of a request that a dialect cannot carry.

This module finds fields unknown to the canonical form; each dialect names the known fields that it
lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.content import Block, Opaque, ToolCall, ToolResult
from chatd.canonical.extra import Extra, fields_for
from chatd.canonical.request import ChatRequest, OpaqueTool

_EMPTY: tuple[Any, ...] = (None, "", [], {})
# Fields of requests that change no answer: they name the caller, or control storage, billing or
# display.
_QUIET = frozenset(
    {
        *("user", "metadata", "client_metadata", "session_id", "trace", "store", "include"),
        *("service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
        *("prompt_cache_options", "usage", "include_reasoning", "stream_options"),
        *("user_profile_id", "inference_geo", "diagnostics", "background"),
    }
)
_QUIET_PATHS = frozenset({"reasoning.summary", "reasoning.generate_summary", "thinking.display"})
# Values that change nothing.
_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"truncation": "disabled", "text.verbosity": "medium", "modalities": ["text"]}
)
CHANGING_IN_CHAT = ("logit_bias", "modalities", "audio", "functions", "function_call")
"""Further fields of OpenAI's chat surface that change the kind of answer."""
# Their values without an effect.
_IDLE: Mapping[str, Any] = MappingProxyType({"modalities": ["text"], "function_call": "auto"})
_CHAT, _RESPONSES = "openai_chat", "openai_responses"
# Fields of turns, calls and results that identify or describe an item in this dialect, and second
# copies of its text.
_IDENTIFYING = frozenset(
    {"id", "status", "phase", "annotations", "type", "logprobs", "summary", "content"}
)


def foreign_fields(request: ChatRequest, dialect: str) -> tuple[str, ...]:
    """Name the fields of other dialects below the request itself.

    Null and empty values are left out: they change nothing.

    Args:
        request: The request.
        dialect: The dialect that it is written in.

    Returns:
        Each path once, without positions, such as `messages.content.cache_control`;
        `tools.web_search` and `tool_choice` for a tool or a choice of a kind that only another
        dialect knows.

    """
    found = _Found(dialect)
    for message in request.messages:
        found.note("messages", message.extra)
        found.note_blocks(message.blocks)
    for tool in request.tools:
        if isinstance(tool, OpaqueTool):
            found.note(f"tools.{tool.kind}", tool.extra, whole=True)
        else:
            found.note("tools", tool.extra)
    found.note("response_format", request.format_extra)
    choice = request.tool_choice
    if choice is not None and not isinstance(choice, str):
        found.note("tool_choice", choice.extra, whole=isinstance(choice, Opaque))
    return tuple(found.paths)


def has_failed_result(request: ChatRequest) -> bool:
    """Return whether a tool result is marked as an error, which few dialects can express."""
    for message in request.messages:
        for block in message.blocks:
            if isinstance(block, ToolResult) and block.is_error:
                return True
    return False


def refused_of_chat(request: ChatRequest) -> tuple[str, ...]:
    """Name the caller's fields that change the kind of answer, for a dialect without any of them.

    They are `n`, `logprobs`, and further fields of OpenAI's chat surface.
    """
    given = fields_for(_CHAT, request.extra)
    found = {"n": (request.n or 1) > 1, "logprobs": bool(request.logprobs)}
    found |= {name: not is_idle(name, given.get(name)) for name in CHANGING_IN_CHAT}
    return tuple(name for name, is_given in found.items() if is_given)


def is_idle(name: str, value: Any) -> bool:
    """Return whether a field of OpenAI's chat surface is null, empty, or without an effect."""
    return value in _EMPTY or (name in _IDLE and bool(_IDLE[name] == value))


def sampling_left_out(before: ChatRequest, after: ChatRequest) -> tuple[str, ...]:
    """Name the fields of sampling that a request has and its corrected copy lacks."""
    given, kept = before.sampling, after.sampling
    return tuple(
        name
        for name in ("temperature", "top_p", "top_k")
        if getattr(given, name) is not None and getattr(kept, name) is None
    )


def further_fields(request: ChatRequest, dialect: str) -> tuple[str, ...]:
    """Name the further fields of the request itself that came in another dialect.

    Left out are null and empty values, and fields that change no answer.
    """
    extra = request.extra
    if extra is None or extra.dialect == dialect:
        return ()
    return tuple(
        path
        for path, value in extra.paths()
        if path.partition(".")[0] not in _QUIET
        and path not in _QUIET_PATHS
        and value not in _EMPTY
        and not (path in _DEFAULTS and bool(_DEFAULTS[path] == value))
    )


class _Found:
    """The paths of the fields of other dialects, each once."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self.paths: dict[str, None] = {}

    def note_blocks(self, blocks: tuple[Block, ...]) -> None:
        """Note the fields of content blocks."""
        for block in blocks:
            if block.extra is not None:
                is_call = isinstance(block, ToolCall)
                self.note("messages.tool_calls" if is_call else "messages.content", block.extra)
            if isinstance(block, ToolResult):
                self.note_blocks(block.blocks)

    def note(self, place: str, extra: Extra | None, *, whole: bool = False) -> None:
        """Note the fields of one object, or for `whole` the object itself."""
        if extra is None or extra.dialect == self._dialect:
            return
        if whole:
            self.paths[place] = None
            return
        for path, value in extra.paths():
            quiet = extra.dialect == _RESPONSES and path.rpartition(".")[2] in _IDENTIFYING
            if value not in _EMPTY and not quiet:
                self.paths[f"{place}.{path}"] = None
