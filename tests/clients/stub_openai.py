"""Parse requests and write responses of OpenAI's chat dialect, as OpenRouter, OpenCode and Kimi do.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml. Requests that a real provider
refuses are refused.
"""

from __future__ import annotations

import base64
import json
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
    require,
)

_ROLES = ("system", "developer", "user", "assistant", "tool")
_USAGE = {
    "prompt_tokens": INPUT_TOKENS,
    "completion_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}
# Bytes of an image at an https URL, as fetched by a provider.
FETCHED = b"\x89PNG\r\n\x1a\n fetched"


def parse_request(provider: str, body: Json, headers: Mapping[str, str]) -> ChatRequest:
    """Parse a request."""
    require(body.get("stream") or "stream_options" not in body, "stream_options without a stream")
    if provider == "opencode":
        require(headers.get("x-opencode-session"), "MissingSessionID")
    if provider == "kimi":
        _kimi(body, headers)
    effort = body.get("reasoning", {}).get("effort") or body.get("reasoning_effort")
    return ChatRequest(
        provider=provider,
        model=body["model"],
        turns=tuple(_turns(body["messages"])),
        tools=_tools(body),
        form=_form(body.get("response_format", {"type": "text"})),
        stream=body.get("stream", False),
        n=body.get("n", 1),
        thinks=effort not in (None, "none") or body.get("thinking", {}).get("type") == "enabled",
    )


def whole(request: ChatRequest, answer: Answer) -> Json:
    """Return the whole response."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.thinking:
        message[_thinking_name(request)] = answer.thinking
    if answer.calls:
        message["tool_calls"] = [
            _call(f"{answer.series}{n}", *call) for n, call in enumerate(answer.calls)
        ]
    choices = [
        {"index": n, "message": message, "finish_reason": _reason(answer)} for n in range(request.n)
    ]
    response = {
        **head_of("chat.completion", request),
        "choices": choices,
        "usage": usage_of(request),
    }
    return {**response, "cost": "0.00012"} if request.provider == "opencode" else response


def stream(request: ChatRequest, answer: Answer) -> Iterator[bytes]:
    """Yield the stream's stream, one per word, and one per 5 characters of a call's arguments."""
    if request.provider == "openrouter":
        yield b": OPENROUTER PROCESSING\n\n"
    for number in range(request.n):
        yield from _choice(request, answer, number)
    if request.provider != "kimi":
        yield sse(
            {**head_of("chat.completion.chunk", request), "choices": [], "usage": usage_of(request)}
        )
    yield b"data: [DONE]\n\n"
    if request.provider == "opencode":
        closing = head_of("chat.completion.chunk", request)
        yield sse({**closing, "choices": [], "cost": "0.00012"})


def _choice(request: ChatRequest, answer: Answer, index: int) -> Iterator[bytes]:
    """Yield the stream of one choice; Kimi's last event has the usage."""

    def chunk(delta: Json, **more: Any) -> bytes:
        choice = {"index": index, "delta": delta, "finish_reason": None, **more}
        return sse({**head_of("chat.completion.chunk", request), "choices": [choice]})

    yield chunk({"role": "assistant", "content": ""})
    if answer.thinking:
        yield chunk({_thinking_name(request): answer.thinking})
    for piece in answer.pieces:
        yield chunk({"content": piece})
    for number, (name, arguments) in enumerate(answer.calls):
        call = _call(f"{answer.series}{number}", name, arguments)
        text = call["function"]["arguments"]
        yield chunk(
            {"tool_calls": [{**call, "index": number, "function": {"name": name, "arguments": ""}}]}
        )
        for start in range(0, len(text), 5):
            more = {"index": number, "function": {"arguments": text[start : start + 5]}}
            yield chunk({"tool_calls": [more]})
    usage = {"usage": usage_of(request)} if request.provider == "kimi" else {}
    yield chunk({}, finish_reason=_reason(answer), **usage)


def error_body(provider: str, error: RefusalError) -> Json:
    """Return the body of an error response."""
    if provider == "openrouter":
        return {"error": {"code": error.status, "message": error.message}}
    body = {"message": error.message, "type": error.code or "api_error"}
    return {"type": "error", "error": body} if provider == "opencode" else {"error": body}


def error_event(provider: str, error: RefusalError) -> bytes:
    """Return the event of an error in a stream; OpenRouter's has the shape of a chunk.

    https://openrouter.ai/docs/api-reference/streaming
    """
    event = error_body(provider, error)
    if provider == "openrouter":
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        event = {"object": "chat.completion.chunk", "choices": [choice], **event}
    return sse(event)


def models(names: list[str]) -> Json:
    """Return the response of `/models`."""
    data = [{"id": name, "object": "model", "created": 1, "owned_by": "vendor"} for name in names]
    return {"object": "list", "data": data}


def sse(event: Json) -> bytes:
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"


def _kimi(body: Json, headers: Mapping[str, str]) -> None:
    # https://github.com/MoonshotAI/Kimi-K2/issues/124
    require("temperature" not in body, "invalid temperature: only 0.6 is allowed for this model")
    require(headers.get("user-agent", "").startswith("chatd/"), "only for coding agents")
    for turn in body["messages"]:
        if turn.get("tool_calls"):
            require(turn.get("content") != "", "text content is empty")
            thinks = body.get("thinking", {}).get("type") == "enabled"
            require(not thinks or turn.get("reasoning_content"), "reasoning_content is missing")


def _turns(messages: list[Json]) -> Iterator[Turn]:
    call_ids: set[str] = set()
    for turn in messages:
        require(turn["role"] in _ROLES, f"no role {turn['role']!r}")
        for call in turn.get("tool_calls", []):
            require(call.get("type") == "function", "a call is no function")
            require(isinstance(call["function"]["arguments"], str), "arguments are not a string")
            require(isinstance(json.loads(call["function"]["arguments"]), dict), "no object")
            call_ids.add(call["id"])
        if turn["role"] == "tool":
            require(turn.get("tool_call_id") in call_ids, "tool_call_id of no call")
        content = turn.get("content")
        require(content is not None or turn.get("tool_calls"), "content is missing")
        plain = [{"type": "text", "text": content or ""}]
        parts: list[Any] = content if isinstance(content, list) else plain
        texts = [part["text"] for part in parts if part["type"] == "text"]
        images = [_image(part["image_url"]) for part in parts if part["type"] == "image_url"]
        require(len(texts) + len(images) == len(parts), "a part is neither text nor image")
        yield Turn(turn["role"], "".join(texts), tuple(images))


def _image(given: Json) -> bytes:
    if given["url"].startswith("https://"):
        return FETCHED
    head, _, encoded = given["url"].partition(";base64,")
    require(head == "data:image/png", "an image is neither an https nor a data URL")
    return checked_png(base64.b64decode(encoded, validate=True))


def _tools(body: Json) -> tuple[tuple[str, Json], ...]:
    """Return the callable tools by name and parameters; only one if `tool_choice` names one."""
    tools = {}
    for tool in body.get("tools", []):
        require(tool.get("type") == "function", "a tool is no function")
        tools[tool["function"]["name"]] = tool["function"].get("parameters", {})
    choice = body.get("tool_choice", "auto")
    require("tool_choice" not in body or tools, "tool_choice without tools")
    if choice == "none":
        return ()
    if isinstance(choice, dict):
        name = choice["function"]["name"]
        require(name in tools, f"no tool {name!r}")
        return ((name, tools[name]),)
    offered = tuple(tools.items())
    return offered if body.get("parallel_tool_calls", True) else offered[:1]


def _form(response_format: Json) -> Json | str | None:
    kind = response_format["type"]
    require(kind in ("text", "json_object", "json_schema"), f"no response_format {kind!r}")
    if kind == "json_schema":
        require(response_format["json_schema"].get("name"), "a schema has no name")
        return dict(response_format["json_schema"]["schema"])
    return "json" if kind == "json_object" else None


def head_of(kind: str, request: ChatRequest) -> dict[str, Any]:
    return {"id": "gen-1", "object": kind, "created": 1_700_000_000, "model": request.model}


def usage_of(request: ChatRequest) -> dict[str, Any]:
    return {**_USAGE, "cost": 0.00012} if request.provider == "openrouter" else _USAGE


def _reason(answer: Answer) -> str:
    return "tool_calls" if answer.calls else "stop"


def _thinking_name(request: ChatRequest) -> str:
    return "reasoning" if request.provider == "openrouter" else "reasoning_content"


def _call(number: str, name: str, arguments: Json) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"id": f"call_{number}", "type": "function", "function": function}
