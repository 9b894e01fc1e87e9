"""No answer of a provider of OpenAI's Responses takes more memory than a function of 512 MB has."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chatd.safe_json.test_answer_memory import LINE, MARK, MOST_MB, Hostile, filled
from tests.support.peak import http_event, peak
from tests.support.upstream import upstream

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the peak is read from Linux's /proc and reset there"
)
OUTPUT = '{"status":"completed","output":['
MESSAGE = OUTPUT + '{"type":"message","content":['
PART = '{"type":"output_text","text":"a"}'
CALL = '{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}'
DELTA = '{"type":"response.output_text.delta","delta":"a","x":['
END = 'data: {"type":"response.completed","response":{"output":[]}}\n\n'


def streamed(events: Iterator[str]) -> bytes:
    return "".join([*(f"data: {event}\n\n" for event in events), END]).encode()


def repeated(event: str, times: int) -> bytes:
    return streamed(event for _ in range(times))


SHAPES = {
    "a long text": filled(MESSAGE + '{"text":"', "word", '😀"}]}]}').replace(b",", b" "),
    "empty items": filled(OUTPUT, "{}", "]}"),
    "parts": filled(MESSAGE, PART, "]}]}"),
    "calls": filled(OUTPUT, CALL, "]}"),
    "citations": filled(MESSAGE + '{"text":"a","annotations":[', "{}", "]}]}]}"),
    "a long event": filled("data: " + DELTA, "[]", "]}\n\n", LINE) + END.encode(),
    "events with lists": repeated(DELTA + ",".join(["[]"] * 60_000) + "]}", 30),
    "many parts": streamed(
        f'{{"type":"response.output_text.delta","content_index":{n},"delta":"a"}}'
        for n in range(250_000)
    ),
    "many items": streamed(
        f'{{"type":"response.output_item.added","output_index":{n},"item":{{"type":"message"}}}}'
        for n in range(200_000)
    ),
    "many hosted tools": streamed(
        f'{{"type":"response.output_item.done","output_index":{n},"item":{{"type":"x"}}}}'
        for n in range(200_000)
    ),
    "events before the first content": repeated(
        '{"type":"response.in_progress","response":{"x":[' + "1," * 1_000 + "1]}}", 9_000
    ),
    "a last event with all items": (
        b'data: {"type":"response.completed","response":'
        + filled(OUTPUT, '{"type":"message","content":[' + PART + "]}", "]}", LINE - 100)
        + b"}\n\n"
    ),
}


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    script = Hostile()
    with upstream(script) as server:
        script.url = server.url
        yield script


CASES = [
    *((shape, False) for shape in SHAPES),
    *((shape, True) for shape, body in SHAPES.items() if body.startswith(b"data:")),
]


@pytest.mark.parametrize(("shape", "stream"), CASES)
def test_a_hostile_answer_takes_less_than_300_mb(
    hostile: Hostile, tmp_path: Path, shape: str, stream: bool
) -> None:
    hostile.content = SHAPES[shape]
    turn = {"role": "user", "content": MARK}
    body = {"model": "openai/gpt-5-pro", "messages": [turn], "stream": stream}

    found = peak(hostile.url, json.dumps(http_event(json.dumps(body))).encode(), tmp_path)

    assert found.status in (200, 502)
    assert found.over < MOST_MB
