"""The openai SDK: every answer against its own types, and every failure as its exceptions."""
# mypy: disable-error-code="import-not-found"
# (it runs in .venv-clients, which the type checker does not see)

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

given = cases.given()
client = OpenAI(base_url=given["url"], api_key=given["key"], max_retries=0, timeout=30)

FAULTS = (
    *("refuses", "unauthorized", "forbidden", "gone"),
    *("busy", "spent", "broken", "overloaded"),
)
# How many megabytes no Lambda takes.
TOO_MUCH = 6 * 1024 * 1024


def strangers(value: Any, place: str = "") -> Iterator[str]:
    """The fields that the SDK's types do not know."""
    if isinstance(value, list):
        for item in value:
            yield from strangers(item, place)
    if isinstance(value, BaseModel):
        yield from (f"{place}{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from strangers(getattr(value, name), f"{place}{name}.")


def whole(model: str, **more: Any) -> Any:
    """What the types do not know of an answer, which is otherwise valid by them to the letter."""
    raw = client.chat.completions.with_raw_response.create(model=model, **more)
    answer = ChatCompletion.model_validate_json(raw.content, strict=True)
    return sorted(set(strangers(answer)))


def streamed(model: str, **more: Any) -> Any:
    """The same of every chunk, and how the stream ends."""
    with client.chat.completions.with_streaming_response.create(
        model=model, stream=True, **more
    ) as response:
        lines = [line for line in response.iter_lines() if line and not line.startswith(":")]
    assert all(line.startswith("data: ") for line in lines), lines
    data = [line.removeprefix("data: ") for line in lines]
    found: set[str] = set()
    for text in data[:-1]:
        found |= set(strangers(ChatCompletionChunk.model_validate_json(text, strict=True)))
    return {"unknown": sorted(found), "last": data[-1], "chunks": len(data) > 3}


def models() -> Any:
    """The ids of the list, each of which can be had by itself."""
    raw = client.models.with_raw_response.list()
    listed = [Model.model_validate(model, strict=True) for model in json.loads(raw.content)["data"]]
    return [client.models.retrieve(model.id).id for model in listed]


def ask(model: str, to: OpenAI = client, **more: Any) -> Any:
    more.setdefault("messages", cases.user(HELLO))
    return to.chat.completions.create(model=model, **more).choices[0].message.content


def broken_stream(model: str) -> Any:
    """The text until it broke, and what was raised then."""
    pieces: list[str] = []
    finish = None
    try:
        for chunk in client.chat.completions.create(
            model=model, messages=cases.user(HELLO), stream=True
        ):
            pieces.append(chunk.choices[0].delta.content or "")
            finish = finish or chunk.choices[0].finish_reason
    except Exception as error:  # noqa: BLE001  # what was raised is what the tests look at
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
        yield f"dies {provider}", partial(broken_stream, f"{provider}/dies")
        yield f"errs {provider}", partial(broken_stream, f"{provider}/errs")


def ours() -> Iterator[tuple[str, cases.Case]]:
    """What the gateway itself says no to."""
    model = given["models"]["kimi"]
    stranger = client.with_options(api_key="made-up-key-of-nobody")
    at_fault = client.with_options(base_url=given["at_fault"])
    patient = client.with_options(max_retries=2)
    wrong_role = [{"role": "nobody", "content": HELLO}]
    yield "wrong role", partial(ask, model, messages=wrong_role)
    yield "wrong key", partial(ask, model, stranger)
    yield "provider without a key", partial(ask, "keyless/model")
    yield "model of another dialect", partial(ask, "opencode/gpt-5.2")
    yield "no such model", partial(client.models.retrieve, "kimi/no-such-model")
    yield "too large", partial(ask, model, messages=cases.user("x" * TOO_MUCH))
    yield "our fault", partial(ask, model, at_fault)
    yield "too slow", partial(ask, "impatient/stalls")
    yield "too slow, streamed", partial(ask, "impatient/stalls", stream=True)
    yield "busy once", partial(ask, "hurried/busy-once", patient)
    yield "spent for good", partial(ask, "kimi/spent-for-good", patient)
    yield "key refused for good", partial(ask, "kimi/refused-for-good", patient)
    yield "models", models


if __name__ == "__main__":
    cases.tell("openai", [*every(), *ours()])
