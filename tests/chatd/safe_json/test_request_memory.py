"""No request takes more memory than a function of 512 MB has.

Each shape is served in its own process, by the real handler, with the provider on a socket of
another process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.safe_json.request_size import MAX_REQUEST_BYTES
from chatd.safe_json.value_count import MAX_VALUES
from tests.chatd.conftest import answered_by_dialect
from tests.support.peak import http_event, peak
from tests.support.upstream import Upstream, reply, upstream

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the peak is read from Linux's /proc and reset there"
)
ORDINARY_MB = 150
MOST_MB = 300
SIZE = MAX_REQUEST_BYTES - 1024
TURN = '"messages":[{"role":"user","content":"Hi"}]'


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    with upstream(answered_by_dialect) as running:
        yield running


def filled(prefix: str, item: str, suffix: str, most: int = sys.maxsize) -> str:
    """Return the prefix, up to `most` items and the suffix, in at most 5 MB."""
    room = SIZE - len(prefix.encode()) - len(suffix.encode())
    times = min(most, room // (len(item.encode()) + 1))
    return prefix + ",".join([item] * times) + suffix


def text(content: str) -> str:
    """Return a turn of 5 MB that repeats this content."""
    times = (SIZE - 100) // len(content.encode())
    return '"messages":[{"role":"user","content":"' + content * times + '"}]}'


PICTURE = '{"type":"image_url","image_url":{"url":"data:image/png;base64,%s"}}'
CALL = '{"id":"c","type":"function","function":{"name":"ls","arguments":"{}"}}'
STEP = (
    '{"role":"assistant","content":null,"tool_calls":[%s]},'
    '{"role":"tool","tool_call_id":"c","content":"%s"}'
)
ORDINARY = {
    "English": text("Some words of a long text, with a comma. "),
    "Chinese": text("漢字かな交じり文。"),
    "emoji": text("😀🎉"),
    "an emoji in ASCII": text("word " * 99_999 + "😀"),
    "escapes": text(r"\n\"\\"),
    "a table of numbers": text("1,2,3,"),
    "JSON in a text": text(r"{\"a\":[1]},"),
    "a picture": f'"messages":[{{"role":"user","content":[{PICTURE % ("A" * (SIZE - 200))}]}}]}}',
    "turns of 1 KB": filled(
        '"messages":[', '{"role":"user","content":"%s"}' % ("wörter " * 130), "]}"
    ),
    "an agent's conversation": filled(
        '"messages":[{"role":"user","content":"Go"},', STEP % (CALL, r"-rw-r--r-- 1 a\n" * 40), "]}"
    ),
}
DEEP = "[" * 150 + "]" * 150
_PART = '{"type":"text","text":"é","x":{}}'
PARTS = '{"role":"user","content":[' + ",".join([_PART] * 5) + "]}"
HOSTILE = {
    "empty messages": filled('"messages":[', "{}", "]}"),
    "tiny messages": filled('"messages":[', '{"role":"user","content":""}', "]}"),
    "tiny parts": filled('"messages":[', PARTS, "]}"),
    "tiny parts within the caps": filled('"messages":[', PARTS, "]}", MAX_VALUES // 29),
    "tool calls within the caps": filled(
        '"messages":[',
        f'{{"role":"assistant","tool_calls":[{CALL},{CALL}]}}',
        "]}",
        MAX_VALUES // 18,
    ),
    "lists in an extra field": filled(TURN + ',"x":[', "[]", "]}"),
    "numbers in an extra field": filled(TURN + ',"x":[', "1", "]}"),
    "unknown fields": TURN + "," + ",".join(f'"{n:x}":1' for n in range(SIZE // 10)) + "}",
    "deep lists in an extra field": filled(TURN + ',"x":[', DEEP, "]}"),
    "one deep list": TURN + ',"x":' + "[" * (SIZE // 3) + "]" * (SIZE // 3) + "}",
    "objects in a tool's parameters": filled(
        TURN + ',"tools":[{"type":"function","function":{"name":"f","parameters":{"x":[',
        "{}",
        "]}}}]}",
    ),
    "deep lists in a call's arguments": (
        '"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c",'
        '"function":{"name":"f","arguments":"{\\"a\\":['
        + ",".join([DEEP] * (SIZE // 302))
        + ']}"}}]}]}'
    ),
    "texts within the caps": filled(TURN + ',"metadata":[', '"😀😀😀😀"', "]}", MAX_VALUES - 10),
}


@pytest.mark.parametrize(
    ("model", "shape"),
    [*(("kimi/k3", shape) for shape in ORDINARY), ("m", "a picture"), ("m", "turns of 1 KB")],
)
def test_a_large_ordinary_request_takes_less_than_150_mb(
    server: Upstream, tmp_path: Path, model: str, shape: str
) -> None:
    body = f'{{"model":"{model}",' + ORDINARY[shape]

    found = peak(server.url, json.dumps(http_event(body)).encode(), tmp_path)

    assert len(body.encode()) > SIZE * 0.9
    assert found.error == ""
    assert found.status == 200
    assert found.over < ORDINARY_MB


@pytest.mark.parametrize("model", ["m", "kimi/k3"])
@pytest.mark.parametrize("shape", HOSTILE)
def test_a_hostile_request_takes_less_than_300_mb(
    server: Upstream, tmp_path: Path, shape: str, model: str
) -> None:
    body = f'{{"model":"{model}",' + HOSTILE[shape]

    found = peak(server.url, json.dumps(http_event(body)).encode(), tmp_path)

    assert found.status in ((200,) if shape.endswith("within the caps") else (200, 400, 413))
    assert found.over < MOST_MB


@pytest.mark.parametrize("item", ["[]", '{"a":1}', '{"role":"user","content":""}', DEEP])
def test_a_hostile_direct_invocation_takes_less_than_300_mb(
    server: Upstream, tmp_path: Path, item: str
) -> None:
    event = filled('{"model":"m","messages":[', item, "]}").encode()

    found = peak(server.url, event, tmp_path)

    assert found.status == 413
    assert found.over < MOST_MB


def test_a_large_request_refused_by_the_provider_takes_less_than_300_mb(tmp_path: Path) -> None:
    """Redaction compares the provider's reason with the whole request."""
    refusal = {"error": {"message": "no", "code": "bad"}}
    with upstream(reply(refusal, 400)) as server:
        for model in ("m", "kimi/k3"):
            body = f'{{"model":"{model}",' + HOSTILE["tiny parts within the caps"]
            found = peak(server.url, json.dumps(http_event(body)).encode(), tmp_path)

            assert found.status == 400
            assert found.over < MOST_MB
