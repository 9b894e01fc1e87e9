"""Read a request of OpenAI's chat surface into the canonical form.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.content import Opaque
from chatd.canonical.extra import NOTHING, Extra, extra_of, unnamed
from chatd.canonical.request import (
    AnyTool,
    ChatRequest,
    CustomTool,
    NamedTool,
    OpaqueTool,
    Sampling,
    Source,
    Tool,
    ToolChoice,
)
from chatd.surfaces.openai_chat.schema import (
    OpenAIFunction,
    OpenAIJsonSchema,
    OpenAIRequest,
    OpenAIResponseFormat,
    OpenAIStreamOptions,
    OpenAITool,
)
from chatd.surfaces.openai_chat.turns import DIALECT, message_of, missing, names_of
from chatd.surfaces.validation import refuse_infinite_in

_OF_REQUEST = names_of(OpenAIRequest)
_OF_STREAM_OPTIONS = names_of(OpenAIStreamOptions)
_OF_TOOL = names_of(OpenAITool)
_OF_FUNCTION = names_of(OpenAIFunction)
_OF_CUSTOM_TOOL = frozenset({"type", "custom"})
_OF_CUSTOM = frozenset({"name", "description", "format"})
_OF_FORMAT = names_of(OpenAIResponseFormat)
_OF_SCHEMA = names_of(OpenAIJsonSchema)


def request_of(body: dict[str, Any]) -> ChatRequest:
    """Read a request.

    Args:
        body: The caller's JSON, which fits OpenAIRequest. It becomes the request's source, and
            words that only other vendors know are replaced in it by OpenAI's.

    Raises:
        InvalidRequestError: If a message lacks a field that its role needs, or the schema holds a
            number that is not finite.

    """
    _standardize(body)
    options = body.get("stream_options") or NOTHING
    read = {
        "messages": tuple([message_of(turn, n) for n, turn in enumerate(body["messages"])]),
        "sampling": _sampling(body),
        "max_tokens": body.get("max_tokens"),
        "max_completion_tokens": body.get("max_completion_tokens"),
        **_format(body.get("response_format")),
        "think": body.get("reasoning_effort"),
        "tools": tuple([_tool(tool, n) for n, tool in enumerate(body.get("tools") or ())]),
        "tool_choice": _tool_choice(body.get("tool_choice")),
        "parallel_tool_calls": body.get("parallel_tool_calls"),
        "n": body.get("n"),
        "logprobs": body.get("logprobs"),
        "top_logprobs": body.get("top_logprobs"),
        "extra": extra_of(
            DIALECT, body, _OF_REQUEST, stream_options=unnamed(options, _OF_STREAM_OPTIONS)
        ),
    }
    return ChatRequest(
        model=body["model"],
        stream=bool(body.get("stream")),
        stream_usage=bool(options.get("include_usage")),
        source=Source(DIALECT, body, read),
        **read,
    )


def _standardize(body: dict[str, Any]) -> None:
    """Replace other vendors' values by OpenAI's."""
    for name in ("max_tokens", "max_completion_tokens"):
        if body.get(name) == -1:  # no limit, at vLLM, llama-server and LM Studio
            del body[name]
    if body.get("reasoning_effort") == "default":
        del body["reasoning_effort"]
    if body.get("tool_choice") == "any":  # Anthropic's and Mistral's word
        body["tool_choice"] = "required"


def _sampling(body: Mapping[str, Any]) -> Sampling:
    stop = body.get("stop")
    return Sampling(
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        seed=body.get("seed"),
        stop=None if stop is None else (stop,) if isinstance(stop, str) else tuple(stop),
        presence_penalty=body.get("presence_penalty"),
        frequency_penalty=body.get("frequency_penalty"),
    )


def _tool(tool: Mapping[str, Any], position: int) -> AnyTool:
    if tool["type"] != "function":
        custom = tool.get("custom") if tool["type"] == "custom" else None
        if isinstance(custom, dict) and isinstance(custom.get("name"), str):
            return _custom(tool, custom)
        return OpaqueTool(tool["type"], Extra(DIALECT, unnamed(tool, {"type"})))
    function = tool.get("function")
    if function is None:
        raise missing(f"tools.{position}.function")
    return Tool(
        function["name"],
        function.get("description"),
        function.get("parameters"),
        function.get("strict"),
        extra_of(DIALECT, tool, _OF_TOOL, function=unnamed(function, _OF_FUNCTION)),
    )


def _custom(tool: Mapping[str, Any], custom: Mapping[str, Any]) -> CustomTool:
    """Read a custom tool; a grammar is read in the flat form of OpenAI's Responses API."""
    form, description = custom.get("format"), custom.get("description")
    if isinstance(form, dict) and isinstance(form.get("grammar"), dict):
        form = {**unnamed(form, {"grammar"}), **form["grammar"]}
    return CustomTool(
        custom["name"],
        description if isinstance(description, str) else None,
        form if isinstance(form, dict) else None,
        extra_of(DIALECT, tool, _OF_CUSTOM_TOOL, custom=unnamed(custom, _OF_CUSTOM)),
    )


def _tool_choice(choice: str | Mapping[str, Any] | None) -> ToolChoice | None:
    if choice is None or isinstance(choice, str):
        return choice
    kind = choice.get("type")
    named = choice.get(kind) if kind in ("function", "custom") else None
    if isinstance(kind, str) and isinstance(named, dict) and isinstance(named.get("name"), str):
        rest = {kind: unnamed(named, {"name"})}
        return NamedTool(named["name"], extra_of(DIALECT, choice, {"type", kind}, **rest))
    if isinstance(kind, str):
        return Opaque(kind, Extra(DIALECT, unnamed(choice, {"type"})))
    return Opaque("", Extra(DIALECT, choice))


def _format(wanted: Mapping[str, Any] | None) -> dict[str, Any]:
    """Read the fields of the canonical form that say which format the answer must have."""
    if wanted is None:
        return {"format": None}
    if wanted["type"] != "json_schema":
        form = "json" if wanted["type"] == "json_object" else None
        return {"format": form, "format_extra": extra_of(DIALECT, wanted, {"type"})}
    given = wanted.get("json_schema") or NOTHING
    schema = given.get("schema")
    if schema is None:
        raise missing("response_format.json_schema.schema")
    refuse_infinite_in(schema, "response_format.json_schema.schema")
    return {
        "format": schema,
        "schema_name": given["name"],
        "schema_description": given.get("description"),
        "strict": given.get("strict"),
        "format_extra": extra_of(
            DIALECT, wanted, _OF_FORMAT, json_schema=unnamed(given, _OF_SCHEMA)
        ),
    }
