"""Chat requests of several dialects, and the bodies that OpenAI's Responses dialect writes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message, Source
from chatd.config.provider import Provider
from chatd.dialects import load_dialect

OWN = "openai_responses"
ROW = Provider(name="p", dialect=OWN, base_url="http://p/v1")
THINKS = replace(ROW, known_to_think="t-")
DIALECT = load_dialect(OWN)
HI = Message("user", (Text("Hi"),))


def chat(*messages: Message, model: str = "m", **more: Any) -> ChatRequest:
    """Make a request of the native surface."""
    return ChatRequest(model, messages or (HI,), **more)


def of(dialect: str, *messages: Message, **more: Any) -> ChatRequest:
    """Make a request that came in another dialect."""
    return chat(*messages, source=Source(dialect, {}, {}), **more)


def own(body: dict[str, Any], *messages: Message, model: str = "m", **read: Any) -> ChatRequest:
    """Make a request that came in this dialect, with the fields read from its JSON."""
    found = {"messages": messages or (HI,), "extra": None, **read}
    source = Source(OWN, {"model": "p/m", "input": "Hi", **body}, found)
    return ChatRequest(model, source=source, **found)


def body_of(request: ChatRequest, row: Provider = ROW) -> dict[str, Any]:
    """Build the request; return its JSON."""
    sent = DIALECT.build(request, row, SecretStr("sk-1"))
    body: dict[str, Any] = json.loads(sent.body or b"")
    return body
