"""Write the table of models from the packages of an environment: `make models-data`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from chatd.config.model_facts import FILE
from facts.model_facts import Origin, file_of

_LIST = "litellm/model_prices_and_context_window_backup.json"
_LICENSE = "MIT"
_SAMPLE = "sample_spec"  # the list's description of itself
_MADE = re.compile(r"^# Source: litellm (\S+) on PyPI, read on (\S+)\.", re.MULTILINE)


def main(environment: Path) -> None:
    """Write the file.

    Args:
        environment: A virtual environment with LiteLLM.

    Raises:
        SystemExit: If LiteLLM is missing there, or has another license.

    """
    sites = [str(site) for site in environment.glob("lib/python*/site-packages")]
    package = next(iter(distributions(name="litellm", path=sites)), None)
    if package is None:
        raise SystemExit(f"{environment} has no litellm")
    FILE.write_text(file_of(_models(package), _origin(package)), "ascii")


def _models(package: Distribution) -> Mapping[str, Any]:
    models = json.loads(Path(str(package.locate_file(_LIST))).read_text("utf-8"))
    return {name: entry for name, entry in models.items() if name != _SAMPLE}


def _origin(package: Distribution) -> Origin:
    """Keep the day of a file of the same version, so that the same list makes the same file."""
    if package.metadata["License-Expression"] != _LICENSE:
        raise SystemExit(f"litellm {package.version} is not under the {_LICENSE} License")
    before = _MADE.search(FILE.read_text("ascii")) if FILE.exists() else None
    known = before is not None and before[1] == package.version
    made = before[2] if before and known else datetime.now(UTC).date().isoformat()
    text = package.read_text("licenses/LICENSE") or ""
    return Origin(package.version, made, text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
