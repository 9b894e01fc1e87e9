"""The openai SDK: every answer by its own types, and every failure as its exceptions."""
# mypy: disable-error-code="import-not-found"
# (runs in .venv-clients, which the type checker does not see)

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from openai import OpenAI
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from tests.clients.scripts import cases
from tests.clients.scripts.cases import ASK_WEATHER, HELLO, TOOL

given = cases.parameters()
client = OpenAI(base_url=given["url"], api_key=given["key"], max_retries=0, timeout=30)

FAULTS = (
    *("refuses", "unauthorized", "forbidden", "missing"),
    *("busy", "spent", "broken", "overloaded"),
)
# Bytes above the limit of a Lambda request.
TOO_MUCH = 6 * 1024 * 1024


def unknown_fields(value: Any, place: str = "") -> Iterator[str]:
    """Yield the fields that the SDK's types do not have."""
    if isinstance(value, list):
        for item in value:
            yield from unknown_fields(item, place)
    if isinstance(value, BaseModel):
        yield from (f"{place}{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from unknown_fields(getattr(value, name), f"{place}{name}.")


def whole(model: str, **more: Any) -> Any:
    """Validate a whole answer strictly; return the fields that the types do not have."""
    raw = client.chat.completions.with_raw_response.create(model=model, **more)
    answer = ChatCompletion.model_validate_json(raw.content, strict=True)
    return sorted(set(unknown_fields(answer)))


def streamed(model: str, **more: Any) -> Any:
    """Validate every chunk strictly; return the unknown fields and the stream's last event."""
    with client.chat.completions.with_streaming_response.create(
        model=model, stream=True, **more
    ) as response:
        lines = [line for line in response.iter_lines() if line and not line.startswith(":")]
    assert all(line.startswith("data: ") for line in lines), lines
    data = [line.removeprefix("data: ") for line in lines]
    found: set[str] = set()
    for text in data[:-1]:
        found |= set(unknown_fields(ChatCompletionChunk.model_validate_json(text, strict=True)))
    return {"unknown": sorted(found), "last": data[-1], "chunks": len(data) > 3}


def models() -> Any:
    """Return the listed ids, each retrieved by itself."""
    raw = client.models.with_raw_response.list()
    listed = [Model.model_validate(model, strict=True) for model in json.loads(raw.content)["data"]]
    return [client.models.retrieve(model.id).id for model in listed]


def ask(model: str, to: OpenAI = client, **more: Any) -> Any:
    more.setdefault("messages", cases.user(HELLO))
    return to.chat.completions.create(model=model, **more).choices[0].message.content


def broken_stream(model: str) -> Any:
    """Return the text of a broken stream, and the exception."""
    pieces: list[str] = []
    finish = None
    try:
        for chunk in client.chat.completions.create(
            model=model, messages=cases.user(HELLO), stream=True
        ):
            pieces.append(chunk.choices[0].delta.content or "")
            finish = finish or chunk.choices[0].finish_reason
    except Exception as error:  # noqa: BLE001  # the tests check the exception
        return {"text": "".join(pieces), "finish": finish, "error": cases.failure(error)}
    return {"text": "".join(pieces), "finish": finish, "error": None}


def every() -> Iterator[tuple[str, cases.Case]]:
    for provider, model in given["models"].items():
        hello: dict[str, Any] = {"messages": cases.user(HELLO)}
        calling: dict[str, Any] = {"messages": cases.user(ASK_WEATHER), "tools": [TOOL]}
        counted: dict[str, Any] = {"stream_options": {"include_usage": True}}
        thinking: dict[str, Any] = {**hello, "reasoning_effort": "low"}
        yield f"answer {provider}", partial(whole, model, **hello)
        yield f"call {provider}", partial(whole, model, **calling)
        yield f"thinking answer {provider}", partial(whole, model, **thinking)
        yield f"stream {provider}", partial(streamed, model, **hello, **counted)
        yield f"streamed call {provider}", partial(streamed, model, **calling, **counted)
        yield f"thinking stream {provider}", partial(streamed, model, **thinking)
        for fault in FAULTS:
            yield f"{fault} {provider}", partial(ask, f"{provider}/{fault}")
            yield f"{fault} {provider}, streamed", partial(broken_stream, f"{provider}/{fault}")
        yield f"disconnects {provider}", partial(broken_stream, f"{provider}/disconnects")
        yield f"fails {provider}", partial(broken_stream, f"{provider}/fails")


def ours() -> Iterator[tuple[str, cases.Case]]:
    """Yield the cases in which the gateway itself refuses."""
    model = given["models"]["kimi"]
    wrong_key = client.with_options(api_key="made-up-key")
    at_fault = client.with_options(base_url=given["at_fault"])
    retrying = client.with_options(max_retries=2)
    wrong_role = [{"role": "unknown", "content": HELLO}]
    yield "wrong role", partial(ask, model, messages=wrong_role)
    yield "wrong key", partial(ask, model, wrong_key)
    yield "provider without a key", partial(ask, "keyless/model")
    yield "unknown model", partial(client.models.retrieve, "kimi/no-such-model")
    yield "too large", partial(ask, model, messages=cases.user("x" * TOO_MUCH))
    yield "our fault", partial(ask, model, at_fault)
    yield "too slow", partial(ask, "impatient/stalls")
    yield "too slow, streamed", partial(ask, "impatient/stalls", stream=True)
    yield "busy once", partial(ask, "hurried/busy-once", retrying)
    yield "spent for good", partial(ask, "kimi/spent-for-good", retrying)
    yield "key refused for good", partial(ask, "kimi/refused-for-good", retrying)
    yield "models", models


if __name__ == "__main__":
    cases.run("openai", [*every(), *ours()])
