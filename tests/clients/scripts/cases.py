"""Read the parameters of a client's script, provide prompts and tools, and write the outcomes.

Runs in .venv-clients, started by tests/clients/conftest.py.
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

HELLO = "Say hello to Zoë, please."
ASK_WEATHER = "What is the weather in Zürich?"
ASK_JSON = "Where is it how warm?"
ASK_IMAGE = "What is this?"
QUERY = "Which city has a lake?"
TEXTS = [QUERY, "Zürich lies on a lake.", "日本 🗾", "x" * 1000]
# More than the gateway sends in one request.
MANY = [f"text {number}" for number in range(600)]

# An image of one pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Return the weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}

Case = Callable[[], Any]

CALLS: list[str] = []
"""The cities in calls of `weather` within this case."""


class Weather(BaseModel):
    """The weather in a city."""

    city: str
    celsius: int


def parameters() -> Any:
    """Read the gateway's `url`, `key` and `at_fault`, and the `models` by provider."""
    sys.stdout = sys.stderr  # a client's own output must not mix with the outcomes
    return json.load(sys.stdin)


def weather(city: str) -> str:
    """Return the weather in a city."""
    CALLS.append(city)
    return f"21 °C in {city}"


def user(content: Any) -> list[dict[str, Any]]:
    """Return a conversation with one user message."""
    return [{"role": "user", "content": content}]


def pictured(url: str) -> list[dict[str, Any]]:
    """Return a question with an image, as parts of a message."""
    return [
        {"type": "text", "text": ASK_IMAGE},
        {"type": "image_url", "image_url": {"url": url}},
    ]


def data_url() -> str:
    """Return the image as a data URL."""
    return "data:image/png;base64," + base64.b64encode(PNG).decode()


def run(package: str, cases: Iterable[tuple[str, Case]]) -> None:
    """Run every case, plain or async, one after the other, and write the outcomes.

    Args:
        package: The client's package, for its version.
        cases: The cases by name.

    """

    async def outcomes() -> dict[str, Any]:
        return {name: await outcome(case) for name, case in cases}

    write(package, asyncio.run(outcomes()))


def write(package: str, outcomes: Mapping[str, Any]) -> None:
    """Write the outcomes, and exit regardless of the client's threads and loops."""
    output = {"version": version(package), "outcomes": outcomes}
    assert sys.__stdout__
    json.dump(output, sys.__stdout__)
    sys.__stdout__.flush()
    os._exit(0)


async def outcome(case: Case) -> dict[str, Any]:
    """Return the `result` of a case, or the `error` raised."""
    CALLS.clear()
    try:
        result = case()
        return {"result": await result if inspect.isawaitable(result) else result}
    except Exception as error:  # noqa: BLE001  # the tests check the exception
        return {"error": failure(error)}


def failure(error: BaseException) -> dict[str, Any]:
    """Return an exception's class names, and the attributes of an OpenAI SDK error."""
    known = {
        name: getattr(error, name, None)
        for name in ("status_code", "code", "param", "type", "request_id")
    }
    classes = [kind.__name__ for kind in type(error).__mro__]
    return {"classes": classes, **known, "message": str(error)[-1000:]}
