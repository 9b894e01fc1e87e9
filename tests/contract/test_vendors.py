"""A row sends only fields that its vendor takes, names each dropped field, or refuses first.

The vendors are strict fakes (tests/support/vendors) on one socket, and the gateway runs in this
process.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatd.config.catalog import CATALOG
from tests.contract import vendor_messages
from tests.contract.vendor_abilities import SUBJECTS, abilities_of, recorded, verdicts_of
from tests.contract.vendor_run import Run, running
from tests.support.vendors import VENDORS


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with running() as run:
        yield run


@pytest.mark.parametrize(("row", "model"), SUBJECTS)
def test_a_vendor_takes_every_chat_or_the_caller_is_refused_or_warned(
    row: str, model: str, run: Run
) -> None:
    verdicts, problems = verdicts_of(run, row, model)

    assert problems == {}
    assert recorded().get(f"{row}/{model}") == abilities_of(verdicts), "stale: run make abilities"


@pytest.mark.parametrize(("row", "model"), SUBJECTS)
def test_a_vendor_takes_every_chat_of_anthropics_surface(row: str, model: str, run: Run) -> None:
    problems = {}
    for name, body in vendor_messages.CASES.items():
        outcome = run.ask(f"{row}/{model}", {"max_tokens": 2048, **body}, "anthropic_messages")
        try:
            vendor_messages.judge(name, body, outcome)
        except AssertionError as problem:
            problems[name] = str(problem)

    assert problems == {}


def test_every_model_of_the_table_of_abilities_is_one_of_the_run() -> None:
    assert sorted(recorded()) == sorted(f"{row}/{model}" for row, model in SUBJECTS)


def test_every_vendor_of_the_table_has_a_row() -> None:
    assert set(VENDORS) <= set(CATALOG)
