"""Parse requests and write responses of Anthropic's Messages; refuse what Anthropic refuses.

https://docs.anthropic.com/en/api/messages, and
https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use for tool results.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from tests.clients.stub_model import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    Answer,
    ChatRequest,
    Json,
    RefusalError,
    Turn,
    checked_png,
    form_in_words,
    require,
)

# The signature of this provider's thinking: no other is accepted.
SIGNATURE = base64.b64encode(b"a signature of the stub of Anthropic").decode()
_FIELDS = {
    "context_management",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_ID = re.compile(r"[a-zA-Z0-9_-]+")
MID_CONVERSATION = "mid-conversation-system"
_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error"}
_MORE_TYPES = {404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}


def parse_request(provider: str, body: Json, headers: Mapping[str, str]) -> ChatRequest:
    """Parse a request."""
    require(headers.get("anthropic-version"), "anthropic-version: header is required")
    for name in sorted(body.keys() - _FIELDS):
        raise RefusalError(400, f"{name}: Extra inputs are not permitted", "invalid_request_error")
    require(isinstance(body.get("max_tokens"), int), "max_tokens: Field required")
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    tools = _tools(body, thinks=thinks)
    system = body.get("system", [])
    texts = [system] if isinstance(system, str) else [_text(block) for block in system]
    betas = headers.get("anthropic-beta", "")
    turns = (*(Turn("system", text) for text in texts), *_turns(body["messages"], betas))
    return ChatRequest(
        provider=provider,
        model=body["model"],
        turns=turns,
        tools=tools,
        form=_form(body.get("output_config", {})) or form_in_words(turns),
        stream=body.get("stream", False),
        thinks=thinks,
    )


def whole(request: ChatRequest, answer: Answer) -> Json:
    """Return the whole response."""
    usage = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}
    return {
        **_message(request),
        "content": list(_blocks(answer)),
        "stop_reason": _reason(answer),
        "usage": usage,
    }


def stream(request: ChatRequest, answer: Answer) -> Iterator[bytes]:
    """Yield the stream: text by word, and a call's arguments by 5 characters."""
    usage = {"input_tokens": INPUT_TOKENS, "output_tokens": 1}
    yield _sse({"type": "message_start", "message": {**_message(request), "usage": usage}})
    yield _sse({"type": "ping"})
    for index, block in enumerate(_blocks(answer)):
        begun = {"type": "content_block_start", "index": index, "content_block": _empty(block)}
        yield _sse(begun)
        for delta in _deltas(block, answer):
            yield _sse({"type": "content_block_delta", "index": index, "delta": delta})
        yield _sse({"type": "content_block_stop", "index": index})
    end = {"stop_reason": _reason(answer), "stop_sequence": None}
    counts = {"output_tokens": OUTPUT_TOKENS}
    yield _sse({"type": "message_delta", "delta": end, "usage": counts})
    yield _sse({"type": "message_stop"})


def error_body(error: RefusalError) -> Json:
    """Return the body of an error response."""
    kind = {**_TYPES, **_MORE_TYPES}.get(error.status, "api_error")
    return {
        "type": "error",
        "error": {"type": kind, "message": error.message},
        "request_id": "req_1",
    }


def error_event(error: RefusalError) -> bytes:
    """Return the event of an error in a stream."""
    return _sse(error_body(error))


def models(names: list[str]) -> Json:
    """Return the response of `/models`."""
    created = "2026-11-01T00:00:00Z"
    data = [
        {"type": "model", "id": name, "display_name": name, "created_at": created} for name in names
    ]
    return {"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]}


def _sse(event: Json) -> bytes:
    data = json.dumps(event, ensure_ascii=False)
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


def _text(block: Json) -> str:
    require(block["type"] == "text", "a block of this list is not text")
    require(block["text"], "text content blocks must be non-empty")
    return str(block["text"])


def _turns(messages: list[Json], betas: str) -> Iterator[Turn]:
    require(messages[-1]["role"] != "assistant", "this model does not support a prefill")
    open_calls: list[str] = []
    for message in messages:
        role, content = message["role"], message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        require(role in ("user", "assistant", "system"), f"messages: no role {role!r}")
        require(role != "system" or MID_CONVERSATION in betas, "role system needs its beta")
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        require(sorted(results) == sorted(open_calls), "tool_use ids without tool_result blocks")
        kinds = [block["type"] for block in blocks]
        require("tool_result" not in kinds[len(results) :], "tool_result blocks must come first")
        open_calls = [_call_id(block) for block in blocks if block["type"] == "tool_use"]
        require(role == "assistant" or not open_calls, "tool_use in a user turn")
        yield from _parsed(role, blocks)


def _call_id(block: Json) -> str:
    require(_ID.fullmatch(block["id"]), "tool_use.id: String should match pattern")
    require(isinstance(block["input"], dict), "tool_use.input: Input should be an object")
    return str(block["id"])


def _parsed(role: str, blocks: list[Json]) -> Iterator[Turn]:
    """Yield a turn per tool result, and one for the other blocks."""
    texts, images = [], []
    for block in blocks:
        match block["type"]:
            case "text":
                texts.append(_text(block))
            case "image":
                images.append(_image(block["source"]))
            case "thinking":
                require(block["signature"] == SIGNATURE, "Invalid `signature` in `thinking` block")
            case "tool_result":
                given = block.get("content", "")
                parts = [{"type": "text", "text": given}] if isinstance(given, str) else given
                yield from (Turn("tool", turn.text, turn.images) for turn in _parsed(role, parts))
            case "tool_use":
                continue
            case _:
                require(condition=False, message=f"no block of the type {block['type']!r}")
    if texts or images or role == "assistant" or not blocks:
        yield Turn(role, "".join(texts), tuple(images))


def _image(source: Json) -> bytes:
    if source["type"] == "url":
        return b"\x89PNG\r\n\x1a\n fetched"
    require(source["media_type"] == "image/png", "media_type is not that of the image")
    return checked_png(base64.b64decode(source["data"], validate=True))


def _tools(body: Json, *, thinks: bool) -> tuple[tuple[str, Json], ...]:
    """Return the callable tools by name and schema; only one if `tool_choice` names one."""
    tools = {}
    for tool in body.get("tools", []):
        require(_NAME.fullmatch(tool["name"]), "tools.name: String should match pattern")
        if tool.get("type", "custom") == "custom":
            require(tool["input_schema"]["type"] == "object", "input_schema.type is not object")
            tools[tool["name"]] = tool["input_schema"]
    choice = body.get("tool_choice", {"type": "auto"})
    require("tool_choice" not in body or body.get("tools"), "tool_choice without tools")
    forced = choice["type"] in ("any", "tool")
    require(not (forced and thinks), "Thinking may not be enabled when tool_choice forces tool use")
    if choice["type"] == "none":
        return ()
    if choice["type"] == "tool":
        require(choice["name"] in {tool["name"] for tool in body["tools"]}, "no such tool")
        return tuple((name, tools[name]) for name in tools if name == choice["name"])
    offered = tuple(tools.items())
    return offered[:1] if choice.get("disable_parallel_tool_use") else offered


def _form(output_config: Json) -> Json | None:
    form = output_config.get("format")
    if form is None:
        return None
    require(form["type"] == "json_schema", "output_config.format.type is not json_schema")
    return dict(form["schema"])


def _message(request: ChatRequest) -> dict[str, Any]:
    return {
        "id": f"msg_{uuid.uuid4().hex}",  # Claude Code merges messages of one id
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _blocks(answer: Answer) -> Iterator[dict[str, Any]]:
    if answer.thinking:
        yield {"type": "thinking", "thinking": answer.thinking, "signature": SIGNATURE}
    if answer.text:
        yield {"type": "text", "text": answer.text}
    for number, (name, arguments) in enumerate(answer.calls):
        call_id = f"toolu_{answer.series}{number}"
        yield {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def _empty(block: Json) -> Json:
    """Return the first form of a block in a stream."""
    empty = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {name: empty.get(name, value) for name, value in block.items()}


def _deltas(block: Json, answer: Answer) -> Iterator[Json]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in answer.pieces)
    elif block["type"] == "thinking":
        yield {"type": "thinking_delta", "thinking": block["thinking"]}
        yield {"type": "signature_delta", "signature": SIGNATURE}
    else:
        text = json.dumps(block["input"], ensure_ascii=False)
        for start in range(0, len(text), 5):
            yield {"type": "input_json_delta", "partial_json": text[start : start + 5]}


def _reason(answer: Answer) -> str:
    return "tool_use" if answer.calls else "end_turn"
