"""Run the built chat function in a container of the Lambda image with a memory size's share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.memory_size.services import Services

BUILD = Path(__file__).resolve().parents[2] / ".aws-sam" / "build"
IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
VCPU_MB = 1769
# Prints its start time: the container's own start must not count.
_ENTRY = 'date +%s%N; exec /var/task/chatd/bootstrap "$@"'


@contextmanager
def container(
    size: int, services: Services, more: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the function in a container of `size` MB while the block lasts.

    Args:
        size: Memory in MB; the container gets the same share of a vCPU as on Lambda.
        services: The container's Runtime API, Secrets Manager and provider.
        more: Further environment variables.

    Yields:
        The container's name and process; the first line of its output is its start time in ns.

    """
    name = f"chatd-memory-{size}-{services.server_port}"
    variables = {
        "AWS_LAMBDA_RUNTIME_API": services.address,
        # Without AWS_LAMBDA_FUNCTION_NAME: a deployed function refuses a provider on loopback.
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://{services.address}",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
        "CHATD_SECRET_ID": "chatd/providers",
        "OPENROUTER_BASE_URL": f"http://{services.address}/v1",
        "_HANDLER": "chat.app.lambda_handler",
        **(more or {}),
    }
    options = [
        *("--name", name, "--rm", "--network", "host"),
        *(
            "--cpus",
            f"{min(1.0, size / VCPU_MB):.3f}",
            "--memory",
            f"{size}m",
            "--memory-swap",
            f"{size}m",
        ),
        *("--volume", f"{BUILD / 'ChatFunction'}:/var/task:ro"),
        *("--volume", f"{BUILD / 'VendorLayer'}:/opt:ro"),
        *(part for pair in variables.items() for part in ("--env", "=".join(pair))),
    ]
    command = ["sh", "-c", _ENTRY, "sh", "/var/lang/bin/python3.13", "/var/runtime/bootstrap.py"]
    process = subprocess.Popen(
        ["docker", "run", *options, "--entrypoint", command[0], IMAGE, *command[1:]],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield name, process
    finally:
        subprocess.run(["docker", "kill", name], capture_output=True, check=False)
        process.communicate()


def memory(name: str) -> dict[str, float]:
    """Return the resident memory of the function's process now and at its peak, in MB."""
    lines = run_in(name, "cat /proc/1/status").splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return {key: int(fields[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM")}


def run_in(name: str, command: str) -> str:
    """Run a shell command in a container; return its output with any exit status."""
    return subprocess.run(
        ["docker", "exec", name, "sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
