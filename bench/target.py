"""Run a module of `bench.inside` on the build, in the Lambda image or with a local Python."""

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
# Timeout of one measurement, in seconds.
_TIMEOUT = 900


class BenchError(Exception):
    """A benchmark cannot run; the message is one line with the reason."""


@dataclass(frozen=True, slots=True)
class Target:
    """An interpreter with the build on its path.

    Attributes:
        name: Name for output.
        in_image: Whether the interpreter is the Lambda image's.
        python: The interpreter's path on the target.
        scratch: A writable folder, with the same path on the target.

    """

    name: str
    in_image: bool
    python: str
    scratch: Path

    @property
    def bench(self) -> str:
        """Return the repository's path on the target."""
        return "/bench" if self.in_image else str(ROOT)

    @property
    def paths(self) -> str:
        """Return the gateway's PYTHONPATH on the target, followed by the repository."""
        if self.in_image:
            return "/var/task:/opt/python:/var/runtime:/bench"
        return f"{BUILD}/ChatFunction:{BUILD}/VendorLayer/python:{ROOT}"

    def run(
        self, module: str, parameters: Mapping[str, Any], *, volumes: tuple[Path, ...] = ()
    ) -> Any:
        """Run a module of `bench.inside`; return its report.

        Args:
            module: The module's name.
            parameters: Keyword arguments of its `main`, passed as JSON.
            volumes: Further folders to mount read-only, with the same paths on the target.

        Raises:
            BenchError: If the module fails or exceeds the timeout.

        """
        argument = json.dumps(parameters)
        try:
            done = subprocess.run(
                [*self._command(volumes), "-m", f"bench.inside.{module}", argument],
                stdout=subprocess.PIPE,
                cwd=self.scratch,
                check=True,
                timeout=_TIMEOUT,
            )
        except subprocess.CalledProcessError as error:
            raise BenchError(f"{module} exited with {error.returncode}: see above") from None
        except subprocess.TimeoutExpired:
            raise BenchError(f"{module} took more than {_TIMEOUT} s") from None
        return json.loads(done.stdout.splitlines()[-1])

    @contextmanager
    def serving(
        self, module: str, parameters: Mapping[str, Any], *, volumes: tuple[Path, ...] = ()
    ) -> Iterator[Any]:
        """Run a module of `bench.inside` while the block lasts; yield its first report.

        Raises:
            BenchError: If the module ends before its first report.

        """
        process = subprocess.Popen(
            [*self._command(volumes), "-m", f"bench.inside.{module}", json.dumps(parameters)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.scratch,
        )
        assert process.stdout is not None  # noqa: S101  # stdout=PIPE
        try:
            line = process.stdout.readline()
            if not line:
                raise BenchError(f"{module} ended before its first report: see above")
            yield json.loads(line)
        finally:
            process.communicate()  # closes standard input, on which the module ends

    def _command(self, volumes: tuple[Path, ...]) -> list[str]:
        code, layer = BUILD / "ChatFunction", BUILD / "VendorLayer"
        if not self.in_image:
            return self._here()
        mounted = {
            code: "/var/task",
            layer: "/opt",
            ROOT: "/bench",
            **{path: str(path) for path in volumes},
        }
        mounts = [f"--volume={place}:{there}:ro" for place, there in mounted.items()]
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
            # Do not import from the scratch folder, the working directory.
            "PYTHONSAFEPATH": "1",
        }


@contextmanager
def chosen(*, here: bool) -> Iterator[Target]:
    """Yield the Lambda image if present, else the local CPython 3.13, else this interpreter.

    Args:
        here: Do not use the image.

    Raises:
        BenchError: If there is no build.

    """
    if not (BUILD / "ChatFunction" / "chat").is_dir():
        raise BenchError("no build in .aws-sam/bench: run `make bench`")
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
    inspected = subprocess.run(
        ["docker", "image", "inspect", IMAGE],
        capture_output=True,
        check=False,
    )
    return inspected.returncode == 0


def _python() -> str | None:
    """Return the local CPython 3.13, searched in the same places as by deploy/bytecode.sh."""
    kept = sorted((Path.home() / ".pyenv" / "versions").glob("3.13.*/bin/python3.13"))
    for candidate in (shutil.which("python3.13"), *map(str, kept)):
        if candidate and "3.13" in _version(candidate):
            return candidate
    return None


def _version(python: str) -> str:
    shown = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)
    return shown.stdout.strip() or "no Python"
