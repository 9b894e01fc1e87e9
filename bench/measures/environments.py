"""The peers' packages, installed for the interpreter that is measured, apart from everything else.

They are laid out as a Lambda layer's are, with bytecode, so that peers and gateway start alike.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from bench.target import ARCHITECTURE, ROOT, BenchError, Target

PEERS = ("fastapi", "litellm")
LOCKS = ROOT / "bench" / "peers"
UV = Path(sys.executable).with_name("uv")
_PLATFORM = f"{'aarch64' if ARCHITECTURE == 'arm64' else ARCHITECTURE}-manylinux_2_28"


def installed(peer: str, target: Target) -> Path:
    """The folder of a peer's packages, made if it is missing or its lock file has changed.

    Raises:
        BenchError: If they cannot be had.

    """
    lock = LOCKS / f"requirements-{peer}.txt"
    platform = _PLATFORM if target.in_image else "host"
    folder = ROOT / f".venv-peers-{peer}-{platform}"
    stamp = folder / "stamp"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text("ascii") == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    print(f"bench: installing {peer} (a minute, once)", file=sys.stderr)
    installed_from(lock, folder, target, str(folder))
    stamp.write_text(wanted, "ascii")
    return folder


def options(target: Target) -> list[str]:
    """What tells uv for which interpreter packages are to be."""
    if target.in_image:
        where = ["--python-platform", _PLATFORM, "--python-version", "3.13"]
    else:
        where = ["--python", target.python]
    return [*where, "--only-binary", ":all:"]


def installed_from(lock: Path, folder: Path, target: Target, prefix: str) -> Path:
    """Install what a lock file pins into a folder, with bytecode as if it lay at `prefix`.

    Raises:
        BenchError: If something of it cannot be had.

    """
    commands = (
        [str(UV), "pip", "install", "--quiet", "--no-deps", "--require-hashes",
         "--target", str(folder), *options(target), "-r", str(lock)],
        [str(ROOT / "deploy" / "bytecode.sh"), str(folder), prefix],
    )  # fmt: skip
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"{Path(command[0]).name} failed: {done.stderr or done.stdout}")
    return folder
