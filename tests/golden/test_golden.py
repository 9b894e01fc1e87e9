"""The gateway translates every golden case as its file shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chatd.conftest import forget
from tests.golden.case import KEY, KEY_VARIABLE, Case, cases
from tests.support.upstream import Upstream, reply, upstream

CASES = list(cases())
UPDATE = os.environ.get("UPDATE_GOLDENS") == "1"


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    with upstream(reply({})) as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_golden_case_is_translated_as_its_file_shows(
    case: Case, server: Upstream, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(case.config(server.url))
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    forget()

    observed = case.run(server)

    expected = case.content.get("expected")
    text = case.with_expected(expected if observed == expected else observed)
    if UPDATE and text != case.path.read_text("utf-8"):
        case.path.write_text(text, "utf-8")
        pytest.fail(f"{case.name} is rewritten: review its diff")
    assert expected is not None, "`make goldens` writes the expected half of a new case"
    assert observed == expected
    assert text == case.path.read_text("utf-8"), "`make goldens` formats the file"
