"""Read the log probabilities of OpenAI's completions into those of its chats.

A completion has parallel lists: `tokens`, `token_logprobs`, `top_logprobs` (an object for each
token) and `text_offset`. A chat has one object for each token:
https://github.com/openai/openai-openapi/blob/master/openapi.yaml (CreateCompletionResponse)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.safe_json.item_limits import MAX_LOGPROBS


def as_chat_logprobs(given: Any) -> dict[str, Any] | None:
    """Return the log probabilities in the shape of chats; None for null and any other value."""
    tokens = given.get("tokens") if isinstance(given, Mapping) else None
    if type(tokens) is not list or len(tokens) > MAX_LOGPROBS:
        return None
    chosen, others = (_list(given.get(name)) for name in ("token_logprobs", "top_logprobs"))
    content = [
        {
            "token": token,
            "logprob": chosen[n] if n < len(chosen) else None,
            "bytes": None,
            "top_logprobs": _alternatives(others[n]) if n < len(others) else [],
        }
        for n, token in enumerate(tokens)
    ]
    return {"content": content, "refusal": None}


def _alternatives(given: Any) -> list[dict[str, Any]]:
    found = given if isinstance(given, Mapping) else {}
    return [{"token": t, "logprob": value, "bytes": None} for t, value in found.items()]


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []
