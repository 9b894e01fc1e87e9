"""Chats with nobody, so that the first real one finds all it needs loaded and made.

They go the way of every chat, from a surface's bytes through each provider's adapter and back, but
to a stage instead of a network: no key is looked up, nothing is sent, and nobody is told. It knows
the shortest answer of each dialect.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chatd.aws_lambda.streaming import Collected
from chatd.aws_lambda.streaming_chat import StreamingChat
from chatd.call import Call
from chatd.config.catalog import Timeouts
from chatd.config.settings import Settings
from chatd.credentials.provider_keys import Credentials
from chatd.deadline import Deadline
from chatd.errors import ChatdError
from chatd.gateway import Gateway
from chatd.resilience.attempt import AttemptRunner
from chatd.resilience.circuit_breaker import CircuitBreakers, MemoryStore
from chatd.routing.targets import TargetSelector
from chatd.surfaces import Surface, surface
from chatd.telemetry.record import ChatRecord
from chatd.telemetry.writer import Telemetry
from chatd.transport.http_client import Started
from chatd.upstream_http import HttpRequest, HttpResponse

_SECONDS = 30.0
_KEY = "no-key"
# One line that is an answer of /api/chat and of /api/generate, whole and streamed.
_OLLAMA = (
    b'{"model":"m","message":{"role":"assistant","content":"{}"},"response":"{}","done":true,'
    b'"done_reason":"stop","prompt_eval_count":1,"eval_count":1}\n'
)
_OPENAI = (
    b'{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"{}"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
)
_OPENAI_STREAM = (
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"{}"},'
    b'"finish_reason":"stop"}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n'
    b"data: [DONE]\n\n"
)
_FORMATS: Mapping[str, dict[str, Any]] = {
    "native": {"format": {"type": "object"}},
    "openai_chat": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "any", "schema": {"type": "object"}},
        }
    },
}


class _Unheard(Telemetry):
    """Write no metrics and no log line for warm-up chats."""

    def record(self, record: ChatRecord) -> None:
        """Write nothing."""


@dataclass(frozen=True, slots=True)
class _Played:
    """A stream that is there at once."""

    response: HttpResponse
    body: bytes
    caller_was_slow = False

    def chunks(self) -> Iterator[bytes]:
        yield self.body

    def begun(self) -> None:
        """No limit holds."""

    def ended(self) -> None:
        """No limit holds."""

    def close(self) -> None:
        """Nothing is held."""


class _Stage:
    """A transport on which every provider answers in its dialect."""

    def send(
        self,
        request: HttpRequest,
        deadline: Deadline,  # noqa: ARG002  # the protocol's
        connect: float,  # noqa: ARG002  # as above
        started: Started = lambda _break_off: None,  # noqa: ARG002  # as above
    ) -> HttpResponse:
        return HttpResponse(200, {"content-type": "application/json"}, _answer(request))

    def open(
        self, request: HttpRequest, _deadline: Deadline, _limits: Timeouts, _started: Started
    ) -> _Played:
        body = _answer(request)
        content_type = "text/event-stream" if body is _OPENAI_STREAM else "application/x-ndjson"
        return _Played(HttpResponse(200, {"content-type": content_type}, b""), body)


def warm_up(settings: Settings) -> list[ChatdError]:
    """Chat with every provider that is not excluded, on each surface, whole and streamed.

    Returns:
        What went wrong; a chat that fails has loaded what a failure needs, and is no reason not
        to start.

    """
    settings = replace(settings, tiers={})
    rows = [row for row in settings.providers.values() if row.excluded is None]
    keys = {row.key_variable: _KEY for row in rows if row.key_variable}
    selector = TargetSelector(settings, Credentials(keys, None, lambda _sentence: None))
    runner = AttemptRunner(selector, _Stage(), CircuitBreakers(MemoryStore))
    gateway = Gateway(selector, runner, _Unheard())
    failures = []
    for name, in_a_form in _FORMATS.items():
        for row in rows:
            for more in ({}, in_a_form, {"stream": True}):
                try:
                    _chat(gateway, surface(name), {"model": f"{row.prefix}m", **more})
                except ChatdError as failure:
                    failures.append(failure)
    return failures


def _chat(gateway: Gateway, spoken: Surface, body: Mapping[str, Any]) -> None:
    text = json.dumps({"messages": [{"role": "user", "content": "Hello"}], **body}).encode()
    call = Call("rehearsal", Deadline.after(_SECONDS))
    request = gateway.read(spoken, {}, lambda: text, call)
    if request.stream:
        StreamingChat(gateway, spoken, request, call).write_to(Collected())
    else:
        gateway.chat(spoken, request, call)


def _answer(request: HttpRequest) -> bytes:
    if request.url.endswith(("/api/chat", "/api/generate")):
        return _OLLAMA
    return _OPENAI_STREAM if json.loads(request.body or b"{}").get("stream") else _OPENAI
