"""The Anthropic SDK: every feature with every provider, and the gaps."""
# mypy: disable-error-code="import-not-found"
# (runs in .venv-agents, which the type checker does not see)

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

from anthropic import Anthropic

from tests.clients.scripts import cases
from tests.clients.scripts.cases import ASK_IMAGE, ASK_JSON, ASK_WEATHER, HELLO, TOOL, Weather

given = cases.parameters()
client = Anthropic(
    base_url=given["url"].removesuffix("/v1"), api_key=given["key"], max_retries=0, timeout=30
)

WEATHER = {
    "name": "weather",
    "description": "Return the weather in a city.",
    "input_schema": TOOL["function"]["parameters"],
}
TIME = {**WEATHER, "name": "local_time"}


def create(model: str, content: Any, **more: Any) -> Any:
    return client.messages.create(
        model=model, max_tokens=1000, messages=cases.user(content), **more
    )


def texts(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def calls(message: Any) -> list[Any]:
    return [block for block in message.content if block.type == "tool_use"]


def tokens(message: Any) -> list[int]:
    return [message.usage.input_tokens, message.usage.output_tokens]


def text(model: str) -> Any:
    message = create(model, HELLO)
    return {"text": texts(message), "tokens": tokens(message), "finish": message.stop_reason}


def stream(model: str) -> Any:
    with client.messages.stream(model=model, max_tokens=1000, messages=cases.user(HELLO)) as events:
        pieces = list(events.text_stream)
        message = events.get_final_message()
    return {"text": "".join(pieces), "pieces": len(pieces), "tokens": tokens(message)}


def tool(model: str, *, streamed: bool = False, **more: Any) -> Any:
    messages = cases.user(ASK_WEATHER)
    sent = {"model": model, "max_tokens": 4000, "tools": [WEATHER], **more}
    if streamed:
        with client.messages.stream(messages=messages, **sent) as events:
            called = events.get_final_message()
    else:
        called = client.messages.create(messages=messages, **sent)
    results = [
        {
            "type": "tool_result",
            "tool_use_id": call.id,
            "content": cases.weather(call.input["city"]),
        }
        for call in calls(called)
    ]
    messages += [{"role": "assistant", "content": called.content}, *cases.user(results)]
    answer = client.messages.create(messages=messages, **sent)
    return {"text": texts(answer), "calls": list(cases.CALLS), "finish": called.stop_reason}


def two_tools(model: str, **more: Any) -> Any:
    """Return the names of tools that the model calls in parallel."""
    with client.messages.stream(
        model=model,
        max_tokens=1000,
        messages=cases.user(ASK_WEATHER),
        tools=[WEATHER, TIME],
        **more,
    ) as events:
        called = calls(events.get_final_message())
    assert len({call.id for call in called}) == len(called)
    return [call.name for call in called]


def forced_tool(model: str) -> Any:
    """Return the names of called tools where `tool_choice` forces the second."""
    choice = {"type": "tool", "name": "weather"}
    message = create(model, ASK_WEATHER, tools=[TIME, WEATHER], tool_choice=choice)
    return [call.name for call in calls(message)]


def schema(model: str) -> Any:
    message = client.messages.parse(
        model=model, max_tokens=1000, messages=cases.user(ASK_JSON), output_format=Weather
    )
    parsed = message.parsed_output
    return {"type": type(parsed).__name__, **parsed.model_dump()}


def image(model: str) -> Any:
    data = base64.b64encode(cases.PNG).decode()
    source = {"type": "base64", "media_type": "image/png", "data": data}
    content = [{"type": "text", "text": ASK_IMAGE}, {"type": "image", "source": source}]
    return {"text": texts(create(model, content))}


def thinking(model: str) -> Any:
    enabled = {"type": "enabled", "budget_tokens": 1024}
    message = client.messages.create(
        model=model, max_tokens=4000, messages=cases.user(HELLO), thinking=enabled
    )
    with client.messages.stream(
        model=model, max_tokens=4000, messages=cases.user(HELLO), thinking=enabled
    ) as events:
        streamed = events.get_final_message()
    return {
        "text": texts(message),
        "thinking": thoughts(message),
        "streamed thinking": thoughts(streamed),
    }


def thoughts(message: Any) -> str:
    return "".join(block.thinking for block in message.content if block.type == "thinking")


def count_tokens(model: str) -> Any:
    """Return whether the count is a positive number, whoever counts."""
    counted = client.messages.count_tokens(
        model=model, messages=cases.user(HELLO), system="Be brief.", tools=[WEATHER]
    )
    return counted.input_tokens > 0


def model_list(model: str) -> Any:
    """Return whether the list has the model, read page by page."""
    names = [entry.id for entry in client.models.list(limit=2)]
    return {"listed": model in names, "once": len(names) == len(set(names))}


def request_ids(model: str) -> Any:
    return bool(create(model, HELLO)._request_id)


FEATURES: dict[str, Callable[[str], Any]] = {
    "text": text,
    "stream": stream,
    "tool round trip": tool,
    "schema": schema,
    "image": image,
    "streamed tool call": partial(tool, streamed=True),
    "two parallel tool calls, streamed": two_tools,
    "required tool call: `tool_choice`": forced_tool,
    "single tool call: `disable_parallel_tool_use`": partial(
        two_tools, tool_choice={"type": "auto", "disable_parallel_tool_use": True}
    ),
    "tools with thinking": partial(
        tool, thinking={"type": "enabled", "budget_tokens": 1024}, streamed=True
    ),
    "thinking, whole and streamed": thinking,
    "`count_tokens`": count_tokens,
    "`models.list`": model_list,
    "`request-id`": request_ids,
}

if __name__ == "__main__":
    cases.run(
        "anthropic",
        [
            (f"{feature} {provider}", partial(use, model))
            for provider, model in given["models"].items()
            for feature, use in FEATURES.items()
        ],
    )
