"""The openai SDK's `responses`: every feature with every provider, and the gaps."""
# mypy: disable-error-code="import-not-found"
# (runs in .venv-agents, which the type checker does not see)

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from openai import OpenAI

from tests.clients.scripts import cases
from tests.clients.scripts.cases import ASK_IMAGE, ASK_JSON, ASK_WEATHER, HELLO, TOOL, Weather

given = cases.parameters()
client = OpenAI(base_url=given["url"], api_key=given["key"], max_retries=0, timeout=30)
responses = client.responses

WEATHER = {"type": "function", "strict": False, **TOOL["function"]}
TIME = {**WEATHER, "name": "local_time"}
SHOUT = {"type": "custom", "name": "shout", "description": "Shout a text."}


def calls(response: Any) -> list[Any]:
    return [item for item in response.output if item.type == "function_call"]


def tokens(response: Any) -> list[int]:
    return [response.usage.input_tokens, response.usage.output_tokens]


def text(model: str, **more: Any) -> Any:
    response = responses.create(model=model, input=HELLO, **more)
    return {"text": response.output_text, "tokens": tokens(response), "status": response.status}


def stream(model: str) -> Any:
    with responses.stream(model=model, input=HELLO) as events:
        seen = list(events)
        response = events.get_final_response()
    pieces = [event.delta for event in seen if event.type == "response.output_text.delta"]
    return {
        "text": "".join(pieces),
        "pieces": len(pieces),
        "tokens": tokens(response),
        "numbers": [event.sequence_number for event in seen] == list(range(len(seen))),
        "first": seen[0].type,
        "last": seen[-1].type,
    }


def tool(model: str, *, streamed: bool = False, **more: Any) -> Any:
    """Send the items of the call back, with its results."""
    sent = {"model": model, "tools": [WEATHER], "store": False, **more}
    called = _called(sent, streamed=streamed)
    items = [*cases.user(ASK_WEATHER), *(item.model_dump() for item in called.output)]
    answer = responses.create(input=[*items, *results(called)], **sent)
    return {"text": answer.output_text, "calls": list(cases.CALLS)}


def stored_tool(model: str) -> Any:
    """Send the results alone, with the id of the response that has the calls."""
    sent = {"model": model, "tools": [WEATHER]}
    called = _called(sent, streamed=False)
    answer = responses.create(input=results(called), previous_response_id=called.id, **sent)
    stored = responses.retrieve(answer.id)
    responses.delete(answer.id)
    return {
        "text": answer.output_text,
        "calls": list(cases.CALLS),
        "stored": stored.output_text == answer.output_text,
    }


def _called(sent: dict[str, Any], *, streamed: bool) -> Any:
    if not streamed:
        return responses.create(input=ASK_WEATHER, **sent)
    with responses.stream(input=ASK_WEATHER, **sent) as events:
        return events.get_final_response()


def results(called: Any) -> list[dict[str, Any]]:
    return [
        {
            "type": "function_call_output",
            "call_id": call.call_id,
            "output": cases.weather(**json.loads(call.arguments)),
        }
        for call in calls(called)
    ]


def two_tools(model: str, **more: Any) -> Any:
    """Return the names of tools that the model calls in parallel."""
    with responses.stream(model=model, input=ASK_WEATHER, tools=[WEATHER, TIME], **more) as events:
        called = calls(events.get_final_response())
    assert len({call.call_id for call in called}) == len(called)
    return [call.name for call in called]


def forced_tool(model: str) -> Any:
    """Return the names of called tools where `tool_choice` forces the second."""
    choice = {"type": "function", "name": "weather"}
    response = responses.create(
        model=model, input=ASK_WEATHER, tools=[TIME, WEATHER], tool_choice=choice
    )
    return [call.name for call in calls(response)]


def custom_tool(model: str) -> Any:
    """Return the name and type of the input of a call of a custom tool, and the next answer."""
    sent = {"model": model, "tools": [SHOUT], "store": False}
    called = responses.create(input=HELLO, **sent)
    (call,) = [item for item in called.output if item.type == "custom_tool_call"]
    gave = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "noon"}
    items = [*cases.user(HELLO), *(item.model_dump() for item in called.output), gave]
    answer = responses.create(input=items, **sent)
    return {"name": call.name, "input": call.input, "text": answer.output_text}


def namespaced_tool(model: str) -> Any:
    """Return the namespace and name of the called tool."""
    space = {"type": "namespace", "name": "town", "description": "A town.", "tools": [WEATHER]}
    body = {"model": model, "input": ASK_WEATHER}
    response = responses.create(**body, extra_body={"tools": [space]})
    return [[call.namespace, call.name] for call in calls(response)]


def schema(model: str) -> Any:
    parsed = responses.parse(model=model, input=ASK_JSON, text_format=Weather).output_parsed
    return {"type": type(parsed).__name__, **parsed.model_dump()}


def image(model: str) -> Any:
    parts = [
        {"type": "input_text", "text": ASK_IMAGE},
        {"type": "input_image", "image_url": cases.data_url(), "detail": "auto"},
    ]
    return {"text": responses.create(model=model, input=cases.user(parts)).output_text}


def thinking(model: str) -> Any:
    body = {"model": model, "input": HELLO, "reasoning": {"effort": "low", "summary": "auto"}}
    response = responses.create(**body)
    with responses.stream(**body) as events:
        streamed = events.get_final_response()
    return {
        "text": response.output_text,
        "thinking": thoughts(response),
        "streamed thinking": thoughts(streamed),
    }


def thoughts(response: Any) -> str:
    """Return the reasoning, of which a provider gives a summary or the whole text."""
    reasoning = [item for item in response.output if item.type == "reasoning"]
    parts = [part for item in reasoning for part in (*item.summary, *(item.content or ()))]
    return "".join(part.text for part in parts)


FEATURES: dict[str, Callable[[str], Any]] = {
    "text": text,
    "stream": stream,
    "tool round trip": tool,
    "schema": schema,
    "image": image,
    "streamed tool call": partial(tool, streamed=True),
    "two parallel tool calls, streamed": two_tools,
    "required tool call: `tool_choice`": forced_tool,
    "single tool call: `parallel_tool_calls`": partial(two_tools, parallel_tool_calls=False),
    "tools with thinking": partial(
        tool, reasoning={"effort": "low"}, include=["reasoning.encrypted_content"]
    ),
    "thinking, whole and streamed": thinking,
    "custom tool": custom_tool,
    "namespaced tool": namespaced_tool,
    "`previous_response_id`, retrieve, delete": stored_tool,
    "`user`, `metadata`, `store`": partial(text, user="u", metadata={"a": "b"}, store=False),
}

if __name__ == "__main__":
    cases.run(
        "openai",
        [
            (f"{feature} {provider}", partial(use, model))
            for provider, model in given["models"].items()
            for feature, use in FEATURES.items()
        ],
    )
