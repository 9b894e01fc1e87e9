"""FastAPI under Mangum around the call: a gateway that only passes on, as one would write it."""

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
    """One turn."""

    model_config = ConfigDict(extra="allow")

    role: str
    content: str


class Chat(BaseModel):
    """A chat; what it does not name is passed on."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[Message]


@app.post("/v1/chat/completions")  # type: ignore[untyped-decorator]  # FastAPI is elsewhere
def chat(body: Chat) -> Response:
    """Pass a chat on, and its answer back."""
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
    """The handler."""
    return Mangum(app, lifespan="off")
