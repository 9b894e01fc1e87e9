"""Test the template with SAM's and CloudFormation's linters."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
def test_the_template_passes_sam_validate_and_cfn_lint(command: list[str]) -> None:
    result = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=ROOT,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("mode", ["CallerKey", "AWS_IAM"])
def test_the_transformed_template_passes_cfn_lint(
    transform: Callable[..., dict[str, Any]], mode: str, tmp_path: Path
) -> None:
    stack = tmp_path / "stack.json"
    stack.write_text(json.dumps(transform(AuthMode=mode)))

    result = subprocess.run(
        [BIN / "cfn-lint", "--regions", "us-east-1", "--", stack],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout


def test_every_ignored_check_has_a_reason() -> None:
    template = (ROOT / "template.yaml").read_text()
    accepted = template.partition("ignore_checks:\n")[2].partition("\n\n")[0].splitlines()

    assert len(accepted) > 0
    for line in accepted:
        assert re.fullmatch(r" +- [EW]S?\d{4} # .{8,}", line)
