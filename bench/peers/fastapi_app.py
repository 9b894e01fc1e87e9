"""FastAPI under Mangum: a minimal gateway that forwards the body."""

from __future__ import annotations

import os
from typing import Any

import urllib3
from fastapi import FastAPI, Response
from mangum import Mangum
from pydantic import BaseModel, ConfigDict

app = FastAPI()
pool = urllib3.PoolManager()


class Message(BaseModel):
    """One message."""

    model_config = ConfigDict(extra="allow")

    role: str
    content: str


class Chat(BaseModel):
    """A chat request; unnamed fields are forwarded."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[Message]


@app.post("/v1/chat/completions")  # type: ignore[untyped-decorator]  # FastAPI is elsewhere
def chat(body: Chat) -> Response:
    """Forward a chat to the upstream, and return the response."""
    answer = pool.request(
        "POST",
        os.environ["UPSTREAM_URL"] + "/chat/completions",
        body=body.model_dump_json().encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {os.environ['UPSTREAM_KEY']}",
        },
    )
    return Response(answer.data, answer.status, media_type="application/json")


def started() -> Any:
    """Return the handler."""
    return Mangum(app, lifespan="off")
