"""The stack as AWS would get it, for each way of letting callers in."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAM_BIN = ROOT / ".venv-sam" / "bin"

Transform = Callable[..., dict[str, Any]]


@cache
def _transform(parameters: str) -> dict[str, Any]:
    result = subprocess.run(
        [
            SAM_BIN / "python",
            Path(__file__).with_name("transform.py"),
            ROOT / "template.yaml",
        ],
        input=parameters,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        pytest.fail(result.stderr)
    stack: dict[str, Any] = json.loads(result.stdout)
    return stack


@pytest.fixture(scope="session")
def transform() -> Transform:
    """The real SAM transform of template.yaml under some parameters."""
    if not (SAM_BIN / "sam").exists():
        pytest.fail("the SAM CLI is not installed; run: make .venv-sam/sam.stamp")
    return lambda **parameters: _transform(json.dumps(parameters, sort_keys=True))


@pytest.fixture
def stack(transform: Transform) -> dict[str, Any]:
    """The stack under its default parameters."""
    return transform()
