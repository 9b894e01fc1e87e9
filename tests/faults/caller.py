"""A gateway of a test's own, and what a caller hears of it, whichever way a chat was asked for.

It knows both surfaces as a caller does, and nothing of providers.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import chat.app
from chatd.aws_lambda.streaming import Collected
from tests.support.circuits import forget_failures
from tests.support.functions import LambdaContext, ask, http_event

SURFACES = ("/v1/chat", "/v1/chat/completions")
# Milliseconds that Lambda has left: its longest, so that the gateway's own limits hold.
_REMAINING_MS = 900_000


@contextmanager
def gateway(config: Path) -> Iterator[None]:
    """The chat function with this chatd.toml, and with nothing else of the environment's."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in [name for name in os.environ if name.startswith("CHATD_")]:
            patch.delenv(variable)
        patch.setenv("CHATD_CONFIG", str(config))
        _forget()
        chat.app.compose()  # once, and not by all callers at once
        yield
        _forget()


def _forget() -> None:
    chat.app.compose.cache_clear()
    forget_failures()


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back.

    Attributes:
        status: Of the response.
        headers: By lower-case names.
        text: The answer, or as much of it as came.
        complete: Whether it said that this was all, and why.
        error: The body of the error, in the response's place or at the end of its stream.
        rescued: Who broke off and who went on, if anybody did.
        took: Seconds.

    """

    status: int
    headers: Mapping[str, str]
    text: str
    complete: bool
    error: Mapping[str, Any] | None
    rescued: Any
    took: float

    @property
    def code(self) -> str | None:
        return self.error["code"] if self.error else None

    @property
    def story(self) -> list[str]:
        """The attempts before the first event, as the header tells of them."""
        told = self.headers.get("x-chatd-attempts")
        return told.split(", ") if told else []


def hear(
    model: str, prompt: str, path: str, *, stream: bool, sink: Collected | None = None
) -> Heard:
    """Ask, and listen to the end.

    Args:
        model: Who is asked.
        prompt: What.
        path: The surface's.
        stream: Whether to stream.
        sink: Where a stream goes; one that hangs up hears neither an end nor an error.

    """
    body = json.dumps(ask(model, prompt, stream=stream))
    sink = sink or Collected()
    context = LambdaContext(remaining_ms=_REMAINING_MS)
    started = time.monotonic()
    answer = chat.app.lambda_handler(http_event("POST", path, body), context)
    if isinstance(answer, dict):
        sink.commit(
            answer["statusCode"],
            {name: values[0] for name, values in answer["multiValueHeaders"].items()},
        )
        sink.write(answer["body"].encode())
    else:
        answer.write_to(sink)
    took = time.monotonic() - started
    headers = {name.lower(): value for name, value in sink.headers.items()}
    reading = _Reading()
    if headers["content-type"].startswith("text/event-stream"):
        reading.stream(sink.body.decode())
    else:
        reading.whole(json.loads(sink.body))
    complete = reading.ended and reading.reason is not None
    return Heard(sink.status, headers, reading.text, complete, reading.error, reading.rescued, took)


@dataclass(slots=True)
class _Reading:
    """A body while it is read."""

    text: str = ""
    reason: str | None = None
    ended: bool = False
    error: Mapping[str, Any] | None = None
    rescued: Any = field(default=None)

    def whole(self, body: Mapping[str, Any]) -> None:
        """A whole answer of either surface, or an error."""
        self.event(body)
        for choice in body.get("choices", ()):
            self.text = choice["message"]["content"]
        self.ended = self.error is None

    def stream(self, body: str) -> None:
        """A stream of either surface."""
        for line in body.split("\n"):
            if line == "data: [DONE]":
                assert not self.ended, "a second end"
                self.ended = True
            elif line.startswith("data: "):
                self.event(json.loads(line.removeprefix("data: ")))

    def event(self, event: Mapping[str, Any]) -> None:
        """An event of either surface's stream."""
        assert not self.ended, "something came after the end"
        assert self.error is None, "something came after the error"
        self.text += event.get("content", "")
        for choice in event.get("choices", ()):
            self.text += choice.get("delta", {}).get("content") or ""
            self.reason = choice.get("finish_reason") or self.reason
        self.reason = event.get("finish_reason") or self.reason
        self.error = event.get("error")
        self.rescued = event.get("rescued", self.rescued)
        self.ended = event.get("done", False)
