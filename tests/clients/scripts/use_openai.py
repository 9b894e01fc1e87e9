"""The openai SDK, sync: every feature with every provider, and the gaps."""
# mypy: disable-error-code="import-not-found"
# (runs in .venv-clients, which the type checker does not see)

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from openai import OpenAI

from tests.clients.scripts import cases
from tests.clients.scripts.cases import ASK_JSON, ASK_WEATHER, HELLO, TOOL, Weather

given = cases.parameters()
client = OpenAI(base_url=given["url"], api_key=given["key"], max_retries=0, timeout=30)
completions = client.chat.completions

TIME = {"type": "function", "function": {**TOOL["function"], "name": "local_time"}}
FORCED = {"type": "function", "function": {"name": "weather"}}


def text(model: str, **more: Any) -> Any:
    answer = completions.create(model=model, messages=cases.user(HELLO), **more)
    choice = answer.choices[0]
    tokens = [answer.usage.prompt_tokens, answer.usage.completion_tokens]
    return {"text": choice.message.content, "tokens": tokens, "finish": choice.finish_reason}


def stream(model: str) -> Any:
    options = {"include_usage": True}
    chunks = list(
        completions.create(
            model=model, messages=cases.user(HELLO), stream=True, stream_options=options
        )
    )
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    pieces = [choice.delta.content for choice in choices if choice.delta.content]
    (usage,) = [chunk.usage for chunk in chunks if chunk.usage]
    return {
        "text": "".join(pieces),
        "pieces": len(pieces),
        "tokens": [usage.prompt_tokens, usage.completion_tokens],
        "role comes first": choices[0].delta.role == "assistant",
        "usage comes last": chunks[-1].usage is usage and chunks[-1].choices == [],
        "finish": [choice.finish_reason for choice in choices if choice.finish_reason],
        "ids": len({chunk.id for chunk in chunks}),
    }


def tool(model: str, *, streamed: bool = False, **more: Any) -> Any:
    messages = cases.user(ASK_WEATHER)
    if streamed:
        with completions.stream(model=model, messages=messages, tools=[TOOL], **more) as events:
            called = events.get_final_completion()
        sent_back = called.choices[0].message.model_dump()
    else:
        called = completions.create(model=model, messages=messages, tools=[TOOL], **more)
        sent_back = called.choices[0].message
    message = called.choices[0].message
    messages.append(sent_back)
    for call in message.tool_calls:
        gave = cases.weather(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": gave})
    answer = completions.create(model=model, messages=messages, tools=[TOOL], **more)
    return {
        "text": answer.choices[0].message.content,
        "calls": list(cases.CALLS),
        "finish": called.choices[0].finish_reason,
    }


def two_tools(model: str, **more: Any) -> Any:
    """Return the names of tools that the model calls in parallel."""
    with completions.stream(
        model=model, messages=cases.user(ASK_WEATHER), tools=[TOOL, TIME], **more
    ) as events:
        message = events.get_final_completion().choices[0].message
    assert len({call.id for call in message.tool_calls}) == len(message.tool_calls)
    return [call.function.name for call in message.tool_calls]


def forced_tool(model: str) -> Any:
    """Return the names of called tools where `tool_choice` forces the second."""
    answer = completions.create(
        model=model, messages=cases.user(ASK_WEATHER), tools=[TIME, TOOL], tool_choice=FORCED
    )
    return [call.function.name for call in answer.choices[0].message.tool_calls]


def turns(model: str) -> Any:
    """Send a message of every role, with texts in parts where allowed."""

    def parts(text: str) -> list[dict[str, Any]]:
        return [{"type": "text", "text": text}]

    call = {"id": "call_x", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    picture = {"type": "image_url", "image_url": {"url": cases.data_url(), "detail": "low"}}
    messages: list[dict[str, Any]] = [
        {"role": "developer", "content": parts("Be brief.")},
        {"role": "user", "content": [*parts("Hello."), picture], "name": "zoe"},
        {"role": "assistant", "content": parts("Hello to you.")},
        *cases.user(parts("What time is it?")),
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_x", "content": parts("noon")},
    ]
    bare = {"type": "function", "function": {"name": "now"}}
    answer = completions.create(model=model, messages=messages, tools=[bare])
    return {"text": answer.choices[0].message.content}


def request_ids(model: str) -> Any:
    """Return whether an answer and a stream have the request's id and one id of their own."""
    answer = completions.create(model=model, messages=cases.user(HELLO))
    with completions.create(model=model, messages=cases.user(HELLO), stream=True) as chunks:
        header, ids = chunks.response.headers.get("x-request-id"), {chunk.id for chunk in chunks}
    whole = bool(answer._request_id and answer.id)  # as documented
    return {"whole": whole, "streamed": bool(header) and len(ids) == 1 and all(ids)}


def schema(model: str) -> Any:
    answer = completions.parse(model=model, messages=cases.user(ASK_JSON), response_format=Weather)
    parsed = answer.choices[0].message.parsed
    return {"type": type(parsed).__name__, **parsed.model_dump()}


def schema_streamed(model: str) -> Any:
    """Return the parsed answer of a stream, and whether the stream had several pieces."""
    with completions.stream(
        model=model, messages=cases.user(ASK_JSON), response_format=Weather
    ) as events:
        pieces = [event.delta for event in events if event.type == "content.delta"]
        parsed = events.get_final_completion().choices[0].message.parsed
    return {**parsed.model_dump(), "in pieces": len(pieces) > 1}


def json_object(model: str) -> Any:
    answer = completions.create(
        model=model, messages=cases.user(ASK_JSON), response_format={"type": "json_object"}
    )
    return json.loads(answer.choices[0].message.content)


def image(model: str, url: str) -> Any:
    answer = completions.create(model=model, messages=cases.user(cases.pictured(url)))
    return {"text": answer.choices[0].message.content}


def thinking(model: str) -> Any:
    """Return the answer and the thinking, whole and streamed."""
    body = {"model": model, "messages": cases.user(HELLO), "reasoning_effort": "low"}
    message = completions.create(**body).choices[0].message
    deltas = [chunk.choices[0].delta for chunk in completions.create(**body, stream=True)]
    return {
        "text": message.content,
        "thinking": message.reasoning_content,
        "streamed thinking": "".join(getattr(d, "reasoning_content", "") for d in deltas),
    }


def two_answers(model: str) -> Any:
    answer = completions.create(model=model, messages=cases.user(HELLO), n=2)
    return [choice.message.content for choice in answer.choices]


def temperature(model: str) -> Any:
    """Return the dropped parameters from the response's header."""
    raw = completions.with_raw_response.create(
        model=model, messages=cases.user(HELLO), temperature=0.3
    )
    assert raw.parse().choices[0].message.content
    return raw.headers.get("x-chatd-dropped-params", "nothing")


def completion(model: str, **more: Any) -> Any:
    """Return a text completion, whole and streamed."""
    body = {"model": model, "prompt": HELLO, **more}
    whole = client.completions.create(**body)
    options = {"include_usage": True}
    chunks = list(client.completions.create(**body, stream=True, stream_options=options))
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    tokens = [
        [usage.prompt_tokens, usage.completion_tokens]
        for usage in (whole.usage, *(chunk.usage for chunk in chunks))
        if usage
    ]
    return {
        "text": whole.choices[0].text,
        "streamed": "".join(choice.text for choice in choices),
        "in pieces": len(choices) > 3,
        "finish": [whole.choices[0].finish_reason, choices[-1].finish_reason],
        "tokens": tokens,
        "objects": sorted({whole.object, *(chunk.object for chunk in chunks)}),
    }


CASES: dict[str, Callable[[str], Any]] = {
    "text": text,
    "stream": stream,
    "tool round trip": tool,
    "schema": schema,
    "image": partial(image, url=cases.data_url()),
    "streamed tool call": partial(tool, streamed=True),
    "two parallel tool calls, streamed": two_tools,
    "single tool call: `parallel_tool_calls`": partial(two_tools, parallel_tool_calls=False),
    "required tool call: `tool_choice`": forced_tool,
    "tools with thinking": partial(tool, reasoning_effort="low"),
    "JSON object": json_object,
    "schema, streamed": schema_streamed,
    "image by its https URL": partial(image, url="https://pictures.example/cat.png"),
    "a message of every role, texts in parts": turns,
    "`x-request-id`, whole and streamed": request_ids,
    "thinking, whole and streamed": thinking,
    "`temperature`": temperature,
    "completion, whole and streamed: `completions.create`": completion,
    "fill-in-the-middle: `suffix`": partial(completion, suffix=" Thanks."),
    "two choices: `n` = 2": two_answers,
    "`logit_bias`": partial(text, logit_bias={"50256": -100}),
    "`user`, `metadata`, `store`, `n` = 1": partial(
        text, user="u", metadata={"a": "b"}, store=False, n=1
    ),
}

if __name__ == "__main__":
    every = (
        (f"{case} {provider}", partial(use, model))
        for case, use in CASES.items()
        for provider, model in given["models"].items()
    )
    cases.run("openai", every)
