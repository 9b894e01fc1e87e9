"""Measure the peak of memory that one 5 MB request adds, by its shape."""

from __future__ import annotations

import gc
import json
import resource
import sys
from pathlib import Path
from typing import Any

from bench.inside import gateway, upstream
from bench.inside.memory import resident

_SIZE = 5 * 1024 * 1024 - 1024
_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_CALL = '{"id":"c","type":"function","function":{"name":"ls","arguments":"{}"}}'
_PARTS = ",".join(['{"type":"text","text":"é","x":{}}'] * 5)
# Text before, repeated text, text after, and the most repetitions.
_SHAPES: dict[str, tuple[str, str, str, int]] = {
    "a long text": ('"messages":[{"role":"user","content":"', "Words 漢字 😀 ", '"}]}', _SIZE),
    "a picture": (
        '"messages":[{"role":"user","content":[{"type":"image_url","image_url":'
        '{"url":"data:image/png;base64,',
        "A" * 64,
        '"}}]}]}',
        _SIZE,
    ),
    "a long conversation": (
        '"messages":[{"role":"user","content":"Go"}',
        f',{{"role":"assistant","content":null,"tool_calls":[{_CALL}]}}'
        f',{{"role":"tool","tool_call_id":"c","content":"{"-rw-r--r-- " * 60}"}}',
        "]}",
        _SIZE,
    ),
    "a long conversation by Messages": (
        '"max_tokens":9,"messages":[{"role":"user","content":"Go"}',
        ',{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"ls","input":{}}]}'
        ',{"role":"user","content":[{"type":"tool_result","tool_use_id":"c",'
        f'"content":"{"-rw-r--r-- " * 60}"}}]}}',
        "]}",
        _SIZE,
    ),
    "a long conversation by Responses": (
        '"store":false,"input":[{"role":"user","content":"Go"}',
        ',{"type":"function_call","call_id":"c","name":"ls","arguments":"{}"}'
        f',{{"type":"function_call_output","call_id":"c","output":"{"-rw-r--r-- " * 60}"}}',
        "]}",
        _SIZE,
    ),
    "invalid messages": ('"messages":[{}', ",{}", "]}", _SIZE),
    "values within the cap": (
        '"messages":[{"role":"user","content":"Go"}',
        f',{{"role":"user","content":[{_PARTS}]}}',
        "]}",
        250_000 // 29,
    ),
}
# The surface of a shape; `openai` for all others.
_SURFACES = {
    "a long conversation by Messages": "messages",
    "a long conversation by Responses": "responses",
}
ORDINARY = ("a long text", "a picture", "a long conversation", *_SURFACES)
HOSTILE = ("invalid messages", "values within the cap")


def main(shape: str) -> dict[str, Any]:
    """Serve one request of this shape; return the MB of the peak over rest, and the status."""
    with upstream.running() as url:
        handler = gateway.load_handler(url)
        surface = _SURFACES.get(shape, "openai")
        path = gateway.SURFACES[surface]
        model = gateway.DIALECTS["openai_chat"][0] + upstream.Model().name
        small = gateway.body_of(surface, "openai_chat", upstream.Model().name)
        handler(gateway.event(path, small), gateway.Context())
        gc.collect()
        if _CLEAR.exists():
            _CLEAR.write_text("5", "ascii")  # resets the peak
        rest = resident()
        event = {**gateway.event(path, {}), "body": _body(model, shape)}
        answer = handler(event, gateway.Context())
        return {"over": _peak() - rest, "status": answer["statusCode"]}


def _body(model: str, shape: str) -> str:
    before, item, after, most = _SHAPES[shape]
    before = f'{{"model":{json.dumps(model)},{before}'
    room = _SIZE - len(before.encode()) - len(after.encode())
    return before + item * min(most, room // len(item.encode())) + after


def _peak() -> float:
    """Return the peak of resident memory of this process in MB."""
    if _CLEAR.exists():
        lines = _STATUS.read_text("ascii").splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 / 1024 if sys.platform == "darwin" else peak / 1024


if __name__ == "__main__":
    gateway.report(main(**json.loads(sys.argv[1])))
