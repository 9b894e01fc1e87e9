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

from deploy import template_overlay

ROOT = Path(__file__).resolve().parents[2]
SAM_BIN = ROOT / ".venv-sam" / "bin"

Transform = Callable[..., dict[str, Any]]


@cache
def _transform(template: Path, parameters: str) -> dict[str, Any]:
    result = subprocess.run(
        [
            SAM_BIN / "python",
            Path(__file__).with_name("sam_transform.py"),
            template,
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
    return _transforming(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template for Managed Instances, beside what it refers to."""
    folder = tmp_path_factory.mktemp("second")
    for name in ("functions", "layers"):
        (folder / name).symlink_to(ROOT / name)
    file = folder / "template.yaml"
    file.write_text(template_overlay.render(), "utf-8")
    return file


@pytest.fixture
def instances_stack(second: Path) -> dict[str, Any]:
    """The stack on Managed Instances, in some network."""
    return _transforming(second)(SubnetIds="subnet-0a,subnet-0b", SecurityGroupIds="sg-0a")


def transformed(template: Path) -> dict[str, Any]:
    """The real SAM transform of another template under its default parameters."""
    return _transforming(template)()


def _transforming(template: Path) -> Transform:
    if not (SAM_BIN / "sam").exists():
        pytest.fail("the SAM CLI is not installed; run: make .venv-sam/sam.stamp")
    return lambda **parameters: _transform(template, json.dumps(parameters, sort_keys=True))


@pytest.fixture
def stack(transform: Transform) -> dict[str, Any]:
    """The stack under its default parameters."""
    return transform()
