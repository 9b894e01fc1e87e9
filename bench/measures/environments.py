"""Install packages of peers for the target's interpreter, each peer in a folder of its own.

A folder has the layout of a Lambda layer, with bytecode, so that peers and gateway start alike.
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


def install_peer(peer: str, target: Target) -> Path:
    """Return the folder of a peer's packages; install if missing or out of date.

    Raises:
        BenchError: If the installation fails.

    """
    lock = LOCKS / f"requirements-{peer}.txt"
    platform = _PLATFORM if target.in_image else "host"
    folder = ROOT / f".venv-peers-{peer}-{platform}"
    stamp = folder / "stamp"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text("ascii") == digest:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    print(f"bench: installing {peer} (a minute, once)", file=sys.stderr)
    install_lock(lock, folder, target, str(folder))
    stamp.write_text(digest, "ascii")
    return folder


def platform_options(target: Target) -> list[str]:
    """Return uv's options that select packages for the target's interpreter."""
    if target.in_image:
        where = ["--python-platform", _PLATFORM, "--python-version", "3.13"]
    else:
        where = ["--python", target.python]
    return [*where, "--only-binary", ":all:"]


def install_lock(lock: Path, folder: Path, target: Target, prefix: str) -> Path:
    """Install a lock file's packages into a folder, with bytecode for the path `prefix`.

    Raises:
        BenchError: If the installation fails.

    """
    commands = (
        [str(UV), "pip", "install", "--quiet", "--no-deps", "--require-hashes",
         "--target", str(folder), *platform_options(target), "-r", str(lock)],
        [str(ROOT / "deploy" / "bytecode.sh"), str(folder), prefix],
    )  # fmt: skip
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"{Path(command[0]).name} failed: {done.stderr or done.stdout}")
    return folder
