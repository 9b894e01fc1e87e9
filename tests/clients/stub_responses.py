"""Parse requests and write responses of OpenAI's Responses; refuse what OpenAI refuses.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml. The provider stores nothing.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
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

# The encrypted form of this provider's reasoning: no other is accepted.
ENCRYPTED = base64.b64encode(b"encrypted reasoning of the stub of OpenAI").decode()
_FIELDS = {
    "client_metadata",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "metadata",
    "model",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_HOSTED = ("web_search", "tool_search", "image_generation", "code_interpreter", "file_search")
_CUSTOM: Json = {"type": "object", "properties": {"input": {"type": "string"}}}


def parse_request(provider: str, body: Json, headers: Mapping[str, str]) -> ChatRequest:
    """Parse a request."""
    for name in sorted(body.keys() - _FIELDS):
        raise RefusalError(400, f"Unknown parameter: '{name}'.", "unknown_parameter")
    given = body["input"]
    items: list[Json] = [{"role": "user", "content": given}] if isinstance(given, str) else given
    kinds: dict[str, Json] = {}
    tools = dict(_tools(body.get("tools", []), kinds, None))
    for item in items:
        if item.get("type") == "additional_tools":
            tools.update(_tools(item["tools"], kinds, None))
    effort = body.get("reasoning", {}).get("effort", "medium")
    instructions = body.get("instructions")
    return ChatRequest(
        provider=provider,
        model=body["model"],
        turns=(*([Turn("system", instructions)] if instructions else []), *_turns(items)),
        tools=_chosen(body, tools),
        form=_form(body.get("text", {}).get("format", {"type": "text"})),
        stream=body.get("stream", False),
        thinks="reasoning" in body and effort != "none",
        kinds=kinds,
    )


def whole(request: ChatRequest, answer: Answer) -> Json:
    """Return the whole response."""
    return _response(request, "completed", list(_items(request, answer)))


def stream(request: ChatRequest, answer: Answer) -> Iterator[bytes]:
    """Yield the stream: text by word, and a call's arguments by 5 characters."""
    numbers = count()
    for event in _events(request, answer):
        yield _sse({**event, "sequence_number": next(numbers)})


def error_body(error: RefusalError) -> Json:
    """Return the body of an error response."""
    body = {
        "message": error.message,
        "type": "invalid_request_error",
        "param": None,
        "code": error.code,
    }
    return {"error": body}


def error_event(request: ChatRequest, error: RefusalError) -> bytes:
    """Return the event of an error in a stream."""
    failed = {"code": error.code, "message": error.message}
    response = {**_response(request, "failed", []), "error": failed}
    return _sse({"type": "response.failed", "response": response, "sequence_number": 9})


def models(names: list[str]) -> Json:
    """Return the response of `/models`."""
    data = [{"id": name, "object": "model", "created": 1, "owned_by": "vendor"} for name in names]
    return {"object": "list", "data": data}


def _sse(event: Json) -> bytes:
    data = json.dumps(event, ensure_ascii=False)
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


def _turns(items: list[Json]) -> Iterator[Turn]:
    calls: set[str] = set()
    answered: set[str] = set()
    for item in items:
        match item.get("type", "message"):
            case "message":
                yield _message(item)
            case "function_call":
                require(isinstance(json.loads(item["arguments"]), dict), "arguments are no object")
                calls.add(item["call_id"])
            case "custom_tool_call":
                require(isinstance(item["input"], str), "input is not a string")
                calls.add(item["call_id"])
            case "function_call_output" | "custom_tool_call_output":
                require(item["call_id"] in calls, "No tool call found for this call_id")
                answered.add(item["call_id"])
                yield Turn("tool", *_content(item["output"]))
            case "reasoning":
                require(item.get("encrypted_content") == ENCRYPTED, "invalid_encrypted_content")
            case "additional_tools":
                continue
            case kind:
                require(condition=False, message=f"no item of the type {kind!r}")
    require(calls == answered, f"No tool output found for function call {calls - answered}")


def _message(item: Json) -> Turn:
    roles = ("system", "developer", "user", "assistant")
    require(item["role"] in roles, f"no role {item['role']!r}")
    wanted = "output_text" if item["role"] == "assistant" else "input_text"
    if not isinstance(item["content"], str):
        kinds = {part["type"] for part in item["content"]} - {"input_image", "refusal"}
        require(kinds <= {wanted}, f"content of {item['role']} has {sorted(kinds)}")
    return Turn(item["role"], *_content(item["content"]))


def _content(content: str | list[Json]) -> tuple[str, tuple[bytes, ...]]:
    """Return the text and the images of a content."""
    if isinstance(content, str):
        return content, ()
    texts = [part["text"] for part in content if part["type"] in ("input_text", "output_text")]
    urls = [part["image_url"] for part in content if part["type"] == "input_image"]
    return "".join(texts), tuple(_image(url) for url in urls)


def _image(url: str) -> bytes:
    if url.startswith("https://"):
        return b"\x89PNG\r\n\x1a\n fetched"
    head, _, encoded = url.partition(";base64,")
    require(head == "data:image/png", "an image is neither an https nor a data URL")
    return checked_png(base64.b64decode(encoded, validate=True))


def _tools(
    tools: list[Json], kinds: dict[str, Json], namespace: str | None
) -> Iterator[tuple[str, Json]]:
    """Yield the callable tools by name and schema, and note the kind and namespace of each."""
    for tool in tools:
        kind = tool["type"]
        if kind == "namespace":
            yield from _tools(tool["tools"], kinds, tool["name"])
        elif kind in ("function", "custom"):
            require(_NAME.fullmatch(tool["name"]), "tools.name does not match the pattern")
            kinds[tool["name"]] = {"kind": kind, "namespace": namespace}
            schema = tool["parameters"] if kind == "function" else _CUSTOM
            require(schema["type"] == "object", "schema must be a JSON Schema of type object")
            yield tool["name"], schema
        else:
            require(kind in _HOSTED, f"no tool of the type {kind!r}")


def _chosen(body: Json, tools: Mapping[str, Json]) -> tuple[tuple[str, Json], ...]:
    """Return the callable tools; only one if `tool_choice` names one."""
    choice = body.get("tool_choice", "auto")
    if choice == "none":
        return ()
    if isinstance(choice, dict):
        require(choice["name"] in tools, f"Tool choice {choice['name']!r} not found in tools")
        return ((choice["name"], tools[choice["name"]]),)
    offered = tuple(tools.items())
    return offered if body.get("parallel_tool_calls", True) else offered[:1]


def _form(form: Json) -> Json | str | None:
    kind = form["type"]
    require(kind in ("text", "json_object", "json_schema"), f"no text.format {kind!r}")
    if kind == "json_schema":
        require(form.get("name"), "Missing required parameter: 'text.format.name'.")
        return dict(form["schema"])
    return "json" if kind == "json_object" else None


def _id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex}"


def _response(request: ChatRequest, status: str, output: Sequence[Json]) -> dict[str, Any]:
    usage = {
        "input_tokens": INPUT_TOKENS,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": OUTPUT_TOKENS,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }
    return {
        "id": _id("resp"),
        "object": "response",
        "created_at": 1_700_000_000,
        "model": request.model,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage if status == "completed" else None,
    }


def _items(request: ChatRequest, answer: Answer) -> Iterator[dict[str, Any]]:
    """Yield the output items; call ids are unique in a conversation by the answer's series."""
    if answer.thinking:
        summary = [{"type": "summary_text", "text": answer.thinking}]
        yield {
            "type": "reasoning",
            "id": _id("rs"),
            "summary": summary,
            "encrypted_content": ENCRYPTED,
        }
    if answer.text or not answer.calls:
        part = {"type": "output_text", "text": answer.text, "annotations": []}
        message = {"type": "message", "id": _id("msg"), "role": "assistant"}
        yield {**message, "status": "completed", "content": [part]}
    for number, (name, arguments) in enumerate(answer.calls):
        yield _call(f"{answer.series}{number}", name, arguments, request.kinds.get(name, {}))


def _call(number: str, name: str, arguments: Json, kind: Json) -> dict[str, Any]:
    custom = kind.get("kind") == "custom"
    call = {
        "type": "custom_tool_call" if custom else "function_call",
        "id": _id("ctc" if custom else "fc"),
        "call_id": f"call_{number}",
        "name": name,
        "status": "completed",
    }
    if kind.get("namespace"):
        call["namespace"] = kind["namespace"]
    if custom:
        return {**call, "input": arguments["input"]}
    return {**call, "arguments": json.dumps(arguments, ensure_ascii=False)}


def _events(request: ChatRequest, answer: Answer) -> Iterator[dict[str, Any]]:
    response = _response(request, "in_progress", [])
    yield {"type": "response.created", "response": response}
    yield {"type": "response.in_progress", "response": response}
    items = list(_items(request, answer))
    completed = {**_response(request, "completed", items), "id": response["id"]}
    for index, item in enumerate(items):
        added = {**item, **_EMPTY[item["type"]]}
        yield {"type": "response.output_item.added", "output_index": index, "item": added}
        place = {"item_id": item["id"], "output_index": index}
        for event in _PARTS[item["type"]](item, answer):
            yield {**event, **place}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": completed}


def _message_parts(item: Json, answer: Answer) -> Iterator[Json]:
    place = {"content_index": 0}
    (part,) = item["content"]
    yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
    for piece in answer.pieces:
        delta = {"delta": piece, "logprobs": []}
        yield {"type": "response.output_text.delta", **place, **delta}
    done = {"text": part["text"], "logprobs": []}
    yield {"type": "response.output_text.done", **place, **done}
    yield {"type": "response.content_part.done", **place, "part": part}


def _reasoning_parts(item: Json, _answer: Answer) -> Iterator[Json]:
    place = {"summary_index": 0}
    (part,) = item["summary"]
    name, text = "response.reasoning_summary", part["text"]
    yield {"type": f"{name}_part.added", **place, "part": {**part, "text": ""}}
    yield {"type": f"{name}_text.delta", **place, "delta": text}
    yield {"type": f"{name}_text.done", **place, "text": text}
    yield {"type": f"{name}_part.done", **place, "part": part}


def _function_parts(item: Json, _answer: Answer) -> Iterator[Json]:
    text = item["arguments"]
    for start in range(0, len(text), 5):
        delta = text[start : start + 5]
        yield {"type": "response.function_call_arguments.delta", "delta": delta}
    done = {"name": item["name"], "arguments": text}
    yield {"type": "response.function_call_arguments.done", **done}


def _custom_parts(item: Json, _answer: Answer) -> Iterator[Json]:
    text = item["input"]
    for start in range(0, len(text), 5):
        yield {"type": "response.custom_tool_call_input.delta", "delta": text[start : start + 5]}
    yield {"type": "response.custom_tool_call_input.done", "input": text}


# By the item's type: the fields of the item at its start, and its events between start and end.
_EMPTY: Mapping[str, Json] = {
    "message": {"content": [], "status": "in_progress"},
    "reasoning": {"summary": []},
    "function_call": {"arguments": "", "status": "in_progress"},
    "custom_tool_call": {"input": "", "status": "in_progress"},
}
_PARTS = {
    "message": _message_parts,
    "reasoning": _reasoning_parts,
    "function_call": _function_parts,
    "custom_tool_call": _custom_parts,
}
