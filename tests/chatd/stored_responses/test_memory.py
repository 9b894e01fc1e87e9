"""A request whose response is stored takes as little memory as any request."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from chatd.safe_json.request_size import MAX_REQUEST_BYTES
from tests.support.peak import http_event, peak
from tests.support.stored_responses import PATH
from tests.support.upstream import Upstream

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the peak is read from Linux's /proc and reset there"
)
ORDINARY_MB = 150
TURN = {"role": "user", "content": "word " * 100}


@pytest.mark.parametrize(
    "given",
    ["x" * (MAX_REQUEST_BYTES - 1024), [TURN] * 9_000],
    ids=["one text", "many turns"],
)
def test_a_large_stored_request_takes_less_than_150_mb(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: Any
) -> None:
    monkeypatch.setenv("CHATD_RESPONSES_FILE", str(tmp_path / "responses"))
    event = http_event(json.dumps({"model": "m", "input": given}), PATH)
    found = peak(provider.url, json.dumps(event).encode(), tmp_path)

    assert (found.status, found.error) == (200, "")
    assert found.over < ORDINARY_MB
    assert (tmp_path / "responses").stat().st_size > 8_000
