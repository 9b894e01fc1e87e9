"""What the clients' scripts share: what they are given, what they show, and how they tell of it.

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

# A picture of one pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}

Case = Callable[[], Any]

CALLS: list[str] = []
"""The cities that `weather` was asked for in this case."""


class Weather(BaseModel):
    """Somewhere's weather."""

    city: str
    celsius: int


def given() -> Any:
    """`url`, `key` and `at_fault` of the gateway, and by provider the `models`."""
    sys.stdout = sys.stderr  # nothing that a client prints may get between what is told
    return json.load(sys.stdin)


def weather(city: str) -> str:
    """Tell the weather in a city."""
    CALLS.append(city)
    return f"21 °C in {city}"


def user(content: Any) -> list[dict[str, Any]]:
    """A conversation of one turn."""
    return [{"role": "user", "content": content}]


def pictured(url: str) -> list[dict[str, Any]]:
    """A question with a picture, as parts of a turn."""
    return [
        {"type": "text", "text": ASK_IMAGE},
        {"type": "image_url", "image_url": {"url": url}},
    ]


def data_url() -> str:
    """The picture as a URL."""
    return "data:image/png;base64," + base64.b64encode(PNG).decode()


def tell(package: str, cases: Iterable[tuple[str, Case]]) -> None:
    """Run every case, plain or async, one after the other, and tell what became of each.

    Args:
        package: The client's, whose version is told too.
        cases: By name.

    """

    async def outcomes() -> dict[str, Any]:
        return {name: await outcome(case) for name, case in cases}

    write(package, asyncio.run(outcomes()))


def write(package: str, outcomes: Mapping[str, Any]) -> None:
    """Write the outcomes, and end: threads and loops of a client's own have no say in when."""
    told = {"version": version(package), "outcomes": outcomes}
    assert sys.__stdout__
    json.dump(told, sys.__stdout__)
    sys.__stdout__.flush()
    os._exit(0)


async def outcome(case: Case) -> dict[str, Any]:
    """What became of a case: its `result`, or the `error` that it raised."""
    CALLS.clear()
    try:
        result = case()
        return {"result": await result if inspect.isawaitable(result) else result}
    except Exception as error:  # noqa: BLE001  # what was raised is what the tests look at
        return {"error": failure(error)}


def failure(error: BaseException) -> dict[str, Any]:
    """An exception: its classes' names, and what an error of OpenAI's SDK knows."""
    known = {
        name: getattr(error, name, None)
        for name in ("status_code", "code", "param", "type", "request_id")
    }
    classes = [kind.__name__ for kind in type(error).__mro__]
    return {"classes": classes, **known, "message": str(error)[-1000:]}
