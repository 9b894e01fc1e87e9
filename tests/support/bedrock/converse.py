"""Check and parse requests of Converse and ConverseStream as Bedrock does; write the responses.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.clients.stub_model import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    Answer,
    ChatRequest,
    Json,
    Turn,
    form_in_words,
)
from tests.support.bedrock import event_stream
from tests.support.bedrock.errors import BedrockError, demand, invalid
from tests.support.bedrock.models import Model, version_of

SIGNATURE = base64.b64encode(b"a signature of the fake Bedrock").decode()
_FIELDS = {
    *("additionalModelRequestFields", "additionalModelResponseFieldPaths", "guardrailConfig"),
    *("inferenceConfig", "messages", "outputConfig", "performanceConfig", "promptVariables"),
    *("requestMetadata", "serviceTier", "system", "toolConfig"),
}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_CALL_PIECE = 5


def parse_request(model: Model, body: Json, *, stream: bool) -> ChatRequest:
    """Parse a request.

    Raises:
        BedrockError: If Bedrock refuses it.

    """
    for name in sorted(body.keys() - _FIELDS):
        raise invalid(f"Malformed input request: #: extraneous key [{name}] is not permitted")
    _check_options(model, body)
    turns = tuple(_turns(body))
    extra = body.get("additionalModelRequestFields") or {}
    form = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure") or {}
    schema = (form.get("jsonSchema") or {}).get("schema")
    return ChatRequest(
        provider="bedrock",
        model=model.id,
        turns=turns,
        tools=_tools(body),
        form=json.loads(schema) if schema else form_in_words(turns),
        stream=stream,
        thinks=_thinks(extra),
    )


def whole(request: ChatRequest, answer: Answer) -> Json:
    """Return the whole response."""
    return {
        "output": {"message": {"role": "assistant", "content": list(_blocks(answer))}},
        "stopReason": _reason(answer),
        "usage": _usage(),
        "metrics": {"latencyMs": 551},
    }


def stream(request: ChatRequest, answer: Answer) -> Iterator[bytes]:
    """Yield the encoded messages of the stream: text by word, a call's input by 5 characters."""
    for kind, payload in events(answer):
        yield event_stream.event(kind, {**payload, "p": "abcdefghijk"[: len(kind) % 11]})


def events(answer: Answer) -> Iterator[tuple[str, Json]]:
    """Yield the events of a stream by their names."""
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(_blocks(answer)):
        if "toolUse" in block:
            start = {name: block["toolUse"][name] for name in ("toolUseId", "name")}
            begun = {"contentBlockIndex": index, "start": {"toolUse": start}}
            yield "contentBlockStart", begun
        for delta in _deltas(block, answer):
            yield "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}
        yield "contentBlockStop", {"contentBlockIndex": index}
    yield "messageStop", {"stopReason": _reason(answer)}
    yield "metadata", {"usage": _usage(), "metrics": {"latencyMs": 551}}


def exception(error: BedrockError) -> bytes:
    """Return the message of an exception in a stream; its name begins in lower case."""
    return event_stream.exception(error.kind[0].lower() + error.kind[1:], error.message)


def _check_options(model: Model, body: Json) -> None:
    config = body.get("inferenceConfig") or {}
    if model.vendor in ("openai", "xai") and version_of(model) > (0, 0):
        message = "This model doesn't support the stopSequences field. Remove stopSequences"
        demand("stopSequences" not in config, message)
    tools = (body.get("toolConfig") or {}).get("tools")
    used = any(
        "toolUse" in block or "toolResult" in block
        for turn in body["messages"]
        for block in turn["content"]
    )
    message = (
        "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    )
    demand(tools or not used, message)
    demand("toolConfig" not in body or tools, "toolConfig.tools: minimum size is 1")


def _turns(body: Json) -> Iterator[Turn]:
    for block in body.get("system", []):
        if "text" in block:
            demand(block["text"], "The text field in the ContentBlock object is blank.")
            yield Turn("system", block["text"])
    expected, open_calls = "user", list[str]()
    demand(body["messages"], "A conversation must start with a user message.")
    for turn in body["messages"]:
        role, content = turn["role"], turn["content"]
        message = f"roles must alternate between user and assistant; expected {expected!r}"
        demand(role == expected, message)
        expected = "assistant" if role == "user" else "user"
        demand(content, "The content field in the Message object is empty.")
        _check_results(content, open_calls)
        open_calls = [_call_id(block) for block in content if "toolUse" in block]
        yield from _parsed(role, content)


def _check_results(content: list[Json], open_calls: list[str]) -> None:
    results = [block["toolResult"]["toolUseId"] for block in content if "toolResult" in block]
    if len(set(open_calls)) != len(open_calls):
        raise invalid("messages contain duplicate Ids for toolUse blocks")
    missing = sorted(set(open_calls) - set(results))
    demand(not missing, f"Expected toolResult blocks for the following Ids: {missing}")
    message = (
        "The number of toolResult blocks exceeds the number of toolUse blocks of previous turn."
    )
    demand(sorted(results) == sorted(open_calls), message)


def _call_id(block: Json) -> str:
    call = block["toolUse"]
    demand(_ID.fullmatch(call["toolUseId"]), "toolUseId failed to satisfy constraint")
    demand(_NAME.fullmatch(call["name"]), "toolUse.name failed to satisfy constraint")
    demand(isinstance(call["input"], dict), "The format of toolUse.input is invalid")
    return str(call["toolUseId"])


def _parsed(role: str, content: list[Json]) -> Iterator[Turn]:
    """Yield a turn for each tool result, and one turn for all other blocks."""
    texts, images = [], []
    for block in content:
        ((kind, value),) = block.items()
        match kind:
            case "text":
                demand(value.strip(), "The text field in the ContentBlock object is blank.")
                texts.append(value)
            case "image":
                images.append(base64.b64decode(value["source"]["bytes"], validate=True))
            case "toolResult":
                demand(value["content"], "toolResult.content is empty")
                yield Turn("tool", "".join(map(_result_text, value["content"])))
            case "reasoningContent":
                given = value.get("reasoningText", {}).get("signature", SIGNATURE)
                demand(given == SIGNATURE, "Invalid `signature` in `thinking` block")
            case "toolUse" | "cachePoint" | "document" | "guardContent":
                continue
            case _:
                raise invalid(f"content: extraneous key [{kind}] is not permitted")
    if texts or images or role == "assistant":
        yield Turn(role, "".join(texts), tuple(images))


def _result_text(block: Json) -> str:
    return str(block["text"]) if "text" in block else json.dumps(block.get("json", {}))


def _tools(body: Json) -> tuple[tuple[str, Json], ...]:
    """Return the callable tools by name and schema; only one if `toolChoice` names one."""
    config = body.get("toolConfig") or {}
    specs = [tool["toolSpec"] for tool in config.get("tools", []) if "toolSpec" in tool]
    for spec in specs:
        demand(_NAME.fullmatch(spec["name"]), "toolSpec.name failed to satisfy constraint")
        demand(spec.get("description", "x"), "toolSpec.description has length less than minimum 1")
    tools = {spec["name"]: spec["inputSchema"]["json"] for spec in specs}
    named = (config.get("toolChoice") or {}).get("tool")
    if named is None:
        return tuple(tools.items())
    demand(named["name"] in tools, f"no tool {named['name']!r}")
    return ((named["name"], tools[named["name"]]),)


def _thinks(extra: Json) -> bool:
    thinking = (extra.get("thinking") or extra.get("reasoning_config") or {}).get("type")
    effort = extra.get("reasoning_effort") or (extra.get("reasoningConfig") or {}).get("type")
    return thinking in ("enabled", "adaptive") or effort not in (None, "none", "disabled")


def _blocks(answer: Answer) -> Iterator[dict[str, Any]]:
    if answer.thinking:
        text = {"text": answer.thinking, "signature": SIGNATURE}
        yield {"reasoningContent": {"reasoningText": text}}
    if answer.text:
        yield {"text": answer.text}
    for number, (name, arguments) in enumerate(answer.calls):
        call_id = f"tooluse_{answer.series}{number}"
        yield {"toolUse": {"toolUseId": call_id, "name": name, "input": arguments}}


def _deltas(block: Json, answer: Answer) -> Iterator[Json]:
    if "text" in block:
        yield from ({"text": piece} for piece in answer.pieces)
    elif "reasoningContent" in block:
        yield {"reasoningContent": {"text": answer.thinking}}
        yield {"reasoningContent": {"signature": SIGNATURE}}
    else:
        text = json.dumps(block["toolUse"]["input"], ensure_ascii=False)
        for start in range(0, len(text), _CALL_PIECE):
            yield {"toolUse": {"input": text[start : start + _CALL_PIECE]}}


def _usage() -> Mapping[str, int]:
    total = INPUT_TOKENS + OUTPUT_TOKENS
    return {"inputTokens": INPUT_TOKENS, "outputTokens": OUTPUT_TOKENS, "totalTokens": total}


def _reason(answer: Answer) -> str:
    return "tool_use" if answer.calls else "end_turn"
