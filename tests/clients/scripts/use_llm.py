"""The `llm` command: every feature with every provider, a process each."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.clients.scripts import cases
from tests.clients.scripts.cases import ASK_IMAGE, ASK_JSON, ASK_WEATHER, HELLO

given = cases.parameters()
LLM = Path(sys.executable).with_name("llm")
HOME = Path(os.environ["HOME"])
ENVIRONMENT = {**os.environ, "LLM_USER_PATH": str(HOME)}
# Concurrent processes, for a small machine.
AT_ONCE = asyncio.Semaphore(2)

FUNCTIONS = """\
def weather(city: str) -> str:
    "Return the weather in a city."
    return f"21 °C in {city}"
"""
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "celsius": {"type": "integer"}},
    "required": ["city", "celsius"],
    "additionalProperties": False,
}


class FailedError(Exception):
    """The command failed; the message is its standard error."""


async def llm(*arguments: str) -> tuple[str, str]:
    """Run the command; return its standard output and error."""
    async with AT_ONCE:
        process = await asyncio.create_subprocess_exec(
            LLM,
            *arguments,
            env=ENVIRONMENT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = (part.decode().strip() for part in await process.communicate())
    if process.returncode:
        raise FailedError(err)
    return out, err


async def ask(model: str, *arguments: str) -> tuple[str, str]:
    return await llm("prompt", "--no-log", "--model", model, *arguments)


def tokens(printed: str) -> list[int]:
    return [int(number) for number in re.findall(r"(\d+) (?:input|output)", printed)]


async def text(model: str) -> Any:
    out, err = await ask(model, "--no-stream", "--usage", HELLO)
    return {"text": out, "tokens": tokens(err)}


async def stream(model: str) -> Any:
    out, err = await ask(model, "--usage", HELLO)
    return {"text": out, "tokens": tokens(err)}


async def tool(model: str) -> Any:
    out, err = await ask(model, "--functions", FUNCTIONS, "--tools-debug", ASK_WEATHER)
    return {"text": out, "calls": re.findall(r"Tool call: weather\(.*'city': '(.*?)'", err)}


async def schema(model: str) -> Any:
    out, _ = await ask(model, "--schema", json.dumps(SCHEMA), ASK_JSON)
    return json.loads(out)


async def image(model: str) -> Any:
    out, _ = await ask(model, "--attachment", str(HOME / "pixel.png"), ASK_IMAGE)
    return {"text": out}


FEATURES: dict[str, Callable[[str], Any]] = {
    "text": text,
    "stream": stream,
    "tool round trip": tool,
    "schema": schema,
    "image": image,
}


def configure() -> None:
    """Configure the command for the gateway, as its documentation describes.

    https://llm.datasette.io/en/stable/other-models.html#openai-compatible-models
    """
    models = [
        {
            "model_id": model,
            "model_name": model,
            "api_base": given["url"],
            "api_key_name": "chatd",
            "supports_schema": True,
            "supports_tools": True,
            "vision": True,
        }
        for model in given["models"].values()
    ]
    # JSON is YAML.
    (HOME / "extra-openai-models.yaml").write_text(json.dumps(models), "utf-8")
    (HOME / "pixel.png").write_bytes(cases.PNG)


async def every() -> dict[str, Any]:
    await llm("keys", "set", "chatd", "--value", given["key"])
    # The first prompt creates the command's database, which must not happen concurrently.
    await ask(given["models"]["ollama"], HELLO)
    named = {
        f"{feature} {provider}": cases.outcome(partial(use, model))
        for feature, use in FEATURES.items()
        for provider, model in given["models"].items()
    }
    return dict(zip(named, await asyncio.gather(*named.values()), strict=True))


if __name__ == "__main__":
    configure()
    cases.write("llm", asyncio.run(every()))
