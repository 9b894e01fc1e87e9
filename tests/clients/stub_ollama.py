"""A strict server of Ollama's dialect: what a real one would misunderstand, this one refuses.

https://github.com/ollama/ollama/blob/main/docs/api.md. It knows nothing of keys or of paths.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
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

_BOTH = {"model", "stream", "think", "format", "options", "keep_alive", "logprobs", "top_logprobs"}
_FIELDS = {
    "/api/chat": _BOTH | {"messages", "tools"},
    "/api/generate": _BOTH | {"prompt", "system", "images"},
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
_SCHEMA_IN_WORDS = re.compile(r"JSON Schema[^{]*(?=\{)")


def understood(provider: str, path: str, body: Json, *, honours_format: bool) -> Asked:
    """What a request asks for; a server that does not honour `format` only has its model's eyes."""
    unknown = body.keys() - _FIELDS[path]
    must(not unknown, f"Ollama has no field {sorted(unknown)}")
    must(isinstance(body.get("think", False), bool | str), "think is neither bool nor level")
    for name, value in body.get("options", {}).items():
        must(name in _OPTIONS and isinstance(value, _OPTIONS[name]), f"options.{name} is wrong")
    turns = _chat(body) if path == "/api/chat" else _generate(body)
    form = body.get("format")
    must(form in (None, "json") or isinstance(form, dict), "format is neither json nor a schema")
    return Asked(
        provider=provider,
        model=body["model"],
        turns=tuple(turns),
        tools=tuple(_tool(tool) for tool in body.get("tools", [])),
        form=form if honours_format else _form_in_words(turns),
        stream=body.get("stream", True),
        thinks=bool(body.get("think")),
    )


def whole(path: str, asked: Asked, said: Said) -> Json:
    """The answer in one piece."""
    return _line(path, asked, said.text, _calls(said), said.thinking) | _end()


def lines(path: str, asked: Asked, said: Said) -> Iterator[bytes]:
    """The answer, a line a word; calls come whole, before the last line."""
    if said.thinking:
        yield _sent(_line(path, asked, "", [], said.thinking))
    for piece in said.pieces:
        yield _sent(_line(path, asked, piece, []))
    if said.calls:
        yield _sent(_line(path, asked, "", _calls(said)))
    yield _sent(_line(path, asked, "", []) | _end())


def refusal(error: RefusalError) -> Json:
    """The body of a failure."""
    return {"error": error.message}


def broken(error: RefusalError) -> bytes:
    """The line of a failure in a stream."""
    return _sent(refusal(error))


def models(names: list[str]) -> Json:
    """The answer of `/api/tags`."""
    return {"models": [{"name": name, "model": name, "size": 1} for name in names]}


def _sent(line: Json) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _chat(body: Json) -> list[Turn]:
    called: dict[str, str] = {}
    turns = []
    for turn in body["messages"]:
        must(turn["role"] in ("system", "user", "assistant", "tool"), f"no role {turn['role']!r}")
        must(isinstance(turn.get("content", ""), str), "content is not a string")
        for call in turn.get("tool_calls", []):
            function = call["function"]
            must(isinstance(function["arguments"], dict), "cannot unmarshal string into arguments")
            called[call.get("id", "")] = function["name"]
        if turn["role"] == "tool":
            name = turn.get("tool_name")
            must(name and name == called.get(turn.get("tool_call_id", "")), "no such tool_name")
        turns.append(Turn(turn["role"], turn.get("content", ""), _images(turn)))
    return turns


def _generate(body: Json) -> list[Turn]:
    must(isinstance(body["prompt"], str), "prompt is not a string")
    system = [Turn("system", body["system"])] if "system" in body else []
    return [*system, Turn("user", body["prompt"], _images(body))]


def _images(turn: Json) -> tuple[bytes, ...]:
    try:
        return tuple(
            picture(base64.b64decode(image, validate=True)) for image in turn.get("images", [])
        )
    except ValueError:
        raise RefusalError(400, "illegal base64 data in images") from None


def _tool(tool: Json) -> tuple[str, Json]:
    must(tool.get("type") == "function", "a tool is no function")
    function = tool["function"]
    must(function["parameters"]["type"] == "object", "a tool's parameters are no object")
    return function["name"], function["parameters"]


def _form_in_words(turns: list[Turn]) -> Json | str | None:
    """The form that a model reads in its system text."""
    text = " ".join(turn.text for turn in turns if turn.role == "system")
    if found := _SCHEMA_IN_WORDS.search(text):
        schema, _ = json.JSONDecoder().raw_decode(text, found.end())
        return dict(schema)
    return "json" if "JSON object" in text else None


def _line(
    path: str, asked: Asked, text: str, calls: list[dict[str, Any]], thinking: str = ""
) -> dict[str, Any]:
    head = {"model": asked.model, "created_at": "2026-11-01T00:00:00Z", "done": False}
    thought = {"thinking": thinking} if thinking else {}
    if path == "/api/generate":
        return {**head, "response": text, **thought}
    message = {"role": "assistant", "content": text, **thought}
    return {**head, "message": {**message, "tool_calls": calls} if calls else message}


def _calls(said: Said) -> list[dict[str, Any]]:
    # No ids: older servers give none.
    return [
        {"function": {"index": n, "name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(said.calls)
    ]


def _end() -> dict[str, Any]:
    counts = {"prompt_eval_count": INPUT_TOKENS, "eval_count": OUTPUT_TOKENS}
    return {"done": True, "done_reason": "stop", "total_duration": 1, **counts}
