"""Make whole and streamed responses of providers, in each dialect."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tests.support.bedrock import event_stream


def ollama_chat(content: str = "Hello!", **more: Any) -> dict[str, Any]:
    return {
        "model": "llama3.2",
        "created_at": "2026-11-01T00:00:00Z",
        "message": {"role": "assistant", "content": content},
        "done": True,
        "done_reason": "stop",
        "total_duration": 1,
        "prompt_eval_count": 11,
        "eval_count": 7,
        **more,
    }


def ollama_generate(content: str = "Hello!", **more: Any) -> dict[str, Any]:
    return {
        "model": "gpt-oss:120b",
        "response": content,
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 11,
        "eval_count": 7,
        **more,
    }


def openai_chat(content: str | None = "Hello!", **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "vendor/model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        **more,
    }


def ollama_lines(*words: str, reason: str = "stop", path: str = "/api/chat") -> list[bytes]:
    """Return the lines of a stream in Ollama's dialect, one per word."""

    def piece(text: str) -> dict[str, Any]:
        return (
            {"response": text} if path.endswith("/api/generate") else {"message": {"content": text}}
        )

    lines: list[dict[str, Any]] = [
        {"model": "llama3.2", **piece(word), "done": False} for word in words
    ]
    end = {"done": True, "done_reason": reason, "prompt_eval_count": 11, "eval_count": 7}
    return [json_line(line) for line in [*lines, {"model": "llama3.2", **piece(""), **end}]]


def openai_chunks(*words: str, reason: str | None = "stop", done: bool = True) -> list[bytes]:
    """Return the events of a stream in OpenAI's dialect, one per word."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return sse({"id": "c", "model": "vendor/model", "choices": [choice]})

    events = [chunk({"role": "assistant", "content": ""})]
    events += [chunk({"content": word}) for word in words]
    if reason:
        events.append(chunk({}, reason))
        events.append(sse({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}))
    return [*events, b"data: [DONE]\n\n"] if done else events


def text_completion(content: str = "Hello!", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "text": content, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1700000000,
        "model": "vendor/model",
        "choices": [choice],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        **more,
    }


def text_chunks(*words: str, reason: str = "stop") -> list[bytes]:
    """Return the events of a stream of OpenAI's completions, one per word."""

    def chunk(text: str, finish: str | None = None) -> bytes:
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
        fields = {"id": "cmpl-1", "object": "text_completion", "model": "vendor/model"}
        return sse({**fields, "created": 1700000000, "choices": [choice]})

    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    end = [chunk("", reason), sse({"choices": [], "usage": usage}), b"data: [DONE]\n\n"]
    return [*map(chunk, words), *end]


def responses(content: str = "Hello!", **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "annotations": [], "text": content}
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "vendor/model",
        "output": [
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [part],
            }
        ],
        "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18},
        **more,
    }


def responses_events(*words: str) -> list[bytes]:
    """Return the events of a stream of OpenAI's Responses: two, one per word, and the end."""
    whole = responses("".join(words))
    (item,) = whole["output"]
    place = {"item_id": "msg_1", "output_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        *(
            {"type": "response.output_text.delta", **place, "content_index": 0, "delta": word}
            for word in words
        ),
        {"type": "response.completed", "response": whole},
    ]
    return [sse({**event, "sequence_number": number}) for number, event in enumerate(events)]


def anthropic(content: str = "Hello!", **more: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "vendor/model",
        "content": [{"type": "text", "text": content}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 7},
        **more,
    }


def anthropic_events(*words: str, reason: str = "end_turn") -> list[bytes]:
    """Return the events of a stream of Anthropic's Messages: two, one per word, and three."""
    begun = anthropic(content="", stop_reason=None, usage={"input_tokens": 11, "output_tokens": 1})
    text = {"type": "text", "text": ""}
    end = {"stop_reason": reason, "stop_sequence": None}
    return [
        named_sse({"type": "message_start", "message": {**begun, "content": []}}),
        named_sse({"type": "content_block_start", "index": 0, "content_block": text}),
        *(
            named_sse(
                {
                    "type": "content_block_delta",
                    "index": 0,
                    "delta": {"type": "text_delta", "text": word},
                }
            )
            for word in words
        ),
        named_sse({"type": "content_block_stop", "index": 0}),
        named_sse({"type": "message_delta", "delta": end, "usage": {"output_tokens": 7}}),
        named_sse({"type": "message_stop"}),
    ]


def converse(content: str = "Hello!", **more: Any) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": content}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18},
        "metrics": {"latencyMs": 9},
        **more,
    }


def converse_events(*words: str) -> list[bytes]:
    """Return the messages of a Converse stream: a start, one per word, and three at the end."""
    place = {"contentBlockIndex": 0}
    whole = converse()
    counts = {name: whole[name] for name in ("usage", "metrics")}
    return [
        event_stream.event("messageStart", {"role": "assistant"}),
        *(
            event_stream.event("contentBlockDelta", {**place, "delta": {"text": word}})
            for word in words
        ),
        event_stream.event("contentBlockStop", place),
        event_stream.event("messageStop", {"stopReason": "end_turn"}),
        event_stream.event("metadata", counts),
    ]


def named_sse(event: dict[str, Any]) -> bytes:
    """Write a server-sent event with its type as its name."""
    return f"event: {event['type']}\n".encode() + sse(event)


def json_line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def sse(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def stream_for_path(path: str, *words: str) -> list[bytes]:
    """Return a stream in the path's dialect, of "Hello" and "!" or of these words."""
    words = words or ("Hello", "!")
    if path.endswith(("/api/chat", "/api/generate")):
        return ollama_lines(*words, path=path)
    if path.endswith("/responses"):
        return responses_events(*words)
    if path.endswith("/messages"):
        return anthropic_events(*words)
    if is_completions(path):
        return text_chunks(*words)
    if path.endswith("/converse-stream"):
        return converse_events(*words)
    return openai_chunks(*words)


def for_path(path: str, content: str = "Hello!") -> dict[str, Any]:
    """Return a whole response in the path's dialect."""
    known = next((name for name in _WHOLE if path.endswith(name)), None)
    return _WHOLE[known](content) if known else openai_chat(content)


# By the end of the path; the longer one of two paths with the same end is first.
_WHOLE: Mapping[str, Callable[[str], dict[str, Any]]] = MappingProxyType(
    {
        "/api/chat": ollama_chat,
        "/api/generate": ollama_generate,
        "/responses": responses,
        "/messages": anthropic,
        "/converse": converse,
        "/chat/completions": openai_chat,
        "/completions": text_completion,
    }
)


def is_completions(path: str) -> bool:
    """Return whether the path is OpenAI's `/completions`, which has no turns."""
    return path.endswith("/completions") and not path.endswith("/chat/completions")
