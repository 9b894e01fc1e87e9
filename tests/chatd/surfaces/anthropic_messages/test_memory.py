"""No Messages request takes more memory than a function of 512 MB has."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.safe_json.value_count import MAX_VALUES
from tests.chatd.conftest import answered_by_dialect
from tests.chatd.safe_json.test_request_memory import DEEP, MOST_MB, ORDINARY_MB, SIZE, filled
from tests.chatd.surfaces.anthropic_messages.reading import PATH
from tests.support.peak import http_event, peak
from tests.support.upstream import Upstream, upstream

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the peak is read from Linux's /proc and reset there"
)
USER = '"messages":[{"role":"user","content":['
CALL = '{"type":"tool_use","id":"t","name":"ls","input":{"path":"a"}}'
RESULT = '{"type":"tool_result","tool_use_id":"t","content":"%s"}'
LISTING = RESULT % (r"-rw-r--r-- 1 a\n" * 40)
STEP = f'{{"role":"assistant","content":[{CALL}]}},{{"role":"user","content":[{LISTING}]}}'
PICTURE = '{"type":"image","source":{"type":"base64","media_type":"image/png","data":"%s"}}'
ORDINARY = {
    "an agent's conversation": filled(
        '"messages":[{"role":"user","content":"Go"},', STEP, ',{"role":"user","content":"On"}]}'
    ).replace("},,{", "},{"),
    "a picture in a result": USER
    + '{"type":"tool_result","tool_use_id":"t","content":['
    + PICTURE % ("A" * (SIZE - 300))
    + "]}]}]}",
}
TINY = '{"type":"text","text":"é"}'
TINY_TURN = '{"role":"user","content":[' + ",".join([TINY] * 5) + "]}"
HOSTILE = {
    "tiny blocks within the caps": filled('"messages":[', TINY_TURN, "]}", MAX_VALUES // 18),
    "calls within the caps": filled(
        '"messages":[', f'{{"role":"assistant","content":[{CALL},{CALL}]}}', "]}", MAX_VALUES // 15
    ),
    "blocks without a type": filled(USER, "{}", "]}]}"),
    "deep input of a call": filled(
        USER + '{"type":"tool_use","id":"t","name":"f","input":{"a":[', DEEP, "]}}]}]}"
    ),
    "unknown blocks": filled(
        '"messages":[',
        '{"role":"user","content":[' + ",".join(['{"type":"x","a":1}'] * 5) + "]}",
        "]}",
        MAX_VALUES // 18,
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    with upstream(answered_by_dialect) as running:
        yield running


def body(model: str, rest: str) -> str:
    return f'{{"model":"{model}","max_tokens":9,{rest}'


@pytest.mark.parametrize("model", ["m", "kimi/k3"])
@pytest.mark.parametrize("shape", sorted(ORDINARY))
def test_a_large_ordinary_request_takes_less_than_150_mb(
    server: Upstream, tmp_path: Path, model: str, shape: str
) -> None:
    event = http_event(body(model, ORDINARY[shape]), PATH)

    found = peak(server.url, json.dumps(event).encode(), tmp_path)

    assert (found.status, found.error) == (200, "")
    assert found.over < ORDINARY_MB


@pytest.mark.parametrize("model", ["m", "kimi/k3"])
@pytest.mark.parametrize("shape", sorted(HOSTILE))
def test_a_hostile_request_takes_less_than_300_mb(
    server: Upstream, tmp_path: Path, shape: str, model: str
) -> None:
    event = http_event(body(model, HOSTILE[shape]), PATH)

    found = peak(server.url, json.dumps(event).encode(), tmp_path)

    assert found.status in ((200,) if shape.endswith("within the caps") else (200, 400, 413))
    assert found.over < MOST_MB
