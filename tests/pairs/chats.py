"""Chats and answers without any API's shape: what every pair must carry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"
PAPER = "JVBERi0xLjEKJSVFT0YK"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"path": {"type": "string"}},
    "required": ["path"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `arguments` is the JSON text of a function, or the input of a custom tool."""

    id: str
    name: str
    arguments: str
    namespace: str | None = None
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a tool call, with its pictures in base64."""

    call_id: str
    text: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn; tool results and the user's text after them are one turn."""

    role: str
    text: str = ""
    images: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    results: tuple[Result, ...] = ()


@dataclass(frozen=True, slots=True)
class Chat:
    """A request.

    Attributes:
        turns: The conversation without the system text.
        system: The system text.
        tools: The names of the offered functions; each takes a `path`.
        custom: The names of the offered tools with free text.
        namespace: The namespace of all tools.
        forced: The name of the function that the model must call.
        in_format: Whether the function is forced by a format, and its call is a text.
        schema: The JSON Schema of the answer.
        stop: Stop sequences.
        effort: How hard to think; `none` to withhold thinking.

    """

    turns: tuple[Turn, ...]
    system: str = ""
    tools: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    namespace: str | None = None
    forced: str | None = None
    schema: Mapping[str, Any] | None = None
    stop: tuple[str, ...] = ()
    effort: str | None = None
    in_format: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts; None for a count that an API lacks."""

    input: int = 20
    output: int = 10
    cached: int | None = None
    written: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A response.

    Attributes:
        text: The text.
        thinking: The readable thinking.
        signature: The maker's token beside the thinking.
        refusal: The refusal, where an API keeps it apart from the text.
        calls: The tool calls.
        finish: `stop`, `stop_sequence`, `length`, `tool_calls`, `content_filter`.
        stop_sequence: The sequence that ended the answer.
        tokens: The token counts.

    """

    text: str = ""
    thinking: str = ""
    signature: str = ""
    refusal: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    stop_sequence: str | None = None
    tokens: Tokens = Tokens()


def as_offered(answer: Answer, chat: Chat) -> Answer:
    """Return the answer with its calls of the tools as a provider was offered them.

    A dialect without custom tools or namespaces offers functions in their place, and one without a
    choice of tools takes the arguments of a forced function as a text.
    """
    if chat.in_format:
        return replace(answer, text=answer.calls[0].arguments, calls=(), finish="stop")
    return replace(answer, calls=tuple(_as_offered(call, chat) for call in answer.calls))


def _as_offered(call: Call, chat: Chat) -> Call:
    if call.custom and call.name not in chat.custom:
        return Call(call.id, call.name, json.dumps({"input": call.arguments}))
    if call.namespace and chat.namespace is None:
        (name,) = (tool for tool in chat.tools if tool.endswith(call.name))
        return Call(call.id, name, call.arguments)
    return call


@dataclass(frozen=True, slots=True)
class Scenario:
    """A chat and its answer, and the features that both APIs need."""

    name: str
    chat: Chat
    answer: Answer = Answer("Yes, it is.")
    needs: frozenset[str] = field(default_factory=frozenset)


def said(text: str, **more: Any) -> Chat:
    """Return a chat with one user turn."""
    return Chat((Turn("user", text),), **more)


_CALLS = (Call("call_1", "read", '{"path":"a.txt"}'), Call("call_2", "look", '{"path":"b.png"}'))
_TOOLS = ("read", "look")
_PATCH = '*** Begin Patch\n+\t"é\\u0041"\n*** End Patch'

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "text",
        Chat(
            (Turn("user", "Hi"), Turn("assistant", "Hello."), Turn("user", "Is it?")), "Be brief."
        ),
    ),
    Scenario("length", said("Go on"), Answer("Once upon", finish="length")),
    Scenario("schema", said("Where?", schema=SCHEMA), Answer('{"path":"a.txt"}')),
    Scenario(
        "image", Chat((Turn("user", "What?", images=(PICTURE,)),)), needs=frozenset({"image"})
    ),
    Scenario(
        "document",
        Chat((Turn("user", "What?", documents=(PAPER,)),)),
        needs=frozenset({"document"}),
    ),
    Scenario(
        "tool",
        said("Read a.txt", tools=_TOOLS),
        Answer(calls=_CALLS[:1], finish="tool_calls"),
        frozenset({"tools"}),
    ),
    Scenario(
        "tools_in_parallel",
        said("Read both", tools=_TOOLS),
        Answer("I look.", calls=_CALLS, finish="tool_calls"),
        frozenset({"tools"}),
    ),
    Scenario(
        "tool_results",
        Chat(
            (
                Turn("user", "Read both"),
                Turn("assistant", "I look.", calls=_CALLS),
                Turn(
                    "user",
                    "Compare them.",
                    results=(Result("call_1", "one"), Result("call_2", "two", (PICTURE,))),
                ),
            ),
            tools=_TOOLS,
        ),
        needs=frozenset({"tools", "image"}),
    ),
    Scenario(
        "forced_tool",
        said("Read a.txt", tools=("read",), forced="read"),
        Answer(calls=_CALLS[:1], finish="tool_calls"),
        frozenset({"tools", "forced"}),
    ),
    Scenario(
        "custom_tool",
        said("Patch it", custom=("apply_patch",)),
        Answer(calls=(Call("call_1", "apply_patch", _PATCH, custom=True),), finish="tool_calls"),
        frozenset({"tools", "custom"}),
    ),
    Scenario(
        "namespaced_tool",
        said("Close it", tools=_TOOLS, namespace="agents_v1"),
        Answer(
            calls=(replace(_CALLS[0], namespace="agents_v1"),),
            finish="tool_calls",
        ),
        frozenset({"tools", "namespace"}),
    ),
    Scenario(
        "thinking",
        said("Is it?", effort="high"),
        Answer("Yes.", "Let me see.", "c2lnbmVk", tokens=Tokens(reasoning=4)),
        frozenset({"thinking"}),
    ),
    Scenario("thinking_withheld", said("Is it?", effort="none"), needs=frozenset({"thinking"})),
    Scenario(
        "stop_sequence",
        said("Count", stop=("END",)),
        Answer("1 2 ", finish="stop_sequence", stop_sequence="END"),
        frozenset({"stop"}),
    ),
    Scenario(
        "refusal",
        said("Do harm"),
        Answer(refusal="I will not.", finish="content_filter"),
        frozenset({"refusal"}),
    ),
    Scenario(
        "cached_tokens",
        said("Again"),
        Answer("Yes.", tokens=Tokens(1000, 10, cached=600, written=300)),
        frozenset({"cache"}),
    ),
)
