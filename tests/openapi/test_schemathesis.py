"""schemathesis finds no response that violates the API description."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.local.conftest import ROOT, Start, demo_url, start

__all__ = ["demo_url", "start"]

SCHEMATHESIS = ROOT / ".venv-clients" / "bin" / "schemathesis"
CONFIG = Path(__file__).with_name("schemathesis.toml")


def test_responses_match_the_api_description(start: Start, demo_url: str, tmp_path: Path) -> None:
    gateway = start(
        *("--template", str(ROOT / "template.yaml"), "--code", str(ROOT / "functions")),
        OLLAMA_URL=demo_url,
        CHATD_CALLER_KEYS="made-up-key",
        CHATD_CONFIG="/dev/null",
    )

    done = subprocess.run(
        [
            *(SCHEMATHESIS, "--config-file", CONFIG, "run", f"{gateway.url}/openapi.json"),
            *("--url", gateway.url, "--checks", "all", "--no-color"),
            # Every phase that sends requests; the seed makes failures reproducible.
            *("--phases", "examples,coverage,fuzzing,stateful", "--seed", "1"),
        ],
        env={**os.environ, "CHATD_KEY": "made-up-key"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-6000:]
    assert " 0 passed" not in done.stdout
