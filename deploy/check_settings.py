"""Validate chatd.toml with the gateway's own code during `make build`.

Run it from the folder that holds the package `chatd`.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(config: str) -> int:
    """Return 0 if the file `config` is valid; otherwise print one line and return 1."""
    sys.path.insert(0, str(Path.cwd()))
    from chatd.config.settings import ConfigError, load  # noqa: PLC0415  # found only in that folder
    from chatd.dialects import DIALECTS  # noqa: PLC0415  # as above

    try:
        load({"CHATD_CONFIG": config}, DIALECTS)
    except ConfigError as error:
        sys.stderr.write(f"chatd: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
