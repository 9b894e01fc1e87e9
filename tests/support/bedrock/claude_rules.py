"""Check requests for Claude on `/anthropic/v1/messages` as Bedrock does.

https://github.com/BerriAI/litellm/tree/main/litellm/llms/bedrock/messages, and the betas of
https://github.com/BerriAI/litellm/blob/main/litellm/anthropic_beta_headers_config.json
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.bedrock.errors import demand
from tests.support.bedrock.models import Model

Json = Mapping[str, Any]
VERSIONS = ("2023-06-01",)
BETAS = frozenset(
    {
        *("compact-2026-01-12", "computer-use-2025-01-24", "computer-use-2025-11-24"),
        *("context-1m-2025-08-07", "context-management-2025-06-27"),
        *("dangerous-tool-use-2026-09-03", "effort-2025-11-24"),
        *("fine-grained-tool-streaming-2025-05-14", "mid-conversation-output-config-2026-07-01"),
        *("mid-conversation-tool-changes-2026-07-01", "thinking-binding-controls-2026-08-01"),
        *("thinking-display-updates-2026-08-18", "tool-search-tool-2025-10-19"),
    }
)
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_CEILINGS: Mapping[str, str] = {"anthropic.claude-opus-4-8": "xhigh"}
_NATIVE_SCHEMAS = re.compile(r"anthropic\.claude-(opus-4-8|sonnet-4-5|haiku-4-5)")
_NO_SAMPLING = re.compile(r"anthropic\.claude-(opus-4-[78]|opus-5)")
# They take `system` turns without a beta: `supports_mid_conversation_system` of LiteLLM's map.
_SYSTEM_TURNS = re.compile(r"anthropic\.claude-opus-(4-8|5)")
_CACHE_FIELDS = {"type", "ttl"}


def check(model: Model, body: Json, headers: Mapping[str, str]) -> None:
    """Check a request.

    Raises:
        BedrockError: If Bedrock refuses it.

    """
    version = headers.get("anthropic-version")
    demand(version in VERSIONS, "anthropic-version: header is required")
    betas = [beta.strip() for beta in headers.get("anthropic-beta", "").split(",") if beta.strip()]
    demand(BETAS.issuperset(betas), "invalid beta flag")
    demand("anthropic_beta" not in body, "anthropic_beta: Extra inputs are not permitted")
    for number, tool in enumerate(body.get("tools", [])):
        _check_tool(number, tool)
    for path, mark in _cache_marks(body, ""):
        for name in sorted(mark.keys() - _CACHE_FIELDS):
            demand(
                condition=False,
                message=f"{path}.cache_control.ephemeral.{name}: Extra inputs are not permitted",
            )
    for turn in body["messages"]:
        for block in turn["content"] if isinstance(turn["content"], list) else ():
            # https://platform.claude.com/docs/en/build-with-claude/vision
            kind = (block.get("source") or {}).get("type", "base64")
            message = f"{block['type']}.source.type: {kind!r} is not supported"
            demand(kind in ("base64", "text", "content"), message)
    roles = {turn["role"] for turn in body["messages"]}
    message = 'messages: Unexpected role "system". The Messages API accepts a top-level `system`'
    demand("system" not in roles or _SYSTEM_TURNS.match(model.id), message)
    _check_options(model, body)


def _check_tool(number: int, tool: Json) -> None:
    kind = tool.get("type", "custom")
    demand(kind == "custom" or not kind.startswith("web_"), f"tools.{number}: {kind} not supported")
    demand(tool.get("name"), f"tools.{number}.custom.name: Field required")
    if kind == "custom":
        for field in ("custom", "eager_input_streaming"):
            message = f"tools.{number}.custom.{field}: Extra inputs are not permitted"
            demand(field not in tool, message)
        schema = tool["input_schema"].get("type")
        message = f"tools.{number}.custom.input_schema.type: Input should be 'object'"
        demand(schema == "object", message)


def _check_options(model: Model, body: Json) -> None:
    config = body.get("output_config") or {}
    ceiling = _CEILINGS.get(model.id)
    effort = config.get("effort")
    if ceiling and effort:
        allowed = _EFFORTS[: _EFFORTS.index(ceiling) + 1]
        demand(effort in allowed, f"output_config.effort: Input should be one of {allowed}")
    if config.get("format"):
        message = "output_config.format: Extra inputs are not permitted"
        demand(_NATIVE_SCHEMAS.match(model.id), message)
    if _NO_SAMPLING.match(model.id):
        for name in ("temperature", "top_p", "top_k"):
            demand(name not in body, f"`{name}` is deprecated for this model.")
    thinking = (body.get("thinking") or {}).get("type")
    edits = (body.get("context_management") or {}).get("edits") or ()
    clears = any(edit.get("type") == "clear_thinking_20251015" for edit in edits)
    message = "`clear_thinking_20251015` strategy requires `thinking` to be enabled or adaptive"
    demand(not clears or thinking in ("enabled", "adaptive"), message)


def _cache_marks(value: Any, path: str) -> Iterator[tuple[str, Json]]:
    """Yield each cache mark of a body with its path."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _cache_marks(item, f"{path}.{number}")
    elif isinstance(value, dict):
        if isinstance(value.get("cache_control"), dict):
            yield path.lstrip("."), value["cache_control"]
        for name, item in value.items():
            if name not in ("input", "input_schema", "cache_control"):
                yield from _cache_marks(item, f"{path}.{name}")
