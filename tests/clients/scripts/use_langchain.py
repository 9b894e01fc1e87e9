"""LangChain's ChatOpenAI: every feature with every provider."""
# mypy: disable-error-code="import-not-found"
# (runs in .venv-clients, which the type checker does not see)

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from langchain_core.messages import HumanMessage
from langchain_core.tools import tool as as_tool
from langchain_openai import ChatOpenAI

from tests.clients.scripts import cases
from tests.clients.scripts.cases import ASK_JSON, ASK_WEATHER, HELLO, Weather

given = cases.parameters()


def chat(model: str, **more: Any) -> Any:
    return ChatOpenAI(
        model=model,
        base_url=given["url"],
        api_key=given["key"],
        max_retries=0,
        timeout=30,
        stream_usage=True,
        **more,
    )


def tokens(message: Any) -> list[int]:
    return [message.usage_metadata["input_tokens"], message.usage_metadata["output_tokens"]]


def text(model: str) -> Any:
    answer = chat(model).invoke(HELLO)
    return {"text": answer.content, "tokens": tokens(answer)}


def stream(model: str) -> Any:
    chunks = list(chat(model).stream(HELLO))
    together = chunks[0]
    for chunk in chunks[1:]:
        together += chunk
    pieces = [chunk.content for chunk in chunks if chunk.content]
    return {"text": together.content, "pieces": len(pieces), "tokens": tokens(together)}


def tool(model: str, **more: Any) -> Any:
    weather = as_tool(cases.weather)
    bound = chat(model, **more).bind_tools([weather])
    called = bound.invoke(ASK_WEATHER)
    gave = [weather.invoke(call) for call in called.tool_calls]
    answer = bound.invoke([HumanMessage(ASK_WEATHER), called, *gave])
    return {"text": answer.content, "calls": list(cases.CALLS)}


def schema(model: str, method: str = "json_schema") -> Any:
    parsed = chat(model).with_structured_output(Weather, method=method).invoke(ASK_JSON)
    return {"type": type(parsed).__name__, **parsed.model_dump()}


def image(model: str) -> Any:
    answer = chat(model).invoke([HumanMessage(content=cases.pictured(cases.data_url()))])
    return {"text": answer.content}


FEATURES: dict[str, Callable[[str], Any]] = {
    "text": text,
    "stream": stream,
    "tool round trip": tool,
    "schema": schema,
    "image": image,
    "tools with thinking": partial(tool, reasoning_effort="low"),
    "schema as a forced tool call": partial(schema, method="function_calling"),
}

if __name__ == "__main__":
    every = (
        (f"{feature} {provider}", partial(use, model))
        for feature, use in FEATURES.items()
        for provider, model in given["models"].items()
    )
    cases.run("langchain-openai", every)
