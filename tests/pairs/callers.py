"""Write chats and read answers as the callers of each surface do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatd.surfaces import SURFACES
from tests.pairs import messages_api, responses_api
from tests.pairs.chats import SCHEMA, Answer, Call, Chat, Tokens, Turn

Json = Mapping[str, Any]
# A completion has neither turns nor tools, so that the scenarios of chats say nothing of it.
CHAT_SURFACES = sorted(name for name, entry in SURFACES.items() if not entry.completions)


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller of one surface.

    Attributes:
        features: The features of scenarios that the surface's API has.
        write: Writes a request without a model.
        whole: Reads a whole response.
        stream: Reads a stream from its events, each a name or None and the JSON.
        shows: The parts of an answer that the API has.
        continued: Appends a whole response and a user's text to a request, as clients do; None
            for an API without turns that keep more than text.
        with_usage: The fields of a request whose stream counts the tokens.

    """

    features: frozenset[str]
    write: Callable[[Chat], dict[str, Any]]
    whole: Callable[[Json], Answer]
    stream: Callable[[Sequence[tuple[str | None, Json]]], Answer]
    shows: frozenset[str]
    continued: Callable[[Json, Json, str], dict[str, Any]] | None = None
    with_usage: Mapping[str, Any] = field(default_factory=dict)


def chat_turns(chat: Chat) -> list[dict[str, Any]]:
    """Write the turns of OpenAI's chat API."""
    turns: list[dict[str, Any]] = []
    if chat.system:
        turns.append({"role": "system", "content": chat.system})
    for turn in chat.turns:
        for result in turn.results:
            parts = [{"type": "text", "text": result.text}, *map(_picture, result.images)]
            turns.append(
                {
                    "role": "tool",
                    "tool_call_id": result.call_id,
                    "content": parts if result.images else result.text,
                }
            )
        if turn.text or turn.images or turn.documents or turn.calls:
            turns.append(_chat_turn(turn))
    return turns


def _chat_turn(turn: Turn) -> dict[str, Any]:
    content: Any = turn.text
    if turn.images or turn.documents:
        files = [
            {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{paper}"}}
            for paper in turn.documents
        ]
        content = [*map(_picture, turn.images), *files, {"type": "text", "text": turn.text}]
    written: dict[str, Any] = {"role": turn.role, "content": content}
    if turn.calls:
        written["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in turn.calls
        ]
    return written


def _picture(image: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}


def _chat_request(chat: Chat) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": chat_turns(chat)}
    tools: list[dict[str, Any]] = [
        {"type": "function", "function": {"name": name, "parameters": SCHEMA}}
        for name in chat.tools
    ]
    tools += [{"type": "custom", "custom": {"name": name}} for name in chat.custom]
    optional = {
        "tools": tools or None,
        "tool_choice": chat.forced and {"type": "function", "function": {"name": chat.forced}},
        "response_format": chat.schema
        and {"type": "json_schema", "json_schema": {"name": "a", "schema": chat.schema}},
        "stop": list(chat.stop) or None,
        "reasoning_effort": chat.effort,
    }
    return body | {name: value for name, value in optional.items() if value}


def _chat_tokens(usage: Json) -> Tokens:
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return Tokens(
        usage["prompt_tokens"],
        usage["completion_tokens"],
        prompt.get("cached_tokens"),
        prompt.get("cache_write_tokens"),
        completion.get("reasoning_tokens"),
    )


def _chat_call(call: Json) -> Call:
    if call["type"] == "custom":
        return Call(call["id"], call["custom"]["name"], call["custom"]["input"], custom=True)
    return Call(call["id"], call["function"]["name"], call["function"]["arguments"])


def _chat_answer(message: Json, finish: str, usage: Json) -> Answer:
    return Answer(
        message.get("content") or "",
        message.get("reasoning_content") or "",
        refusal=message.get("refusal") or "",
        calls=tuple(map(_chat_call, message.get("tool_calls") or ())),
        finish=finish,
        tokens=_chat_tokens(usage),
    )


def _chat_whole(body: Json) -> Answer:
    choice = body["choices"][0]
    return _chat_answer(choice["message"], choice["finish_reason"], body["usage"])


def _chat_stream(events: Sequence[tuple[str | None, Json]]) -> Answer:
    message: dict[str, Any] = {"tool_calls": []}
    finish = ""
    usage: Json = {}
    calls: list[dict[str, Any]] = message["tool_calls"]
    for _, chunk in events:
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            finish = choice["finish_reason"] or finish
            delta = choice["delta"]
            for name in ("content", "reasoning_content", "refusal"):
                message[name] = message.get(name, "") + (delta.get(name) or "")
            for piece in delta.get("tool_calls") or ():
                if piece["index"] == len(calls):
                    calls.append(json.loads(json.dumps(piece)))
                else:
                    _extend(calls[piece["index"]], piece)
    return _chat_answer(message, finish, usage)


def _extend(call: dict[str, Any], piece: Json) -> None:
    for kind, name in (("function", "arguments"), ("custom", "input")):
        if kind in piece:
            call[kind][name] += piece[kind].get(name) or ""


def _chat_continued(request: Json, response: Json, text: str) -> dict[str, Any]:
    message = response["choices"][0]["message"]
    return {**request, "messages": [*request["messages"], message, *_user(text)]}


def _user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def _native_request(chat: Chat) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": chat_turns(chat)}
    if chat.schema:
        body["format"] = chat.schema
    if chat.effort:
        body["think"] = False if chat.effort == "none" else chat.effort
    return body


def _native_whole(body: Json) -> Answer:
    return Answer(
        body.get("content", ""),
        body.get("thinking", ""),
        finish=body["finish_reason"],
        tokens=Tokens(body["input_tokens"], body["output_tokens"]),
    )


def _native_stream(events: Sequence[tuple[str | None, Json]]) -> Answer:
    *pieces, (_, last) = events
    whole = {
        **last,
        "content": "".join(piece.get("content", "") for _, piece in pieces),
        "thinking": "".join(piece.get("thinking", "") for _, piece in pieces),
    }
    return _native_whole(whole)


CALLERS: Mapping[str, Caller] = {
    "native": Caller(
        frozenset({"thinking", "refusal", "cache"}),
        _native_request,
        _native_whole,
        _native_stream,
        frozenset({"thinking"}),
    ),
    "openai_chat": Caller(
        frozenset(
            {
                "image",
                "document",
                "tools",
                "forced",
                "custom",
                "thinking",
                "stop",
                "refusal",
                "cache",
            }
        ),
        _chat_request,
        _chat_whole,
        _chat_stream,
        frozenset({"thinking", "refusal", "calls", "cached", "written", "reasoning"}),
        _chat_continued,
        {"stream_options": {"include_usage": True}},
    ),
    "anthropic_messages": Caller(
        frozenset({"image", "document", "tools", "forced", "thinking", "stop", "refusal", "cache"}),
        messages_api.request,
        messages_api.answer,
        lambda events: messages_api.answer(messages_api.assembled(events)),
        frozenset({"thinking", "signature", "stop_sequence", "calls", "cached", "written"}),
        messages_api.continued,
    ),
    "openai_responses": Caller(
        frozenset(
            {
                *("image", "document", "tools", "forced", "custom", "namespace"),
                *("thinking", "refusal", "cache"),
            }
        ),
        responses_api.request,
        responses_api.answer,
        lambda events: responses_api.answer(responses_api.assembled(events)),
        frozenset(
            {"thinking", "signature", "refusal", "calls", "namespace", "cached", "reasoning"}
        ),
        responses_api.continued,
    ),
}
