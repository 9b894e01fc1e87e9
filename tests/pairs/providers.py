"""Read chats and write answers as the providers of each dialect do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.pairs import converse_api, messages_api, responses_api
from tests.pairs.chats import Answer, Call, Chat, Result, Turn
from tests.support.bedrock import event_stream
from tests.support.upstream import Received

Json = Mapping[str, Any]
_SPLIT = 5
# The words that stand for a forced function beside its format.
_FORCED = re.compile(r'Call the function "(?P<name>\w+)"')


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of one dialect.

    Attributes:
        toml: The keys of its row in chatd.toml.
        path: The ends of the paths of chats.
        features: The features of scenarios that the dialect has.
        chat: Reads a request.
        whole: Writes a whole response.
        stream: Writes the pieces of a stream.
        gives: The parts of an answer that the dialect has.
        stream_type: The content type of a stream.
        model: The provider's name for its model.

    """

    toml: str
    path: str | tuple[str, ...]
    features: frozenset[str]
    chat: Callable[[Json], Chat]
    whole: Callable[[Answer], Json]
    stream: Callable[[Answer], Sequence[bytes]]
    gives: frozenset[str]
    stream_type: str = "text/event-stream"
    model: str = "m"

    def is_streamed(self, received: Received) -> bool:
        """Return whether a request wants a stream: Ollama's does so by default."""
        if received.path.endswith("-stream"):
            return True
        return bool(received.json.get("stream", self.path == "/api/chat"))


def _openai_chat(body: Json) -> Chat:
    tools, choice = body.get("tools") or (), body.get("tool_choice")
    form = body.get("response_format") or {}
    stop = body.get("stop") or ()
    return Chat(
        tuple(_merged(map(_openai_turn, _conversation(body)))),
        _system(body),
        tuple(tool["function"]["name"] for tool in tools if tool["type"] == "function"),
        tuple(tool["custom"]["name"] for tool in tools if tool["type"] == "custom"),
        forced=choice["function"]["name"] if isinstance(choice, dict) else None,
        schema=(form.get("json_schema") or {}).get("schema"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        effort=body.get("reasoning_effort"),
    )


def _conversation(body: Json) -> list[Json]:
    return [turn for turn in body["messages"] if turn["role"] not in ("system", "developer")]


def _system(body: Json) -> str:
    turns = [turn for turn in body["messages"] if turn["role"] in ("system", "developer")]
    return "".join(_text(turn["content"]) for turn in turns)


def _text(content: Any) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    return "".join(part.get("text", "") for part in content)


def _openai_turn(turn: Json) -> Turn:
    parts = turn["content"] if isinstance(turn["content"], list) else ()
    text = _text(turn["content"])
    images = tuple(_base64(part["image_url"]["url"]) for part in parts if "image_url" in part)
    if turn["role"] == "tool":
        return Turn("user", results=(Result(turn["tool_call_id"], text, images),))
    return Turn(
        turn["role"],
        text,
        images,
        tuple(_base64(part["file"]["file_data"]) for part in parts if "file" in part),
        tuple(
            Call(call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in turn.get("tool_calls") or ()
        ),
    )


def _base64(url: str) -> str:
    return url.partition(";base64,")[2]


def _merged(turns: Iterator[Turn]) -> Iterator[Turn]:
    """Merge tool results, and the user's turn after them, to one turn."""
    last: Turn | None = None
    for turn in turns:
        if last is not None and last.results and turn.role == "user":
            last = Turn(
                "user",
                last.text + turn.text,
                last.images + turn.images,
                last.documents + turn.documents,
                results=last.results + turn.results,
            )
            continue
        if last is not None:
            yield last
        last = turn
    if last is not None:
        yield last


def _openai_message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.thinking:
        message["reasoning_content"] = answer.thinking
    if answer.refusal:
        message["refusal"] = answer.refusal
    if answer.calls:
        message["tool_calls"] = list(map(_openai_call, answer.calls))
    return message


def _openai_call(call: Call) -> dict[str, Any]:
    if call.custom:
        custom = {"name": call.name, "input": call.arguments}
        return {"id": call.id, "type": "custom", "custom": custom}
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _openai_usage(answer: Answer) -> dict[str, Any]:
    tokens = answer.tokens
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached or 0,
            "cache_write_tokens": tokens.written or 0,
        },
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning or 0},
    }


def _openai_finish(answer: Answer) -> str:
    return "stop" if answer.finish in ("stop_sequence", "content_filter") else answer.finish


def _openai_whole(answer: Answer) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": _openai_message(answer),
        "finish_reason": _openai_finish(answer),
    }
    head = {"id": "chatcmpl-upstream", "object": "chat.completion", "created": 1, "model": "m"}
    return dict(head, choices=[choice], usage=_openai_usage(answer))


def _openai_stream(answer: Answer) -> list[bytes]:
    message = _openai_message(answer)
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for name in ("reasoning_content", "content", "refusal"):
        text = message.get(name) or ""
        deltas += [{name: piece} for piece in (text[:_SPLIT], text[_SPLIT:]) if piece]
    for index, call in enumerate(message.get("tool_calls") or ()):
        kind = call["type"]
        field = "arguments" if kind == "function" else "input"
        text = call[kind][field]
        begun = {**call, "index": index, kind: {**call[kind], field: text[:_SPLIT]}}
        rest = {"index": index, kind: {field: text[_SPLIT:]}}
        deltas += [{"tool_calls": [begun]}, {"tool_calls": [rest]}]
    head = {
        "id": "chatcmpl-upstream",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
    }
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": delta, "finish_reason": None} for delta in deltas
    ]
    choices.append({"index": 0, "delta": {}, "finish_reason": _openai_finish(answer)})
    chunks: list[dict[str, Any]] = [{**head, "choices": [choice]} for choice in choices]
    chunks.append({**head, "choices": [], "usage": _openai_usage(answer)})
    return [*(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks), b"data: [DONE]\n\n"]


def _ollama_chat(body: Json) -> Chat:
    thinks, system = body.get("think"), _system(body)
    forced = _FORCED.search(system)
    tools = tuple(tool["function"]["name"] for tool in body.get("tools") or ())
    return Chat(
        tuple(_merged(map(_ollama_turn, _conversation(body)))),
        system[: forced.start()] if forced else system,
        (forced["name"],) if forced else tools,
        forced=forced["name"] if forced else None,
        in_format=forced is not None,
        schema=None if forced else body.get("format"),
        stop=tuple((body.get("options") or {}).get("stop") or ()),
        effort="none" if thinks is False else thinks or None,
    )


def _ollama_turn(turn: Json) -> Turn:
    images = tuple(turn.get("images") or ())
    if turn["role"] == "tool":
        return Turn("user", results=(Result(turn["tool_call_id"], turn["content"], images),))
    calls = turn.get("tool_calls") or ()
    return Turn(
        turn["role"],
        turn["content"],
        images,
        calls=tuple(
            Call(call["id"], call["function"]["name"], _compact(call["function"]["arguments"]))
            for call in calls
        ),
    )


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _ollama_message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.thinking:
        message["thinking"] = answer.thinking
    if answer.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "function": {"name": call.name, "arguments": json.loads(call.arguments)},
            }
            for call in answer.calls
        ]
    return message


def _ollama_end(answer: Answer) -> dict[str, Any]:
    return {
        "model": "m",
        "done": True,
        "done_reason": "length" if answer.finish == "length" else "stop",
        "prompt_eval_count": answer.tokens.input,
        "eval_count": answer.tokens.output,
    }


def _ollama_whole(answer: Answer) -> dict[str, Any]:
    return {**_ollama_end(answer), "message": _ollama_message(answer)}


def _ollama_stream(answer: Answer) -> list[bytes]:
    message = _ollama_message(answer)
    pieces: list[dict[str, Any]] = []
    for name in ("thinking", "content"):
        text = message.get(name) or ""
        pieces += [{name: piece} for piece in (text[:_SPLIT], text[_SPLIT:]) if piece]
    if answer.calls:
        pieces.append({"tool_calls": message["tool_calls"]})
    lines = [
        {"model": "m", "message": {"role": "assistant", "content": "", **piece}, "done": False}
        for piece in pieces
    ]
    last = {**_ollama_end(answer), "message": {"role": "assistant", "content": ""}}
    return [f"{json.dumps(line)}\n".encode() for line in (*lines, last)]


PROVIDERS: Mapping[str, Provider] = {
    "ollama": Provider(
        'dialect = "ollama"',
        "/api/chat",
        frozenset({"image", "tools", "forced", "custom", "namespace", "thinking", "stop"}),
        _ollama_chat,
        _ollama_whole,
        _ollama_stream,
        frozenset({"thinking", "calls"}),
        "application/x-ndjson",
    ),
    "openai_chat": Provider(
        'dialect = "openai_chat"',
        "/chat/completions",
        frozenset(
            {
                *("image", "document", "tools", "forced", "custom", "namespace", "thinking"),
                *("stop", "refusal", "cache"),
            }
        ),
        _openai_chat,
        _openai_whole,
        _openai_stream,
        frozenset({"thinking", "refusal", "calls", "cached", "written", "reasoning"}),
    ),
    "anthropic_messages": Provider(
        'dialect = "anthropic_messages"',
        "/messages",
        frozenset(
            {
                *("image", "document", "tools", "forced", "custom", "namespace", "thinking"),
                *("stop", "refusal", "cache"),
            }
        ),
        messages_api.chat,
        messages_api.response,
        messages_api.stream,
        frozenset({"thinking", "signature", "stop_sequence", "calls", "cached", "written"}),
    ),
    "openai_responses": Provider(
        'dialect = "openai_responses"',
        "/responses",
        frozenset(
            {
                *("image", "document", "tools", "forced", "custom", "namespace", "thinking"),
                *("refusal", "cache"),
            }
        ),
        responses_api.chat,
        responses_api.response,
        responses_api.stream,
        frozenset(
            {"thinking", "signature", "refusal", "calls", "namespace", "cached", "reasoning"}
        ),
    ),
    "bedrock_converse": Provider(
        'dialect = "bedrock_converse"',
        ("/converse", "/converse-stream"),
        frozenset(
            {
                *("image", "document", "tools", "forced", "custom", "namespace", "thinking"),
                *("stop", "cache"),
            }
        ),
        converse_api.chat,
        converse_api.response,
        converse_api.stream,
        frozenset({"thinking", "signature", "stop_sequence", "calls", "cached", "written"}),
        event_stream.CONTENT_TYPE,
        "anthropic.claude-opus-4-6-v1",
    ),
}


def model_at(dialect: str) -> str:
    """Return the caller's name for the model of a provider."""
    return f"at_{dialect}/{PROVIDERS[dialect].model}"
