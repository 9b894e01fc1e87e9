"""A strict server of OpenAI's chat dialect, with the ways of OpenRouter, OpenCode and Kimi.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml. What one of them would refuse,
this one refuses. It knows nothing of keys or of paths.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.clients.stub_model import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    Asked,
    Json,
    RefusalError,
    Said,
    Turn,
    must,
    picture,
)

_ROLES = ("system", "developer", "user", "assistant", "tool")
_USAGE = {
    "prompt_tokens": INPUT_TOKENS,
    "completion_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}
# Bytes of a picture behind an https URL, which a provider fetches itself.
FETCHED = b"\x89PNG\r\n\x1a\n fetched"


def understood(provider: str, body: Json, headers: Mapping[str, str]) -> Asked:
    """What a request asks for."""
    must(body.get("stream") or "stream_options" not in body, "stream_options without a stream")
    if provider == "opencode":
        must(headers.get("x-opencode-session"), "MissingSessionID")
    if provider == "kimi":
        _kimi(body, headers)
    effort = body.get("reasoning", {}).get("effort") or body.get("reasoning_effort")
    return Asked(
        provider=provider,
        model=body["model"],
        turns=tuple(_turns(body["messages"])),
        tools=_tools(body),
        form=_form(body.get("response_format", {"type": "text"})),
        stream=body.get("stream", False),
        n=body.get("n", 1),
        thinks=effort not in (None, "none") or body.get("thinking", {}).get("type") == "enabled",
    )


def whole(asked: Asked, said: Said) -> Json:
    """The answer in one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    if said.thinking:
        message[_thinking_name(asked)] = said.thinking
    if said.calls:
        message["tool_calls"] = [_call(n, *call) for n, call in enumerate(said.calls)]
    choices = [
        {"index": n, "message": message, "finish_reason": _reason(said)} for n in range(asked.n)
    ]
    answer = {**_head("chat.completion", asked), "choices": choices, "usage": _usage(asked)}
    return {**answer, "cost": "0.00012"} if asked.provider == "opencode" else answer


def events(asked: Asked, said: Said) -> Iterator[bytes]:
    """The answer as events: a word each, and of a call's arguments a few characters each."""
    if asked.provider == "openrouter":
        yield b": OPENROUTER PROCESSING\n\n"
    for number in range(asked.n):
        yield from _choice(asked, said, number)
    if asked.provider != "kimi":
        yield _sent(
            {**_head("chat.completion.chunk", asked), "choices": [], "usage": _usage(asked)}
        )
    yield b"data: [DONE]\n\n"
    if asked.provider == "opencode":
        head = _head("chat.completion.chunk", asked)
        yield _sent({**head, "choices": [], "cost": "0.00012"})


def _choice(asked: Asked, said: Said, index: int) -> Iterator[bytes]:
    """One of the answers as events; Kimi says its tokens with the last."""

    def chunk(delta: Json, **more: Any) -> bytes:
        choice = {"index": index, "delta": delta, "finish_reason": None, **more}
        return _sent({**_head("chat.completion.chunk", asked), "choices": [choice]})

    yield chunk({"role": "assistant", "content": ""})
    if said.thinking:
        yield chunk({_thinking_name(asked): said.thinking})
    for piece in said.pieces:
        yield chunk({"content": piece})
    for number, (name, arguments) in enumerate(said.calls):
        call = _call(number, name, arguments)
        text = call["function"]["arguments"]
        yield chunk(
            {"tool_calls": [{**call, "index": number, "function": {"name": name, "arguments": ""}}]}
        )
        for start in range(0, len(text), 5):
            more = {"index": number, "function": {"arguments": text[start : start + 5]}}
            yield chunk({"tool_calls": [more]})
    usage = {"usage": _usage(asked)} if asked.provider == "kimi" else {}
    yield chunk({}, finish_reason=_reason(said), **usage)


def refusal(provider: str, error: RefusalError) -> Json:
    """The body of a failure."""
    if provider == "openrouter":
        return {"error": {"code": error.status, "message": error.message}}
    told = {"message": error.message, "type": error.code or "api_error"}
    return {"type": "error", "error": told} if provider == "opencode" else {"error": told}


def broken(provider: str, error: RefusalError) -> bytes:
    """The event of a failure in a stream; it has the shape of a chunk at OpenRouter.

    https://openrouter.ai/docs/api-reference/streaming
    """
    told = refusal(provider, error)
    if provider == "openrouter":
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        told = {"object": "chat.completion.chunk", "choices": [choice], **told}
    return _sent(told)


def models(names: list[str]) -> Json:
    """The answer of `/models`."""
    data = [{"id": name, "object": "model", "created": 1, "owned_by": "vendor"} for name in names]
    return {"object": "list", "data": data}


def _sent(event: Json) -> bytes:
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"


def _kimi(body: Json, headers: Mapping[str, str]) -> None:
    # https://github.com/MoonshotAI/Kimi-K2/issues/124
    must("temperature" not in body, "invalid temperature: only 0.6 is allowed for this model")
    must(headers.get("user-agent", "").startswith("chatd/"), "only for coding agents")
    for turn in body["messages"]:
        if turn.get("tool_calls"):
            must(turn.get("content") != "", "text content is empty")
            thinks = body.get("thinking", {}).get("type") == "enabled"
            must(not thinks or turn.get("reasoning_content"), "reasoning_content is missing")


def _turns(messages: list[Json]) -> Iterator[Turn]:
    called: set[str] = set()
    for turn in messages:
        must(turn["role"] in _ROLES, f"no role {turn['role']!r}")
        for call in turn.get("tool_calls", []):
            must(call.get("type") == "function", "a call is no function")
            must(isinstance(call["function"]["arguments"], str), "arguments are not a string")
            must(isinstance(json.loads(call["function"]["arguments"]), dict), "no object")
            called.add(call["id"])
        if turn["role"] == "tool":
            must(turn.get("tool_call_id") in called, "tool_call_id answers no call")
        content = turn.get("content")
        must(content is not None or turn.get("tool_calls"), "content is missing")
        plain = [{"type": "text", "text": content or ""}]
        parts: list[Any] = content if isinstance(content, list) else plain
        texts = [part["text"] for part in parts if part["type"] == "text"]
        images = [_image(part["image_url"]) for part in parts if part["type"] == "image_url"]
        must(len(texts) + len(images) == len(parts), "a part is neither text nor image")
        yield Turn(turn["role"], "".join(texts), tuple(images))


def _image(given: Json) -> bytes:
    if given["url"].startswith("https://"):
        return FETCHED
    head, _, encoded = given["url"].partition(";base64,")
    must(head == "data:image/png", "an image is neither an https nor a data URL")
    return picture(base64.b64decode(encoded, validate=True))


def _tools(body: Json) -> tuple[tuple[str, Json], ...]:
    """The tools that may be called, by name and parameters: one if the choice names it."""
    tools = {}
    for tool in body.get("tools", []):
        must(tool.get("type") == "function", "a tool is no function")
        tools[tool["function"]["name"]] = tool["function"].get("parameters", {})
    choice = body.get("tool_choice", "auto")
    must("tool_choice" not in body or tools, "tool_choice without tools")
    if choice == "none":
        return ()
    if isinstance(choice, dict):
        name = choice["function"]["name"]
        must(name in tools, f"no tool {name!r}")
        return ((name, tools[name]),)
    offered = tuple(tools.items())
    return offered if body.get("parallel_tool_calls", True) else offered[:1]


def _form(wanted: Json) -> Json | str | None:
    kind = wanted["type"]
    must(kind in ("text", "json_object", "json_schema"), f"no response_format {kind!r}")
    if kind == "json_schema":
        must(wanted["json_schema"].get("name"), "a schema has no name")
        return dict(wanted["json_schema"]["schema"])
    return "json" if kind == "json_object" else None


def _head(kind: str, asked: Asked) -> dict[str, Any]:
    return {"id": "gen-1", "object": kind, "created": 1_700_000_000, "model": asked.model}


def _usage(asked: Asked) -> dict[str, Any]:
    return {**_USAGE, "cost": 0.00012} if asked.provider == "openrouter" else _USAGE


def _reason(said: Said) -> str:
    return "tool_calls" if said.calls else "stop"


def _thinking_name(asked: Asked) -> str:
    return "reasoning" if asked.provider == "openrouter" else "reasoning_content"


def _call(number: int, name: str, arguments: Json) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"id": f"call_{number}", "type": "function", "function": function}
