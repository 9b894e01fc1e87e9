"""Parse and answer requests in Ollama's dialect; refuse requests that a real server misreads.

https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
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
    filled,
    form_in_words,
    require,
)

_BOTH = {
    *("model", "stream", "think", "format", "options", "keep_alive", "truncate", "shift"),
    *("logprobs", "top_logprobs"),
}
_FIELDS = {
    "/api/chat": _BOTH | {"messages", "tools"},
    "/api/generate": _BOTH | {"prompt", "system", "images", "suffix", "raw"},
}
_OPTIONS: dict[str, type | tuple[type, ...]] = {
    "num_predict": int,
    "num_ctx": int,
    "top_k": int,
    "seed": int,
    "stop": list,
    "temperature": (int, float),
    "top_p": (int, float),
    "min_p": (int, float),
    "repeat_penalty": (int, float),
    "presence_penalty": (int, float),
    "frequency_penalty": (int, float),
}


def parse_request(provider: str, path: str, body: Json, *, honours_format: bool) -> ChatRequest:
    """Parse a request; without `honours_format` only the system text gives the form."""
    unknown = body.keys() - _FIELDS[path]
    require(not unknown, f"unknown field {sorted(unknown)}")
    require(isinstance(body.get("think", False), bool | str), "think is neither bool nor level")
    for name, value in body.get("options", {}).items():
        require(name in _OPTIONS and isinstance(value, _OPTIONS[name]), f"options.{name} is wrong")
    turns = _chat(body) if path == "/api/chat" else _generate(body)
    form = body.get("format")
    require(form in (None, "json") or isinstance(form, dict), "format is neither json nor a schema")
    return ChatRequest(
        provider=provider,
        model=body["model"],
        turns=tuple(turns),
        tools=tuple(_tool(tool) for tool in body.get("tools", [])),
        form=form if honours_format else form_in_words(turns),
        stream=body.get("stream", True),
        thinks=bool(body.get("think")),
    )


def whole(path: str, request: ChatRequest, answer: Answer) -> Json:
    """Return the whole response."""
    return _line(path, request, answer.text, _calls(answer), answer.thinking) | _end()


def stream(path: str, request: ChatRequest, answer: Answer) -> Iterator[bytes]:
    """Yield the stream's stream, one per word; whole calls precede the last line."""
    if answer.thinking:
        yield _json_line(_line(path, request, "", [], answer.thinking))
    for piece in answer.pieces:
        yield _json_line(_line(path, request, piece, []))
    if answer.calls:
        yield _json_line(_line(path, request, "", _calls(answer)))
    yield _json_line(_line(path, request, "", []) | _end())


def error_body(error: RefusalError) -> Json:
    """Return the body of an error response."""
    return {"error": error.message}


def error_line(error: RefusalError) -> bytes:
    """Return the line of an error in a stream."""
    return _json_line(error_body(error))


def models(names: list[str]) -> Json:
    """Return the response of `/api/tags`."""
    return {"models": [{"name": name, "model": name, "size": 1} for name in names]}


def _json_line(line: Json) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _chat(body: Json) -> list[Turn]:
    calls_by_id: dict[str, str] = {}
    turns = []
    for turn in body["messages"]:
        require(
            turn["role"] in ("system", "user", "assistant", "tool"), f"no role {turn['role']!r}"
        )
        require(isinstance(turn.get("content", ""), str), "content is not a string")
        for call in turn.get("tool_calls", []):
            function = call["function"]
            require(
                isinstance(function["arguments"], dict), "cannot unmarshal string into arguments"
            )
            calls_by_id[call.get("id", "")] = function["name"]
        if turn["role"] == "tool":
            name = turn.get("tool_name")
            require(
                name and name == calls_by_id.get(turn.get("tool_call_id", "")), "no such tool_name"
            )
        turns.append(Turn(turn["role"], turn.get("content", ""), _images(turn)))
    return turns


def _generate(body: Json) -> list[Turn]:
    require(isinstance(body["prompt"], str), "prompt is not a string")
    system = [Turn("system", body["system"])] if "system" in body else []
    suffix = body.get("suffix")
    require(isinstance(suffix, str | None), "suffix is not a string")
    return [*system, Turn("user", filled(body["prompt"], suffix), _images(body))]


def _images(turn: Json) -> tuple[bytes, ...]:
    try:
        return tuple(
            checked_png(base64.b64decode(image, validate=True)) for image in turn.get("images", [])
        )
    except ValueError:
        raise RefusalError(400, "illegal base64 data in images") from None


def _tool(tool: Json) -> tuple[str, Json]:
    require(tool.get("type") == "function", "a tool is no function")
    function = tool["function"]
    require(function["parameters"]["type"] == "object", "a tool's parameters are no object")
    return function["name"], function["parameters"]


def _line(
    path: str, request: ChatRequest, text: str, calls: list[dict[str, Any]], thinking: str = ""
) -> dict[str, Any]:
    head = {"model": request.model, "created_at": "2026-11-01T00:00:00Z", "done": False}
    thought = {"thinking": thinking} if thinking else {}
    if path == "/api/generate":
        return {**head, "response": text, **thought}
    message = {"role": "assistant", "content": text, **thought}
    return {**head, "message": {**message, "tool_calls": calls} if calls else message}


def _calls(answer: Answer) -> list[dict[str, Any]]:
    # Without ids, as older servers.
    return [
        {"function": {"index": n, "name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(answer.calls)
    ]


def _end() -> dict[str, Any]:
    counts = {"prompt_eval_count": INPUT_TOKENS, "eval_count": OUTPUT_TOKENS}
    return {"done": True, "done_reason": "stop", "total_duration": 1, **counts}
