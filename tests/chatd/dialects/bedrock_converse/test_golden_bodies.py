"""AWS's service model accepts each request of the golden files, and botocore reads each answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from tests.golden.case import Case, cases
from tests.support.bedrock import service_model

CASES = [case for case in cases() if case.dialect == "bedrock_converse"]
WHOLE = [
    case
    for case in CASES
    if "output" in case.content["upstream_response"].get("body", {})
    and case.content["expected"]["response"]["status"] == 200
]


def requests(case: Case) -> Iterator[dict[str, Any]]:
    sent = case.content["expected"]["upstream_request"]
    yield from sent if isinstance(sent, list) else [sent] if sent else []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_request_fits_the_service_model(case: Case) -> None:
    for sent in requests(case):
        _, _, model, operation = sent["path"].split("/")
        name = {"converse": "Converse", "converse-stream": "ConverseStream"}[operation]

        assert service_model.problems(name, sent["body"], unquote(model)) == []


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case.name)
def test_botocore_reads_the_text_of_the_answer(case: Case) -> None:
    answer = case.content["expected"]["response"]
    given = case.content["upstream_response"]["body"]
    found = service_model.parsed("Converse", json.dumps(given).encode())

    texts = [block["text"] for block in found["output"]["message"]["content"] if "text" in block]
    shown = json.dumps(answer["body"], ensure_ascii=False)
    assert all(json.dumps(text, ensure_ascii=False)[1:-1] in shown for text in texts)
