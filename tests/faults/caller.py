"""Run a gateway, and chat as a caller: on any surface, with a stream or a whole response."""

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

_RESPONSES = "/v1/responses"
COMPLETIONS = "/v1/completions"
SURFACES = ("/v1/chat", "/v1/chat/completions", "/v1/messages", _RESPONSES)
# Fields that a surface requires besides the model and the messages.
_REQUIRED: Mapping[str, Mapping[str, Any]] = {"/v1/messages": {"max_tokens": 4096}}
# Remaining time in ms: Lambda's maximum, so that the gateway's own limits apply.
_REMAINING_MS = 900_000


@contextmanager
def gateway(config: Path) -> Iterator[None]:
    """Run the chat function with this chatd.toml, and no other CHATD_ variable."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in [name for name in os.environ if name.startswith("CHATD_")]:
            patch.delenv(variable)
        patch.setenv("CHATD_CONFIG", str(config))
        _forget()
        chat.app.compose()  # once, before concurrent callers
        yield
        _forget()


def _forget() -> None:
    chat.app.compose.cache_clear()
    forget_failures()


@dataclass(frozen=True, slots=True)
class Received:
    """A caller's response.

    Attributes:
        status: The response's status.
        headers: Headers by lower-case name.
        text: The answer, whole or partial.
        complete: Whether the response has an end mark and a finish reason.
        error: The error's body, as the whole response or at the end of a stream.
        rescued: The models before and after a failover, if any.
        took: Seconds until the end.

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
    def reported_attempts(self) -> list[str]:
        """Return the attempts before the first event, from the response's header."""
        value = self.headers.get("x-chatd-attempts")
        return value.split(", ") if value else []


def send_chat(
    model: str, prompt: str, path: str, *, stream: bool, sink: Collected | None = None
) -> Received:
    """Send a chat and read the response to its end.

    Args:
        model: The model's name.
        prompt: The user's text.
        path: The surface's path.
        stream: Whether to stream.
        sink: Receives the stream; a sink that hangs up gets neither an end nor an error.

    """
    chat_body = {**ask(model, prompt, stream=stream), **_REQUIRED.get(path, {})}
    if path == _RESPONSES:
        chat_body["input"] = chat_body.pop("messages")
    if path == COMPLETIONS:
        chat_body["prompt"] = chat_body.pop("messages")[0]["content"]
    body = json.dumps(chat_body)
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
    return Received(
        sink.status, headers, reading.text, complete, reading.error, reading.rescued, took
    )


@dataclass(slots=True)
class _Reading:
    """The fields read from a body."""

    text: str = ""
    reason: str | None = None
    ended: bool = False
    error: Mapping[str, Any] | None = None
    rescued: Any = field(default=None)

    def whole(self, body: Mapping[str, Any]) -> None:
        """Read a whole response of any surface, or an error."""
        if body.get("object") == "response":
            self._response(body)
            return
        if body.get("type") == "message":
            self.text = "".join(block.get("text", "") for block in body["content"])
            self.reason, self.rescued = body["stop_reason"], body.get("rescued")
        else:
            self.event(body)
        for choice in body.get("choices", ()):
            self.text = choice["message"]["content"] if "message" in choice else choice["text"]
        self.ended = self.error is None

    def stream(self, body: str) -> None:
        """Read a stream of any surface."""
        for line in body.split("\n"):
            if line == "data: [DONE]":
                assert not self.ended, "a second end mark"
                self.ended = True
            elif line.startswith("data: "):
                self.event(json.loads(line.removeprefix("data: ")))

    def event(self, event: Mapping[str, Any]) -> None:
        """Read an event of any surface's stream."""
        assert not self.ended, "an event after the end"
        assert self.error is None, "an event after the error"
        if str(event.get("type")).startswith("response."):
            self._responses_event(event)
            return
        delta = event.get("delta", {})  # of Anthropic's Messages
        self.text += event.get("content", "") + delta.get("text", "")
        self.reason = delta.get("stop_reason") or self.reason
        for choice in event.get("choices", ()):
            self.text += choice.get("delta", {}).get("content") or choice.get("text", "")
            self.reason = choice.get("finish_reason") or self.reason
        self.reason = event.get("finish_reason") or self.reason
        self.error = event.get("error")
        self.rescued = event.get("rescued", self.rescued)
        self.ended = event.get("done", event.get("type") == "message_stop")

    def _responses_event(self, event: Mapping[str, Any]) -> None:
        """Read an event of the Responses API."""
        if event["type"] == "response.output_text.delta":
            self.text += event["delta"]
        elif event["type"] in ("response.completed", "response.incomplete", "response.failed"):
            sent = self.text
            self._response(event["response"])
            assert self.error or self.text == sent, "the last event has another text"
            self.text = sent

    def _response(self, body: Mapping[str, Any]) -> None:
        """Read a response object; a code of the gateway's own stands beside OpenAI's."""
        self.rescued = body.get("rescued")
        if error := body["error"]:
            self.error = {**error, "code": error.get("reason", error["code"])}
            return
        texts = [part["text"] for item in body["output"] for part in item.get("content", ())]
        self.text, self.reason, self.ended = "".join(texts), body["status"], True
