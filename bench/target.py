"""Where the gateway is measured: the Lambda image, or a Python of this machine, on the real build.

It knows how to run a module of `bench.inside` there, and nothing of what it measures.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / ".aws-sam" / "bench"
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
IMAGE = f"public.ecr.aws/lambda/python:3.13-{ARCHITECTURE}"
# Seconds that one measurement may take before it counts as hanging.
_PATIENCE = 900


class BenchError(Exception):
    """Why something could not be measured, as one line."""


@dataclass(frozen=True, slots=True)
class Target:
    """An interpreter, with the build where it expects it.

    Attributes:
        name: For people.
        in_image: Whether it is the Lambda image's.
        python: The interpreter's path, there.
        scratch: A folder to write to; it has the same path there.

    """

    name: str
    in_image: bool
    python: str
    scratch: Path

    @property
    def bench(self) -> str:
        """Where this repository is, there."""
        return "/bench" if self.in_image else str(ROOT)

    @property
    def paths(self) -> str:
        """What the gateway imports from there, with the bench behind it."""
        if self.in_image:
            return "/var/task:/opt/python:/var/runtime:/bench"
        return f"{BUILD}/ChatFunction:{BUILD}/VendorLayer/python:{ROOT}"

    def run(
        self, module: str, parameters: Mapping[str, Any], *, volumes: tuple[Path, ...] = ()
    ) -> Any:
        """Run a module of `bench.inside`; what it reports.

        Args:
            module: Its name.
            parameters: Given to it as JSON.
            volumes: Further folders that it reads; each has the same path there.

        Raises:
            BenchError: If it fails.

        """
        argument = json.dumps(parameters)
        try:
            done = subprocess.run(
                [*self._command(volumes), "-m", f"bench.inside.{module}", argument],
                stdout=subprocess.PIPE,
                cwd=self.scratch,
                check=True,
                timeout=_PATIENCE,
            )
        except subprocess.CalledProcessError as error:
            raise BenchError(f"{module} ended with {error.returncode}: see above") from None
        except subprocess.TimeoutExpired:
            raise BenchError(f"{module} took more than {_PATIENCE} s") from None
        return json.loads(done.stdout.splitlines()[-1])

    @contextmanager
    def serving(
        self, module: str, parameters: Mapping[str, Any], *, volumes: tuple[Path, ...] = ()
    ) -> Iterator[Any]:
        """Run a module of `bench.inside` for as long as the block lasts; the first it reports.

        Raises:
            BenchError: If it ends before it reports.

        """
        process = subprocess.Popen(
            [*self._command(volumes), "-m", f"bench.inside.{module}", json.dumps(parameters)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.scratch,
        )
        assert process.stdout is not None  # noqa: S101  # a pipe was asked for
        try:
            line = process.stdout.readline()
            if not line:
                raise BenchError(f"{module} ended before it served: see above")
            yield json.loads(line)
        finally:
            process.communicate()  # closes its standard input: then it ends

    def _command(self, volumes: tuple[Path, ...]) -> list[str]:
        code, layer = BUILD / "ChatFunction", BUILD / "VendorLayer"
        if not self.in_image:
            return self._here()
        shown = {
            code: "/var/task",
            layer: "/opt",
            ROOT: "/bench",
            **{path: str(path) for path in volumes},
        }
        mounts = [f"--volume={place}:{there}:ro" for place, there in shown.items()]
        mounts.append(f"--volume={self.scratch}:{self.scratch}")
        return [
            *("docker", "run", "--rm", "--init", "--interactive", "--network=host"),
            f"--user={os.getuid()}:{os.getgid()}",
            f"--workdir={self.scratch}",
            *mounts,
            *(f"--env={name}={value}" for name, value in self._variables().items()),
            *(f"--entrypoint={self.python}", IMAGE),
        ]

    def _here(self) -> list[str]:
        settings = [f"{name}={value}" for name, value in self._variables().items()]
        return ["/usr/bin/env", "-i", f"PATH={os.defpath}", *settings, self.python]

    def _variables(self) -> dict[str, str]:
        return {
            "HOME": str(self.scratch),
            "PYTHONPATH": self.paths,
            "PYDANTIC_DISABLE_PLUGINS": "__all__",  # as in template.yaml
            # The scratch folder is no place to import from.
            "PYTHONSAFEPATH": "1",
        }


@contextmanager
def chosen(*, here: bool) -> Iterator[Target]:
    """The Lambda image if there is one, else this machine's CPython 3.13, else this Python.

    Args:
        here: Do without the image.

    Raises:
        BenchError: If there is no build to measure.

    """
    if not (BUILD / "ChatFunction" / "chat").is_dir():
        raise BenchError("there is no build to measure; `make bench` makes one")
    with tempfile.TemporaryDirectory(prefix="chatd-bench-") as scratch:
        folder = Path(scratch).resolve()
        folder.chmod(0o755)
        if _has_image() and not here:
            python = "/var/lang/bin/python3.13"
            yield Target("the Lambda image", in_image=True, python=python, scratch=folder)
        else:
            python = _python() or sys.executable
            name = f"{_version(python)} of this machine"
            yield Target(name, in_image=False, python=python, scratch=folder)


def _has_image() -> bool:
    if shutil.which("docker") is None:
        return False
    looked = subprocess.run(
        ["docker", "image", "inspect", IMAGE],
        capture_output=True,
        check=False,
    )
    return looked.returncode == 0


def _python() -> str | None:
    """CPython 3.13 of this machine, found where deploy/bytecode.sh finds it."""
    kept = sorted((Path.home() / ".pyenv" / "versions").glob("3.13.*/bin/python3.13"))
    for candidate in (shutil.which("python3.13"), *map(str, kept)):
        if candidate and "3.13" in _version(candidate):
            return candidate
    return None


def _version(python: str) -> str:
    told = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or "no Python"
