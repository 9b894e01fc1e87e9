"""pydantic-ai's OpenAIChatModel: every feature with every provider."""
# mypy: disable-error-code="import-not-found"
# (runs in .venv-clients, which the type checker does not see)

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic_ai import Agent, BinaryContent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.clients.scripts import cases
from tests.clients.scripts.cases import ASK_IMAGE, ASK_JSON, ASK_WEATHER, HELLO, Weather

given = cases.parameters()
gateway = OpenAIProvider(base_url=given["url"], api_key=given["key"])


def agent(model: str, **more: Any) -> Any:
    return Agent(OpenAIChatModel(model, provider=gateway), **more)


def tokens(result: Any) -> list[int]:
    usage = result.usage() if callable(result.usage) else result.usage
    return [usage.input_tokens, usage.output_tokens]


async def text(model: str) -> Any:
    result = await agent(model).run(HELLO)
    return {"text": result.output, "tokens": tokens(result)}


async def stream(model: str) -> Any:
    async with agent(model).run_stream(HELLO) as result:
        pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
    return {"text": "".join(pieces), "pieces": len(pieces), "tokens": tokens(result)}


async def tool(model: str, **settings: Any) -> Any:
    with_tool = agent(model, tools=[cases.weather], model_settings=settings)
    result = await with_tool.run(ASK_WEATHER)
    return {"text": result.output, "calls": list(cases.CALLS)}


async def schema(model: str, output: Any) -> Any:
    result = await agent(model, output_type=output).run(ASK_JSON)
    return {"type": type(result.output).__name__, **result.output.model_dump()}


async def image(model: str) -> Any:
    picture = BinaryContent(cases.PNG, media_type="image/png")
    result = await agent(model).run([ASK_IMAGE, picture])
    return {"text": result.output}


FEATURES: dict[str, Callable[[str], Any]] = {
    "text": text,
    "stream": stream,
    "tool round trip": tool,
    "schema": partial(schema, output=NativeOutput(Weather)),
    "image": image,
    "tools with thinking": partial(tool, openai_reasoning_effort="low"),
    "schema as a forced tool call": partial(schema, output=Weather),
}

if __name__ == "__main__":
    every = (
        (f"{feature} {provider}", partial(use, model))
        for feature, use in FEATURES.items()
        for provider, model in given["models"].items()
    )
    cases.run("pydantic-ai-slim", every)
