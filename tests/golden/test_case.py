"""The golden files are read, compared and written without loss."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.golden.case import Case, frames, written
from tests.golden.volatile import Masked

CALL = "call_0123456789abcdef01234567"


def test_a_stream_is_split_into_its_frames() -> None:
    body = b'data: {"a": 1}\n\nevent: ping\ndata: {}\n\n: keep-alive\n\ndata: [DONE]\n\ndata: {'

    assert frames(body) == [
        {"a": 1},
        ["ping", {}],
        ": keep-alive\n\n",
        "data: [DONE]\n\n",
        "data: {",
    ]


def test_only_values_that_chatd_generates_are_masked() -> None:
    now = int(time.time())
    value = {
        "created": now,
        "latency_ms": 12,
        "id": CALL,
        "calls": [{"created": 1_700_000_000, "id": "call_abc"}, {"tool_call_id": CALL}],
    }

    assert Masked().of(value) == {
        "created": "<now>",
        "latency_ms": "<ms>",
        "id": "<call 1>",
        "calls": [{"created": 1_700_000_000, "id": "call_abc"}, {"tool_call_id": "<call 1>"}],
    }


def test_two_generated_ids_have_different_masks() -> None:
    other = CALL.replace("0", "f")

    assert Masked().of([CALL, other, CALL]) == ["<call 1>", "<call 2>", "<call 1>"]


def test_a_file_is_written_within_100_columns_and_reads_back() -> None:
    value = {
        "short": [1, {"a": None}],
        "long": [{"text": "x" * 40}, {"text": "y" * 60}],
        "none": [],
    }

    text = written(value)

    assert json.loads(text) == value
    assert max(map(len, text.splitlines())) <= 100
    assert '"short": [1, {"a": null}]' in text


def test_the_input_half_of_a_file_stays_unchanged(tmp_path: Path) -> None:
    inputs = {"about": "x", "row": {"name": "ollama"}, "request": {}, "upstream_response": {}}
    case = Case(tmp_path / "native--ollama" / "x.json", {**inputs, "expected": {"old": 1}})

    assert json.loads(case.with_expected({"new": 2})) == {**inputs, "expected": {"new": 2}}
    assert (case.surface, case.dialect, case.name) == ("native", "ollama", "native--ollama/x")
