"""The openai SDK, async: every feature with every provider, the providers all at once."""
# mypy: disable-error-code="import-not-found"
# (runs in .venv-clients, which the type checker does not see)

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from openai import AsyncOpenAI

from tests.clients.scripts import cases
from tests.clients.scripts.cases import ASK_JSON, ASK_WEATHER, HELLO, TOOL, Weather

given = cases.parameters()
client = AsyncOpenAI(base_url=given["url"], api_key=given["key"], max_retries=0, timeout=30)


async def text(model: str) -> Any:
    answer = await client.chat.completions.create(model=model, messages=cases.user(HELLO))
    tokens = [answer.usage.prompt_tokens, answer.usage.completion_tokens]
    return {"text": answer.choices[0].message.content, "tokens": tokens}


async def stream(model: str) -> Any:
    chunks = await client.chat.completions.create(
        model=model,
        messages=cases.user(HELLO),
        stream=True,
        stream_options={"include_usage": True},
    )
    pieces, tokens = [], []
    async for chunk in chunks:
        pieces += [choice.delta.content for choice in chunk.choices if choice.delta.content]
        if chunk.usage:
            tokens = [chunk.usage.prompt_tokens, chunk.usage.completion_tokens]
    return {"text": "".join(pieces), "pieces": len(pieces), "tokens": tokens}


async def tool(model: str) -> Any:
    messages, cities = cases.user(ASK_WEATHER), []
    async with client.chat.completions.stream(
        model=model, messages=messages, tools=[TOOL]
    ) as events:
        message = (await events.get_final_completion()).choices[0].message
    messages.append(message.model_dump(exclude_none=True))
    for call in message.tool_calls:
        cities.append(json.loads(call.function.arguments)["city"])
        gave = cases.weather(cities[-1])
        messages.append({"role": "tool", "tool_call_id": call.id, "content": gave})
    answer = await client.chat.completions.create(model=model, messages=messages, tools=[TOOL])
    return {"text": answer.choices[0].message.content, "calls": cities}


async def schema(model: str) -> Any:
    answer = await client.chat.completions.parse(
        model=model, messages=cases.user(ASK_JSON), response_format=Weather
    )
    parsed = answer.choices[0].message.parsed
    return {"type": type(parsed).__name__, **parsed.model_dump()}


async def image(model: str) -> Any:
    answer = await client.chat.completions.create(
        model=model, messages=cases.user(cases.pictured(cases.data_url()))
    )
    return {"text": answer.choices[0].message.content}


FEATURES: dict[str, Callable[[str], Any]] = {
    "text": text,
    "stream": stream,
    "tool round trip": tool,
    "schema": schema,
    "image": image,
}


async def all_at_once() -> dict[str, Any]:
    named = {
        f"{feature} {provider}": cases.outcome(partial(use, model))
        for feature, use in FEATURES.items()
        for provider, model in given["models"].items()
    }
    return dict(zip(named, await asyncio.gather(*named.values()), strict=True))


if __name__ == "__main__":
    cases.write("openai", asyncio.run(all_at_once()))
