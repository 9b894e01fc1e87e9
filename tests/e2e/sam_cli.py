"""Run the SAM CLI, and define keys, model and origin of the end-to-end tests."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

ROOT = Path(__file__).resolve().parents[2]
CALLER_KEY = "chatd-key-of-the-end-to-end-tests"
PROVIDER_KEY = "sk-openrouter-of-the-end-to-end-tests"
MODEL = "llama3.2"
ORIGIN = "https://app.example.com"
# moto servers in one process share secrets; other tests use us-east-1.
REGION = "eu-west-2"
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
}


@dataclass(frozen=True, slots=True)
class Sam:
    """Run `sam local` on one build."""

    template: Path
    variables: Path

    def command(self, *arguments: str) -> list[str]:
        return [
            *(str(ROOT / ".venv-sam/bin/sam"), "local", *arguments),
            *("--template", str(self.template), "--env-vars", str(self.variables)),
            "--skip-pull-image",
            *("--parameter-overrides", "Architecture=x86_64 AuthMode=CallerKey"),
        ]

    def invoke(self, function: str, event: object) -> Any:
        """Invoke a function with `sam local invoke` and return the parsed response."""
        result = subprocess.run(
            self.command("invoke", function, "--event", "-"),
            input=json.dumps(event),
            env=environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        lines = [line for line in result.stdout.splitlines() if line.startswith("{")]

        assert lines, result.stdout + result.stderr

        return json.loads(lines[-1])


@dataclass(frozen=True, slots=True)
class Api:
    """Send requests to `sam local start-api`."""

    url: str

    def request(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any]:
        status, text = self.text(method, path, body, **headers)
        return status, json.loads(text)

    def text(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        response = urllib3.request(
            method,
            self.url + path,
            json=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            timeout=60,
            retries=False,
        )
        return response.status, response.data.decode()

    def preflight(self, path: str, origin: str) -> tuple[int, str | None]:
        """Send a preflight; return the status and the allowed origin."""
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        response = urllib3.request("OPTIONS", self.url + path, headers=headers, timeout=60)
        return response.status, response.headers.get("Access-Control-Allow-Origin")


def environment() -> dict[str, str]:
    return {**os.environ, **_CREDENTIALS, "SAM_CLI_TELEMETRY": "0"}
