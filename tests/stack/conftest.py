"""Transform the templates with SAM, as a deployment does."""

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
    """Return the SAM transform of template.yaml with given parameters."""
    return _transform_of(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def instances_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the template for Managed Instances next to the folders of its paths."""
    folder = tmp_path_factory.mktemp("instances")
    for name in ("functions", "layers"):
        (folder / name).symlink_to(ROOT / name)
    file = folder / "template.yaml"
    file.write_text(template_overlay.render(), "utf-8")
    return file


@pytest.fixture
def instances_stack(instances_template: Path) -> dict[str, Any]:
    """Transform the template for Managed Instances with a VPC."""
    return _transform_of(instances_template)(
        SubnetIds="subnet-0a,subnet-0b", SecurityGroupIds="sg-0a"
    )


def transformed(template: Path) -> dict[str, Any]:
    """Transform another template with its default parameters."""
    return _transform_of(template)()


def _transform_of(template: Path) -> Transform:
    if not (SAM_BIN / "sam").exists():
        pytest.fail("the SAM CLI is not installed; run: make .venv-sam/sam.stamp")
    return lambda **parameters: _transform(template, json.dumps(parameters, sort_keys=True))


@pytest.fixture
def stack(transform: Transform) -> dict[str, Any]:
    """Transform template.yaml with its default parameters."""
    return transform()
