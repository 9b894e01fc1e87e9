"""Measure the size of code and layer as deployed, and of three ways to provide boto3."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import libraries
from bench.measures import init
from bench.measures.environments import install_lock
from bench.sample_statistics import Distribution, ratio, rounded
from bench.target import BUILD, ROOT, Target

_LARGEST = 5
_EMPTY = {"zipped": 0.0, "unpacked": 0.0, "files": 0}
# Files of botocore's data that a client of Secrets Manager reads.
_USED = ("secretsmanager", "endpoints.json", "partitions.json", "_retry.json",
         "sdk-default-configuration.json")  # fmt: skip


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """Return sizes in MB of 10^6 bytes, and the first chat's CPU time with each boto3."""
    whole = _boto3(target)
    used = target.scratch / "used"
    shutil.copytree(whole, used)
    for entry in (used / "botocore" / "data").iterdir():
        if not entry.name.startswith(_USED):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    variants = {"shipped whole": whole, "shipped, one service": used}
    keys = _first_key(target, variants, quick=quick)
    layer = BUILD / "VendorLayer"
    return {
        "code": sizes(BUILD / "ChatFunction"),
        "layer": {**sizes(layer), "largest": _largest(layer / "python")},
        "boto3": {
            name: sizes(variants[name]) if name in variants else _EMPTY for name in sorted(keys)
        },
        "first_key": keys,
    }


def sizes(folder: Path) -> dict[str, Any]:
    """Return a folder's size in MB, zipped as for a deployment and unpacked, and its file count."""
    packed = io.BytesIO()
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder))
    return {
        "zipped": rounded(packed.tell() / 1e6, 3),
        "unpacked": rounded(sum(path.stat().st_size for path in files) / 1e6, 3),
        "files": len(files),
    }


def _largest(folder: Path) -> list[list[Any]]:
    """Return the layer's largest packages in MB, unpacked, with their bundled libraries."""
    total: dict[str, int] = defaultdict(int)
    for path in _files(folder):
        top = path.relative_to(folder).parts[0]
        total[top.partition("-")[0].partition(".")[0]] += path.stat().st_size
    ordered = sorted(total.items(), key=lambda row: -row[1])[:_LARGEST]
    return [[name, rounded(size / 1e6, 3)] for name, size in ordered]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _boto3(target: Target) -> Path:
    """Install boto3 with the packages that only boto3 needs, as for a layer; return the folder."""
    folder = target.scratch / "whole"
    names = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six")
    lock = (ROOT / "requirements" / "aws.txt").read_text("utf-8").splitlines()
    wanted = target.scratch / "boto3.txt"
    wanted.write_text("\n".join(_only(lock, names)), "utf-8")
    return install_lock(wanted, folder, target, "/opt/python")


def _only(lock: list[str], names: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of a lock file that pin these packages, with their hashes."""
    wanted = False
    for line in lock:
        if not line.startswith(" "):
            wanted = line.partition("==")[0] in names
        if wanted:
            yield line


def _first_key(target: Target, variants: dict[str, Path], *, quick: bool) -> dict[str, Any]:
    """Return the CPU time of a first chat with its key in Secrets Manager, with each boto3."""
    with init.secrets_manager() as secret:
        found = target.run(
            "init",
            {
                "rounds": 3 if quick else 15,
                "libraries": libraries.statements(),
                "secret": secret,
                "boto3": {name: str(folder) for name, folder in variants.items()},
                "only": ["first chat, key in the environment"],
            },
        )["starts"]
    floor = found.pop("first chat, key in the environment")
    return {
        name.removeprefix("first chat, key in Secrets Manager, boto3 "): {
            "cpu": Distribution.of(times["cpu"]).json(),
            "ratio": ratio(times["cpu"], floor["cpu"]),
        }
        for name, times in found.items()
    }
