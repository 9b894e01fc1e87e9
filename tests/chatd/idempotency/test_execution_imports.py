"""A process imports the idempotency modules only for requests with a key."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.idempotency import TABLE
from tests.support.upstream import Upstream

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.usefixtures("provider", "keys")
IMPORTS = """
import json, os, sys
sys.path[:0] = [{functions!r}, {root!r}]
import chat.app
from tests.support.functions import ask, post
headers = {{"Idempotency-Key": "k"}} if os.environ.get("KEY") else {{}}
status = post(ask("m"), headers=headers).status
names = ("chatd.idempotency", "sqlite3", "boto3", "aws_lambda_powertools.utilities.idempotency")
print(json.dumps([status, [name for name in names if name in sys.modules]]), file=sys.stderr)
"""


def run_in_new_process(**environ: str) -> Any:
    """Run a chat in a new process; return its status and the imported idempotency modules."""
    code = IMPORTS.format(functions=str(ROOT / "functions"), root=str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"CHATD_CONFIG": "/dev/null", **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stderr)


def test_a_request_without_a_key_imports_no_idempotency_module(
    provider: Upstream, tmp_path: Path
) -> None:
    environ = {"OLLAMA_URL": provider.url, "CHATD_IDEMPOTENCY_TABLE": TABLE}

    assert run_in_new_process(**environ) == [200, []]


def test_the_file_store_imports_neither_boto3_nor_powertools(
    provider: Upstream, tmp_path: Path
) -> None:
    environ = {"OLLAMA_URL": provider.url, "CHATD_IDEMPOTENCY_FILE": str(tmp_path / "records")}

    assert run_in_new_process(KEY="1", **environ) == [200, ["chatd.idempotency", "sqlite3"]]
