"""Items, events and streams of OpenAI's Responses dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from chatd.canonical.collecting import collected
from chatd.canonical.events import Event, Frame
from chatd.canonical.response import Choice, Response
from chatd.dialects import load_dialect
from chatd.upstream_http import HttpResponse

DIALECT = load_dialect("openai_responses")
OK = HttpResponse(200, {}, b"")
Json = dict[str, Any]


def text_part(text: str, **more: Any) -> Json:
    return {"type": "output_text", "annotations": [], "text": text, **more}


def message(*texts: str, id_: str = "msg_1", **more: Any) -> Json:
    parts = [text_part(text) for text in texts]
    return {"id": id_, "type": "message", "role": "assistant", "content": parts, **more}


def reasoning(text: str = "Hm.", sealed: str | None = "gAAA", id_: str = "rs_1") -> Json:
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": id_, "type": "reasoning", "summary": summary, "encrypted_content": sealed}


def call(
    arguments: str = '{"city":"Bern"}', id_: str = "call_1", name: str = "weather", **more: Any
) -> Json:
    return {
        "id": f"fc_{id_}",
        "type": "function_call",
        "call_id": id_,
        "name": name,
        "arguments": arguments,
        **more,
    }


def custom_call(text: str = "*** Begin", id_: str = "call_c", **more: Any) -> Json:
    item = {"id": f"ctc_{id_}", "type": "custom_tool_call", "call_id": id_, "name": "patch"}
    return {**item, "input": text, **more}


def whole(*output: Json, **more: Any) -> Json:
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "model-1",
        "output": list(output),
        "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18},
        **more,
    }


def created() -> Json:
    return {"type": "response.created", "response": whole(status="in_progress", usage=None)}


def added(index: int, item: Json) -> Json:
    """Return the first event of an item, without its content."""
    empty = {"content": [], "summary": [], "arguments": "", "input": ""}
    item = {name: empty.get(name, value) for name, value in item.items()}
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, item: Json) -> Json:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def delta(index: int, piece: str, id_: str = "msg_1", part: int = 0) -> Json:
    return {
        "type": "response.output_text.delta",
        "output_index": index,
        "item_id": id_,
        "content_index": part,
        "delta": piece,
    }


def arguments(index: int, piece: str, id_: str = "fc_call_1") -> Json:
    kind = "response.function_call_arguments.delta"
    return {"type": kind, "output_index": index, "item_id": id_, "delta": piece}


def summary(index: int, piece: str, part: int = 0, id_: str = "rs_1") -> Json:
    return {
        "type": "response.reasoning_summary_text.delta",
        "output_index": index,
        "item_id": id_,
        "summary_index": part,
        "delta": piece,
    }


def completed(*output: Json, **more: Any) -> Json:
    return {"type": "response.completed", "response": whole(*output, **more)}


def sse(events: Sequence[Json]) -> bytes:
    """Write a stream as OpenAI does, with the events' names and numbers."""
    pieces = [
        f"event: {event.get('type')}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n"
        for number, event in enumerate(events)
    ]
    return "".join(pieces).encode()


def frames(*events: Json) -> Iterator[Frame]:
    return DIALECT.events(OK, iter([sse(events)]))


def events_in(*events: Json) -> list[Event]:
    return [event for frame in frames(*events) for event in frame.events]


def answer(*events: Json) -> Response:
    """Read a stream, and collect it."""
    return collected(frames(*events))


def choice(*events: Json) -> Choice:
    return answer(*events).first


def parsed(body: Json, status: int = 200) -> Response:
    return DIALECT.parse(HttpResponse(status, {}, json.dumps(body).encode()))


def blocks(found: Choice) -> list[tuple[str, ...]]:
    """Write the blocks of a choice as tuples, to compare them."""
    kinds = [(type(block).__name__, block) for block in found.blocks]
    return [(kind, *(str(getattr(block, name)) for name in _SHOWN[kind])) for kind, block in kinds]


_SHOWN = {
    "Text": ("text",),
    "Refusal": ("text",),
    "Thinking": ("text", "signature"),
    "ToolCall": ("id", "name", "arguments", "kind", "namespace"),
    "Opaque": ("kind",),
}
