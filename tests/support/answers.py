"""Whole answers as the providers give them, one a dialect."""

from __future__ import annotations

from typing import Any


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


def for_path(path: str) -> dict[str, Any]:
    """The answer in the dialect that is spoken at a path."""
    if path.endswith("/api/chat"):
        return ollama_chat()
    if path.endswith("/api/generate"):
        return ollama_generate()
    return openai_chat()
