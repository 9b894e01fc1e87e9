"""Bedrock's Converse, from the provider's end.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.pairs.chats import Answer, Call, Chat, Result, Turn
from tests.support.bedrock import event_stream

Json = Mapping[str, Any]
_FINISHES = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
}
_SPLIT = 5


def chat(body: Json) -> Chat:
    """Read a request."""
    config, output = body.get("toolConfig") or {}, body.get("outputConfig") or {}
    choice = config.get("toolChoice") or {}
    form = output.get("textFormat") or {"structure": {"jsonSchema": {"schema": "null"}}}
    more = body.get("additionalModelRequestFields") or {}
    withheld = more.get("thinking") == {"type": "disabled"}
    return Chat(
        tuple(map(_read_turn, body["messages"])),
        "".join(part["text"] for part in body.get("system") or ()),
        tuple(tool["toolSpec"]["name"] for tool in config.get("tools") or ()),
        forced=(choice.get("tool") or {}).get("name"),
        schema=json.loads(form["structure"]["jsonSchema"]["schema"]),
        stop=tuple((body.get("inferenceConfig") or {}).get("stopSequences") or ()),
        effort="none" if withheld else output.get("effort"),
    )


def _read_turn(turn: Json) -> Turn:
    blocks: list[Json] = turn["content"]
    kinds = [next(iter(block)) for block in blocks]
    if "toolResult" in kinds:  # the API wants results before anything else
        assert kinds == sorted(kinds, key=lambda kind: kind != "toolResult")
    return Turn(
        turn["role"],
        _text(block for block in blocks if "document" not in block) if _is_said(blocks) else "",
        _pictures(blocks),
        tuple(block["document"]["source"]["bytes"] for block in blocks if "document" in block),
        tuple(
            Call(call["toolUseId"], call["name"], _compact(call["input"]))
            for block in blocks
            if (call := block.get("toolUse"))
        ),
        tuple(
            Result(result["toolUseId"], _text(result["content"]), _pictures(result["content"]))
            for block in blocks
            if (result := block.get("toolResult"))
        ),
    )


def _is_said(blocks: Sequence[Json]) -> bool:
    """Return whether the texts are the caller's, and not the name of a document."""
    names = {block["document"]["name"] for block in blocks if "document" in block}
    return not names & {block.get("text") for block in blocks}


def _text(blocks: Any) -> str:
    return "".join(block.get("text", "") for block in blocks)


def _pictures(blocks: Sequence[Json]) -> tuple[str, ...]:
    return tuple(block["image"]["source"]["bytes"] for block in blocks if "image" in block)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def response(answer: Answer) -> dict[str, Any]:
    """Write a whole response."""
    content: list[dict[str, Any]] = []
    if answer.thinking:
        thought = {"text": answer.thinking, "signature": answer.signature}
        content.append({"reasoningContent": {"reasoningText": thought}})
    if answer.text:
        content.append({"text": answer.text})
    content += [
        {"toolUse": {"toolUseId": call.id, "name": call.name, "input": json.loads(call.arguments)}}
        for call in answer.calls
    ]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        **_end(answer),
        **_counts(answer),
    }


def stream(answer: Answer) -> list[bytes]:
    """Write a stream, with each text in two pieces."""
    content = response(answer)["output"]["message"]["content"]
    events: list[tuple[str, Json]] = [("messageStart", {"role": "assistant"})]
    for index, block in enumerate(content):
        events += [(name, {**event, "contentBlockIndex": index}) for name, event in _events(block)]
    events += [("messageStop", _end(answer)), ("metadata", _counts(answer))]
    return [event_stream.event(*event) for event in events]


def _events(block: Json) -> list[tuple[str, Json]]:
    begun: list[tuple[str, Json]] = []
    if "text" in block:
        deltas: list[Json] = [{"text": piece} for piece in _halves(block["text"])]
    elif "toolUse" in block:
        call = block["toolUse"]
        start = {"toolUse": {name: call[name] for name in ("toolUseId", "name")}}
        begun = [("contentBlockStart", {"start": start})]
        deltas = [{"toolUse": {"input": piece}} for piece in _halves(_compact(call["input"]))]
    else:
        thought = block["reasoningContent"]["reasoningText"]
        deltas = [{"reasoningContent": {"text": piece}} for piece in _halves(thought["text"])]
        deltas.append({"reasoningContent": {"signature": thought["signature"]}})
    added = [("contentBlockDelta", {"delta": delta}) for delta in deltas]
    return [*begun, *added, ("contentBlockStop", {})]


def _halves(text: str) -> list[str]:
    return [piece for piece in (text[:_SPLIT], text[_SPLIT:]) if piece]


def _end(answer: Answer) -> dict[str, Any]:
    end: dict[str, Any] = {"stopReason": _FINISHES[answer.finish]}
    if answer.stop_sequence:
        end["additionalModelResponseFields"] = {"stop_sequence": answer.stop_sequence}
    return end


def _counts(answer: Answer) -> dict[str, Any]:
    tokens = answer.tokens
    cached, written = tokens.cached or 0, tokens.written or 0
    usage = {
        "inputTokens": tokens.input - cached - written,
        "outputTokens": tokens.output,
        "totalTokens": tokens.input + tokens.output,
        "cacheReadInputTokens": cached,
        "cacheWriteInputTokens": written,
    }
    return {"usage": usage, "metrics": {"latencyMs": 9}}
