"""Anthropic's Messages API, from both ends.

https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.pairs.chats import SCHEMA, Answer, Call, Chat, Result, Tokens, Turn

Json = Mapping[str, Any]
_FINISHES = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_REASONS = {reason: finish for finish, reason in _FINISHES.items()}
_SPLIT = 5


def request(chat: Chat) -> dict[str, Any]:
    """Write a request without a model."""
    body: dict[str, Any] = {"max_tokens": 4000, "messages": list(map(_turn, chat.turns))}
    optional: dict[str, Any] = {
        "system": chat.system,
        "tools": [{"name": name, "input_schema": SCHEMA} for name in chat.tools],
        "tool_choice": chat.forced and {"type": "tool", "name": chat.forced},
        "stop_sequences": list(chat.stop),
    }
    if chat.effort == "none":
        optional["thinking"] = {"type": "disabled"}
    elif chat.effort:
        optional["thinking"] = {"type": "adaptive"}
        optional["output_config"] = {"effort": chat.effort}
    if chat.schema:
        optional["output_config"] = {"format": {"type": "json_schema", "schema": chat.schema}}
    return body | {name: value for name, value in optional.items() if value}


def chat(body: Json) -> Chat:
    """Read a request."""
    turns = [_read_turn(turn) for turn in body["messages"]]
    choice, output = body.get("tool_choice") or {}, body.get("output_config") or {}
    effort = output.get("effort")
    if (body.get("thinking") or {}).get("type") == "disabled":
        effort = "none"
    system = body.get("system") or ""
    return Chat(
        tuple(turns),
        system if isinstance(system, str) else "".join(part["text"] for part in system),
        tuple(tool["name"] for tool in body.get("tools") or ()),
        forced=choice.get("name"),
        schema=(output.get("format") or {}).get("schema"),
        stop=tuple(body.get("stop_sequences") or ()),
        effort=effort,
    )


def _turn(turn: Turn) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [
        {
            "type": "tool_result",
            "tool_use_id": result.call_id,
            "content": [{"type": "text", "text": result.text}, *map(_picture, result.images)]
            if result.images
            else result.text,
        }
        for result in turn.results
    ]
    blocks += map(_picture, turn.images)
    for paper in turn.documents:
        source = {"type": "base64", "media_type": "application/pdf", "data": paper}
        blocks.append({"type": "document", "source": source})
    if turn.text and not blocks and not turn.calls:
        return {"role": turn.role, "content": turn.text}
    if turn.text:
        blocks.append({"type": "text", "text": turn.text})
    blocks += [
        {
            "type": "tool_use",
            "id": call.id,
            "name": call.name,
            "input": json.loads(call.arguments),
        }
        for call in turn.calls
    ]
    return {"role": turn.role, "content": blocks}


def _picture(image: str) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png", "data": image}
    return {"type": "image", "source": source}


def _read_turn(turn: Json) -> Turn:
    content = turn["content"]
    blocks: list[Json] = content
    if isinstance(content, str):
        blocks = [{"type": "text", "text": content}]
    kinds = [block["type"] for block in blocks]
    if "tool_result" in kinds:  # the API wants results before anything else
        assert kinds == sorted(kinds, key=lambda kind: kind != "tool_result")
    return Turn(
        turn["role"],
        "".join(block["text"] for block in blocks if block["type"] == "text"),
        _pictures(blocks),
        tuple(block["source"]["data"] for block in blocks if block["type"] == "document"),
        tuple(
            Call(block["id"], block["name"], _compact(block["input"]))
            for block in blocks
            if block["type"] == "tool_use"
        ),
        tuple(map(_result, (block for block in blocks if block["type"] == "tool_result"))),
    )


def _result(block: Json) -> Result:
    content = block.get("content") or ""
    if isinstance(content, str):
        return Result(block["tool_use_id"], content)
    text = "".join(part["text"] for part in content if part["type"] == "text")
    return Result(block["tool_use_id"], text, _pictures(content))


def _pictures(blocks: Sequence[Json]) -> tuple[str, ...]:
    return tuple(block["source"]["data"] for block in blocks if block["type"] == "image")


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def response(answer: Answer) -> dict[str, Any]:
    """Write a whole response."""
    content: list[dict[str, Any]] = []
    if answer.thinking:
        content.append(
            {"type": "thinking", "thinking": answer.thinking, "signature": answer.signature}
        )
    if text := answer.text or answer.refusal:
        content.append({"type": "text", "text": text})
    content += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}
        for call in answer.calls
    ]
    tokens = answer.tokens
    cached, written = tokens.cached or 0, tokens.written or 0
    return {
        "id": "msg_upstream",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": content,
        "stop_reason": _FINISHES[answer.finish],
        "stop_sequence": answer.stop_sequence,
        "usage": {
            "input_tokens": tokens.input - cached - written,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": written,
            "output_tokens": tokens.output,
        },
    }


def stream(answer: Answer) -> list[bytes]:
    """Write a stream, with each text in two pieces."""
    whole = response(answer)
    head = {**whole, "content": [], "stop_reason": None, "stop_sequence": None}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": head}]
    for index, block in enumerate(whole["content"]):
        events += _block_events(index, block)
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
    events.append({"type": "message_delta", "delta": ending, "usage": whole["usage"]})
    events.append({"type": "message_stop"})
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


def _block_events(index: int, block: Json) -> list[dict[str, Any]]:
    kind = block["type"]
    begun: dict[str, Any]
    if kind == "text":
        begun = {"type": "text", "text": ""}
        deltas = _halves("text_delta", "text", block["text"])
    elif kind == "thinking":
        begun = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = _halves("thinking_delta", "thinking", block["thinking"])
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    else:
        begun = {**block, "input": {}}
        deltas = _halves("input_json_delta", "partial_json", _compact(block["input"]))
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _halves(kind: str, field: str, text: str) -> list[dict[str, Any]]:
    return [{"type": kind, field: piece} for piece in (text[:_SPLIT], text[_SPLIT:]) if piece]


def answer(body: Json) -> Answer:
    """Read a whole response."""
    thinking = [block for block in body["content"] if block["type"] == "thinking"]
    usage = body["usage"]
    cached = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    return Answer(
        "".join(block["text"] for block in body["content"] if block["type"] == "text"),
        "".join(block["thinking"] for block in thinking),
        "".join(block["signature"] for block in thinking),
        calls=tuple(
            Call(block["id"], block["name"], _compact(block["input"]))
            for block in body["content"]
            if block["type"] == "tool_use"
        ),
        finish=_REASONS[body["stop_reason"]],
        stop_sequence=body["stop_sequence"],
        tokens=Tokens(
            usage["input_tokens"] + cached + written, usage["output_tokens"], cached, written
        ),
    )


def assembled(events: Sequence[tuple[str | None, Json]]) -> dict[str, Any]:
    """Assemble a whole response from a stream, and check the order of its events."""
    assert all(name == event["type"] for name, event in events)
    kinds = [event["type"] for _, event in events if event["type"] != "ping"]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert kinds.count("message_start") == 1
    message: dict[str, Any] = json.loads(json.dumps(events[0][1]["message"]))
    assert message["content"] == []
    open_index: int | None = None
    inputs: dict[int, str] = {}
    for _, event in events:
        match event["type"]:
            case "content_block_start":
                assert open_index is None, "a block begins within a block"
                open_index = event["index"]
                assert open_index == len(message["content"])
                message["content"].append(dict(event["content_block"]))
            case "content_block_delta":
                assert event["index"] == open_index
                _apply(message["content"][-1], event["delta"], inputs, event["index"])
            case "content_block_stop":
                assert event["index"] == open_index
                if open_index in inputs:
                    message["content"][-1]["input"] = json.loads(inputs[open_index])
                open_index = None
            case "message_delta":
                message |= event["delta"]
                message["usage"] = {**message["usage"], **event["usage"]}
    assert open_index is None, "a block without its end"
    return message


def _apply(block: dict[str, Any], delta: Json, inputs: dict[int, str], index: int) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "input_json_delta":
            inputs[index] = inputs.get(index, "") + delta["partial_json"]


def continued(request: Json, response: Json, text: str) -> dict[str, Any]:
    """Append a response and a user's text to a request."""
    turns = [
        {"role": "assistant", "content": response["content"]},
        {"role": "user", "content": text},
    ]
    return {**request, "messages": [*request["messages"], *turns]}
