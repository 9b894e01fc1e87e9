"""openai-agents in its default mode: every feature with every provider, and a handoff."""
# mypy: disable-error-code="import-not-found"
# (runs in .venv-agents, which the type checker does not see)

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import agents
from agents import Agent, Runner
from openai import AsyncOpenAI

from tests.clients.scripts import cases
from tests.clients.scripts.cases import ASK_IMAGE, ASK_JSON, ASK_WEATHER, HELLO, Weather

given = cases.parameters()
client = AsyncOpenAI(base_url=given["url"], api_key=given["key"], max_retries=0, timeout=30)
agents.set_default_openai_client(client, use_for_tracing=False)
agents.set_tracing_disabled(disabled=True)

weather = agents.function_tool(cases.weather)


def agent(model: str, **more: Any) -> Any:
    # A model's name with a slash would select a provider of the library.
    chosen = agents.OpenAIProvider(openai_client=client).get_model(model)
    return Agent(name="Zoe", model=chosen, **more)


def tokens(result: Any) -> list[int]:
    usage = result.context_wrapper.usage
    return [usage.input_tokens, usage.output_tokens]


async def text(model: str) -> Any:
    result = await Runner.run(agent(model), HELLO)
    return {"text": result.final_output, "tokens": tokens(result)}


async def stream(model: str) -> Any:
    result = Runner.run_streamed(agent(model), HELLO)
    events = [event.data async for event in result.stream_events() if hasattr(event, "data")]
    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    return {"text": "".join(pieces), "pieces": len(pieces), "tokens": tokens(result)}


async def tool(model: str, **more: Any) -> Any:
    result = await Runner.run(agent(model, tools=[weather], **more), ASK_WEATHER)
    return {"text": result.final_output, "calls": list(cases.CALLS)}


async def streamed_tool(model: str) -> Any:
    result = Runner.run_streamed(agent(model, tools=[weather]), ASK_WEATHER)
    async for _ in result.stream_events():
        pass
    return {"text": result.final_output, "calls": list(cases.CALLS)}


async def schema(model: str) -> Any:
    result = await Runner.run(agent(model, output_type=Weather), ASK_JSON)
    return {"type": type(result.final_output).__name__, **result.final_output.model_dump()}


async def image(model: str) -> Any:
    parts = [
        {"type": "input_text", "text": ASK_IMAGE},
        {"type": "input_image", "image_url": cases.data_url(), "detail": "auto"},
    ]
    result = await Runner.run(agent(model), cases.user(parts))
    return {"text": result.final_output}


async def handoff(model: str) -> Any:
    """Return the agent that gave the answer, after a handoff by a tool call."""
    second = Agent(name="Second", model=agent(model).model)
    result = await Runner.run(agent(model, handoffs=[second]), HELLO)
    return {"agent": result.last_agent.name}


FEATURES: dict[str, Callable[[str], Any]] = {
    "text": text,
    "stream": stream,
    "tool round trip": tool,
    "schema": schema,
    "image": image,
    "streamed tool call": streamed_tool,
    "handoff": handoff,
}

if __name__ == "__main__":
    cases.run(
        "openai-agents",
        [
            (f"{feature} {provider}", partial(use, model))
            for provider, model in given["models"].items()
            for feature, use in FEATURES.items()
        ],
    )
