"""A process imports the store, SQLite and boto3 only for the requests that use them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.upstream import Upstream

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.usefixtures("provider")
IMPORTS = """
import json, os, sys
sys.path[:0] = [{functions!r}, {root!r}]
import chat.app
from tests.support.functions import http_event, LambdaContext
body = json.loads(os.environ["BODY"])
path = "/v1/chat" if "messages" in body else "/v1/responses"
event = http_event("POST", path, json.dumps(body))
status = chat.app.lambda_handler(event, LambdaContext())["statusCode"]
names = ("chatd.stored_responses", "sqlite3", "boto3")
print(json.dumps([status, [name for name in names if name in sys.modules]]), file=sys.stderr)
"""
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
RESPONSE = {"model": "m", "input": "Hello"}
UNSTORED = {**RESPONSE, "store": False}
PREVIOUS = {**RESPONSE, "previous_response_id": "resp_1"}


def run_in_new_process(body: dict[str, Any], **environ: str) -> Any:
    """Run a chat in a new process; return its status and the imported modules."""
    code = IMPORTS.format(functions=str(ROOT / "functions"), root=str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"CHATD_CONFIG": "/dev/null", "BODY": json.dumps(body), **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stderr)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (CHAT, [200, []]),
        (UNSTORED, [200, ["chatd.stored_responses"]]),
        (RESPONSE, [200, ["chatd.stored_responses", "boto3"]]),
        (PREVIOUS, [503, ["chatd.stored_responses", "boto3"]]),
    ],
)
def test_only_a_request_that_uses_the_table_imports_boto3(
    provider: Upstream, body: dict[str, Any], expected: Any
) -> None:
    environ = {"OLLAMA_URL": provider.url, "CHATD_RESPONSES_TABLE": "none"}

    assert run_in_new_process(body, **environ) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (CHAT, [200, []]),
        (UNSTORED, [200, ["chatd.stored_responses"]]),
        (RESPONSE, [200, ["chatd.stored_responses", "sqlite3"]]),
        (PREVIOUS, [400, ["chatd.stored_responses", "sqlite3"]]),
    ],
)
def test_the_file_store_imports_no_boto3(
    provider: Upstream, tmp_path: Path, body: dict[str, Any], expected: Any
) -> None:
    environ = {"OLLAMA_URL": provider.url, "CHATD_RESPONSES_FILE": str(tmp_path / "responses")}

    assert run_in_new_process(body, **environ) == expected


def test_without_a_store_a_response_imports_no_module_of_it(provider: Upstream) -> None:
    assert run_in_new_process(RESPONSE, OLLAMA_URL=provider.url) == [200, []]
