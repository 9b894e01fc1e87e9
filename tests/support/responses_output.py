"""Random answers of OpenAI's Responses dialect, whole and streamed, with unknown fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from tests.chatd.canonical.wire import COUNT, TEXTS, UNKNOWN, VALUES

Json = Mapping[str, Any]
FILLED = st.text(min_size=1, max_size=6)


@st.composite
def parts(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {**draw(UNKNOWN), "type": "refusal", "refusal": draw(FILLED)}
    annotations = [draw(UNKNOWN) for _ in range(draw(st.integers(0, 1)))]
    text = {"type": "output_text", "text": draw(FILLED), "annotations": annotations}
    return {**draw(UNKNOWN), **text, "logprobs": []}


@st.composite
def items(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """An output item, whose id has its number."""
    kind = draw(st.sampled_from(["message", "reasoning", "function_call", "custom", "other"]))
    fields = {**draw(UNKNOWN), "id": f"item_{number}", "status": "completed"}
    call = {"call_id": f"call_{number}", "name": "f"}
    match kind:
        case "message":
            content = [draw(parts()) for _ in range(draw(st.integers(1, 2)))]
            return {**fields, "type": kind, "role": "assistant", "content": content}
        case "reasoning":
            summary = [{"type": "summary_text", "text": draw(FILLED)}]
            return {**fields, "type": kind, "summary": summary}
        case "function_call":
            return {**fields, **call, "type": kind, "arguments": '{"a": 1}'}
        case "custom":
            return {**fields, **call, "type": "custom_tool_call", "input": draw(FILLED)}
    return {**fields, "type": "web_search_call", "action": draw(VALUES)}


@st.composite
def responses(draw: st.DrawFn) -> dict[str, Any]:
    """A whole response."""
    read, written = 1 + draw(COUNT), draw(COUNT)
    usage = {
        **draw(UNKNOWN),
        "input_tokens": read,
        "input_tokens_details": {
            **draw(UNKNOWN),
            "cached_tokens": draw(COUNT),
            "cache_write_tokens": draw(COUNT),
        },
        "output_tokens": written,
        "output_tokens_details": {**draw(UNKNOWN), "reasoning_tokens": draw(COUNT)},
        "total_tokens": read + written,
    }
    status = draw(st.sampled_from(["completed", "incomplete"]))
    details = {"reason": "max_output_tokens"} if status == "incomplete" else None
    return {
        **draw(UNKNOWN),
        "id": "resp_upstream",
        "object": "response",
        "created_at": draw(COUNT),
        "status": status,
        "error": None,
        "incomplete_details": details,
        "model": draw(TEXTS) or "m",
        "output": [draw(items(number)) for number in range(draw(st.integers(1, 4)))],
        "usage": usage,
        "tools": draw(st.just([]) | st.just([{"type": "web_search"}])),
    }


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The events of a stream, numbered from 0."""
    whole = draw(responses())
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(whole["output"]):
        events += _item_events(index, item)
        if draw(st.booleans()):
            events.append({"type": "response.tomorrow", "x": draw(VALUES)})
    events.append({"type": f"response.{whole['status']}", "response": whole})
    numbered = [{**draw(UNKNOWN), **e, "sequence_number": n} for n, e in enumerate(events)]
    copy: list[dict[str, Any]] = json.loads(json.dumps(numbered))
    return copy


def _item_events(index: int, item: Json) -> Iterator[dict[str, Any]]:
    place = {"item_id": item["id"], "output_index": index}
    empty: dict[str, Any] = {"content": [], "summary": [], "arguments": "", "input": ""}
    begun = {**item, **{name: value for name, value in empty.items() if name in item}}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    for number, part in enumerate(item.get("content", ())):
        field = "text" if part["type"] == "output_text" else "refusal"
        name = "response.output_text" if field == "text" else "response.refusal"
        inner = {**place, "content_index": number}
        yield {"type": "response.content_part.added", **inner, "part": {**part, field: ""}}
        for letter in part[field]:
            yield {"type": f"{name}.delta", **inner, "delta": letter}
        yield {"type": f"{name}.done", **inner, field: part[field]}
        yield {"type": "response.content_part.done", **inner, "part": part}
    for number, part in enumerate(item.get("summary", ())):
        inner = {**place, "summary_index": number}
        name = "response.reasoning_summary"
        yield {"type": f"{name}_part.added", **inner, "part": {**part, "text": ""}}
        yield {"type": f"{name}_text.delta", **inner, "delta": part["text"]}
        yield {"type": f"{name}_text.done", **inner, "text": part["text"]}
        yield {"type": f"{name}_part.done", **inner, "part": part}
    if "arguments" in item:
        name = "response.function_call_arguments"
        yield {"type": f"{name}.delta", **place, "delta": item["arguments"]}
        yield {"type": f"{name}.done", **place, "arguments": item["arguments"]}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}
