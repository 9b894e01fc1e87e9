"""Check a chatd.toml with the gateway's own code before it is built into a function.

It knows nothing of what the settings mean. Run from a folder that holds the package `chatd`.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(config: str) -> int:
    """0 if `config` is right; otherwise 1, with one line on standard error."""
    sys.path.insert(0, str(Path.cwd()))
    from chatd.settings import ConfigError, load  # noqa: PLC0415  # found only in that folder

    try:
        load({"CHATD_CONFIG": config})
    except ConfigError as error:
        sys.stderr.write(f"chatd: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
