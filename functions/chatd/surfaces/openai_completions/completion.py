"""Write the choices and log probabilities of OpenAI's surface of completions.

A response that came in this dialect is written as the upstream's own JSON, with the fields
replaced that a client must find in OpenAI's form.
https://github.com/openai/openai-openapi/blob/master/openapi.yaml (CreateCompletionResponse)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatd.canonical.extra import Json, fields_for
from chatd.canonical.response import Choice, Response
from chatd.canonical.served import Served
from chatd.surfaces.openai_chat.completion import integer, own, text, usage
from chatd.surfaces.openai_completions.request import DIALECT

OBJECT = "text_completion"
_REASONS = frozenset({"stop", "length", "content_filter"})


def completion(response: Response, served: Served) -> dict[str, Any]:
    """Write a `text_completion`."""
    source = own(response.source, DIALECT)
    fields = fields_for(DIALECT, response.extra) if source is None else source.body
    given: Sequence[Json | None] = fields["choices"] if source else [None] * len(response.choices)
    body = {
        "id": text(fields.get("id")) or response.id or own_id(served),
        "object": OBJECT,
        "created": integer(fields.get("created"), served.created),
        "model": text(fields.get("model")) or response.model or served.model,
    }
    pairs = enumerate(zip(response.choices, given, strict=True))
    body = {
        **body,
        **fields,
        **body,
        "choices": [_choice(number, choice, sent) for number, (choice, sent) in pairs],
        "usage": usage(response.usage),
    }
    if served.rescued is not None:
        body["rescued"] = served.rescued
    return body


def own_id(served: Served) -> str:
    """Make the id of a completion for which the provider gives none."""
    return f"cmpl-{served.request_id}"


def reason(found: str | None) -> str:
    """Return the finish reason as OpenAI's schema has it."""
    return found if found in _REASONS else "stop"


def old_logprobs(found: Any, offset: int) -> dict[str, Any] | None:
    """Write log probabilities of chats in the shape of completions; None for none.

    Args:
        found: The log probabilities: `content` has an object for each token.
        offset: The characters of the answer before the first token.

    """
    content = found.get("content") if isinstance(found, dict) else None
    if not isinstance(content, list):
        return None
    tokens = [each for each in content if isinstance(each, dict)]
    texts = [text(each.get("token")) or "" for each in tokens]
    offsets = []
    for each in texts:
        offsets.append(offset)
        offset += len(each)
    return {
        "tokens": texts,
        "token_logprobs": [each.get("logprob") for each in tokens],
        "top_logprobs": [_alternatives(each) for each in tokens],
        "text_offset": offsets,
    }


def _choice(number: int, choice: Choice, given: Json | None) -> dict[str, Any]:
    written = choice.content or ""
    logprobs = old_logprobs(choice.logprobs, 0) if given is None else given.get("logprobs")
    return {
        **(given or {}),
        "text": written,
        "index": number if given is None else integer(given.get("index"), number),
        "logprobs": logprobs,
        "finish_reason": reason(choice.finish_reason),
    }


def _alternatives(token: Json) -> dict[str, Any]:
    found = token.get("top_logprobs")
    others = found if isinstance(found, list) else []
    return {
        each["token"]: each.get("logprob")
        for each in others
        if isinstance(each, dict) and isinstance(each.get("token"), str)
    }
