"""The tools that check templates accept this one, and what they are told to accept has a reason."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv-sam" / "bin"


@pytest.mark.parametrize(
    "command",
    [
        ["sam", "validate"],
        ["sam", "validate", "--lint"],
        ["cfn-lint", "template.yaml", "-a", "cfn_lint_serverless.rules"],
    ],
    ids=" ".join,
)
def test_the_template_passes(command: list[str]) -> None:
    result = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=ROOT,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_accepted_finding_has_its_reason() -> None:
    template = (ROOT / "template.yaml").read_text()
    accepted = template.partition("ignore_checks:\n")[2].partition("\n\n")[0].splitlines()

    assert len(accepted) > 0
    for line in accepted:
        assert re.fullmatch(r" +- [EW]S?\d{4} # .{8,}", line)
