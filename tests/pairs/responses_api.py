"""OpenAI's Responses API, from both ends.

https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.pairs.chats import SCHEMA, Answer, Call, Chat, Result, Tokens, Turn

Json = Mapping[str, Any]
_SPLIT = 5


def request(chat: Chat) -> dict[str, Any]:
    """Write a request without a model."""
    body: dict[str, Any] = {"input": [item for turn in chat.turns for item in _items(turn)]}
    tools: list[dict[str, Any]] = [
        {"type": "function", "name": name, "parameters": SCHEMA, "strict": False}
        for name in chat.tools
    ]
    if chat.namespace:
        tools = [{"type": "namespace", "name": chat.namespace, "tools": tools}]
    tools += [{"type": "custom", "name": name} for name in chat.custom]
    optional: dict[str, Any] = {
        "instructions": chat.system,
        "tools": tools,
        "tool_choice": chat.forced and {"type": "function", "name": chat.forced},
        "reasoning": chat.effort and {"effort": chat.effort},
        "text": chat.schema
        and {"format": {"type": "json_schema", "name": "a", "schema": chat.schema}},
    }
    return {"store": False, **body, **{name: value for name, value in optional.items() if value}}


def chat(body: Json) -> Chat:
    """Read a request."""
    system = body.get("instructions") or ""
    turns: list[Turn] = []
    for item in body["input"]:
        if item.get("role") in ("system", "developer"):
            system += _text(item["content"])
        else:
            _add(turns, item)
    tools = body.get("tools") or ()
    groups = [tool for tool in tools if tool["type"] == "namespace"]
    functions = [tool for group in groups for tool in group["tools"]] or tools
    choice = body.get("tool_choice")
    return Chat(
        tuple(turns),
        system,
        tuple(tool["name"] for tool in functions if tool["type"] == "function"),
        tuple(tool["name"] for tool in tools if tool["type"] == "custom"),
        groups[0]["name"] if groups else None,
        choice["name"] if isinstance(choice, dict) else None,
        ((body.get("text") or {}).get("format") or {}).get("schema"),
        effort=(body.get("reasoning") or {}).get("effort"),
    )


def _items(turn: Turn) -> Iterator[dict[str, Any]]:
    for result in turn.results:
        output: Any = result.text
        if result.images:
            output = [{"type": "input_text", "text": result.text}, *map(_picture, result.images)]
        yield {"type": "function_call_output", "call_id": result.call_id, "output": output}
    files = [
        {
            "type": "input_file",
            "filename": "paper.pdf",
            "file_data": f"data:application/pdf;base64,{paper}",
        }
        for paper in turn.documents
    ]
    if turn.text or turn.images or files:
        kind = "output_text" if turn.role == "assistant" else "input_text"
        content = [*map(_picture, turn.images), *files, {"type": kind, "text": turn.text}]
        yield {"type": "message", "role": turn.role, "content": content}
    for call in turn.calls:
        yield {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }


def _picture(image: str) -> dict[str, Any]:
    return {"type": "input_image", "image_url": f"data:image/png;base64,{image}", "detail": "auto"}


def _add(turns: list[Turn], item: Json) -> None:
    """Add an item to the conversation; one after another of the same role is one turn."""
    kind = item.get("type", "message")
    if kind == "reasoning":
        return
    if kind == "message":
        turn = _message(item)
    elif kind == "function_call":
        turn = Turn("assistant", calls=(Call(item["call_id"], item["name"], item["arguments"]),))
    else:
        turn = Turn("user", results=(_result(item),))
    if turns and turns[-1].role == turn.role:
        turn = _joined(turns.pop(), turn)
    turns.append(turn)


def _joined(one: Turn, two: Turn) -> Turn:
    return Turn(
        one.role,
        one.text + two.text,
        one.images + two.images,
        one.documents + two.documents,
        one.calls + two.calls,
        one.results + two.results,
    )


def _message(item: Json) -> Turn:
    content = item["content"]
    parts = [] if isinstance(content, str) else content
    return Turn(
        item["role"],
        _text(content),
        _pictures(parts),
        tuple(_base64(part["file_data"]) for part in parts if part["type"] == "input_file"),
    )


def _result(item: Json) -> Result:
    output = item["output"]
    parts = [] if isinstance(output, str) else output
    return Result(item["call_id"], _text(output), _pictures(parts))


def _text(content: str | Sequence[Json]) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _pictures(parts: Sequence[Json]) -> tuple[str, ...]:
    return tuple(_base64(part["image_url"]) for part in parts if part["type"] == "input_image")


def _base64(url: str) -> str:
    return url.partition(";base64,")[2]


def response(answer: Answer) -> dict[str, Any]:
    """Write a whole response."""
    output: list[dict[str, Any]] = []
    if answer.thinking:
        output.append(
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": answer.thinking}],
                "encrypted_content": answer.signature,
            }
        )
    parts = [{"type": "output_text", "text": answer.text, "annotations": []}] if answer.text else []
    if answer.refusal:
        parts.append({"type": "refusal", "refusal": answer.refusal})
    if parts:
        output.append(
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": parts,
            }
        )
    output += map(_call_item, answer.calls)
    tokens = answer.tokens
    incomplete = answer.finish == "length"
    return {
        "id": "resp_upstream",
        "object": "response",
        "created_at": 1,
        "status": "incomplete" if incomplete else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if incomplete else None,
        "error": None,
        "model": "m",
        "output": output,
        "usage": {
            "input_tokens": tokens.input,
            "input_tokens_details": {"cached_tokens": tokens.cached or 0},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning or 0},
            "total_tokens": tokens.input + tokens.output,
        },
    }


def _call_item(call: Call) -> dict[str, Any]:
    head = {"id": f"item_{call.id}", "call_id": call.id, "name": call.name, "status": "completed"}
    if call.custom:
        return {**head, "type": "custom_tool_call", "input": call.arguments}
    item = {**head, "type": "function_call", "arguments": call.arguments}
    return item if call.namespace is None else {**item, "namespace": call.namespace}


def stream(answer: Answer) -> list[bytes]:
    """Write a stream, with each text in two pieces."""
    whole = response(answer)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(whole["output"]):
        events += _item_events(index, item)
    events.append({"type": f"response.{whole['status']}", "response": whole})
    return [
        f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': n})}\n\n".encode()
        for n, event in enumerate(events)
    ]


def _item_events(index: int, item: Json) -> Iterator[dict[str, Any]]:
    place = {"output_index": index, "item_id": item["id"]}
    begun = {**item, "status": "in_progress"}
    match item["type"]:
        case "message":
            begun["content"] = []
            inner = [e for n, part in enumerate(item["content"]) for e in _part_events(n, part)]
        case "reasoning":
            begun |= {"summary": [], "encrypted_content": None}
            inner = _summary_events(item["summary"][0])
        case "function_call":
            begun["arguments"] = ""
            inner = _text_events("function_call_arguments", "arguments", item["arguments"])
        case _:
            begun["input"] = ""
            inner = _text_events("custom_tool_call_input", "input", item["input"])
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    for event in inner:
        yield {**event, **place}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _part_events(n: int, part: Json) -> list[dict[str, Any]]:
    field = "refusal" if part["type"] == "refusal" else "text"
    name = "refusal" if field == "refusal" else "output_text"
    events = [
        {"type": "response.content_part.added", "part": {**part, field: ""}},
        *_text_events(name, field, part[field]),
        {"type": "response.content_part.done", "part": part},
    ]
    return [{**event, "content_index": n} for event in events]


def _summary_events(part: Json) -> list[dict[str, Any]]:
    events = [
        {"type": "response.reasoning_summary_part.added", "part": {**part, "text": ""}},
        *_text_events("reasoning_summary_text", "text", part["text"]),
        {"type": "response.reasoning_summary_part.done", "part": part},
    ]
    return [{**event, "summary_index": 0} for event in events]


def _text_events(name: str, field: str, text: str) -> list[dict[str, Any]]:
    pieces = [piece for piece in (text[:_SPLIT], text[_SPLIT:]) if piece]
    deltas = [{"type": f"response.{name}.delta", "delta": piece} for piece in pieces]
    return [*deltas, {"type": f"response.{name}.done", field: text}]


def answer(body: Json) -> Answer:
    """Read a whole response."""
    items = {kind: [i for i in body["output"] if i["type"] == kind] for kind in _KINDS}
    parts = [part for item in items["message"] for part in item["content"]]
    usage = body["usage"]
    calls = tuple(_call(item) for item in body["output"] if item["type"] in _CALLS)
    return Answer(
        "".join(part["text"] for part in parts if part["type"] == "output_text"),
        "".join(part["text"] for item in items["reasoning"] for part in item["summary"]),
        "".join(item.get("encrypted_content") or "" for item in items["reasoning"]),
        "".join(part["refusal"] for part in parts if part["type"] == "refusal"),
        calls,
        _finish(body, calls),
        tokens=Tokens(
            usage["input_tokens"],
            usage["output_tokens"],
            usage["input_tokens_details"]["cached_tokens"],
            reasoning=usage["output_tokens_details"]["reasoning_tokens"],
        ),
    )


_CALLS = ("function_call", "custom_tool_call")
_KINDS = ("message", "reasoning", *_CALLS)


def _call(item: Json) -> Call:
    if item["type"] == "custom_tool_call":
        return Call(item["call_id"], item["name"], item["input"], custom=True)
    return Call(item["call_id"], item["name"], item["arguments"], item.get("namespace"))


def _finish(body: Json, calls: tuple[Call, ...]) -> str:
    if body["status"] == "incomplete":
        reason = body["incomplete_details"]["reason"]
        return "length" if reason == "max_output_tokens" else str(reason)
    assert body["status"] == "completed"
    return "tool_calls" if calls else "stop"


def assembled(events: Sequence[tuple[str | None, Json]]) -> dict[str, Any]:
    """Check a stream's events; return the response, whose items the events must add up to."""
    assert all(name == event["type"] for name, event in events)
    assert [event["sequence_number"] for _, event in events] == list(range(len(events)))
    kinds = [event["type"] for _, event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] in ("response.completed", "response.incomplete")
    assert kinds.count("response.created") == 1
    done: list[Json] = []
    texts: dict[tuple[int, str], str] = {}
    for _, event in events:
        kind = event["type"].removeprefix("response.")
        if kind == "output_item.added":
            assert event["output_index"] == len(done)
        elif kind == "output_item.done":
            assert event["output_index"] == len(done)
            done.append(event["item"])
        elif kind.endswith(".delta"):
            place = (event["output_index"], kind.removesuffix(".delta"))
            texts[place] = texts.get(place, "") + event["delta"]
    response: dict[str, Any] = dict(events[-1][1]["response"])
    assert response["output"] == done
    assert response["id"] == events[0][1]["response"]["id"]
    for (index, kind), text in texts.items():
        assert text == _text_of(done[index], kind), (index, kind)
    return response


def _text_of(item: Json, kind: str) -> str:
    match kind:
        case "function_call_arguments":
            return str(item["arguments"])
        case "custom_tool_call_input":
            return str(item["input"])
        case "reasoning_summary_text":
            return "".join(part["text"] for part in item["summary"])
        case "refusal":
            return "".join(part.get("refusal", "") for part in item["content"])
        case _:
            return "".join(part.get("text", "") for part in item["content"])


def continued(request: Json, response: Json, text: str) -> dict[str, Any]:
    """Append a response and a user's text to a request."""
    user = {"role": "user", "content": text}
    return {**request, "input": [*request["input"], *response["output"], user]}
