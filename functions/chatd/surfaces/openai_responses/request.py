"""Read a request of OpenAI's Responses surface into the canonical form.

https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from chatd.canonical.extra import NOTHING, Json, extra_of, unnamed
from chatd.canonical.request import ChatRequest, Sampling, Source
from chatd.errors import InvalidRequestError
from chatd.surfaces.openai_responses.items import turns_of
from chatd.surfaces.openai_responses.parts import DIALECT, missing
from chatd.surfaces.openai_responses.schema import (
    ResponsesFormat,
    ResponsesReasoningOptions,
    ResponsesRequest,
    ResponsesText,
)
from chatd.surfaces.openai_responses.tools import choice_of, tools_of
from chatd.surfaces.validation import refuse_infinite_in

LOGPROBS = "message.output_text.logprobs"


def _names(model: type[BaseModel]) -> frozenset[str]:
    """Return the JSON names of a model's fields."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


# These fields are read, and also kept: dialects write them, and responses repeat them.
_KEPT = frozenset({"include", "metadata", "store"})
_OF_REQUEST = _names(ResponsesRequest) - _KEPT
_OF_TEXT = _names(ResponsesText)
_OF_REASONING = _names(ResponsesReasoningOptions)
_OF_FORMAT = _names(ResponsesFormat)
# The fields for stored conversations, and the remedy for each.
_STORED = {
    "previous_response_id": "send the earlier items in `input`, with `store: false`",
    "conversation": "send the earlier items in `input`, with `store: false`",
    "prompt": "send the prompt's text in `input` or `instructions`",
}


def request_of(body: dict[str, Any]) -> ChatRequest:
    """Read a request.

    Args:
        body: The caller's JSON, which fits ResponsesRequest. It becomes the request's source:
            encrypted reasoning in it loses its maker's tag.

    Raises:
        InvalidRequestError: If a field is for stored conversations, an item lacks a field, or the
            schema holds a number that is not finite.

    """
    _refuse_stored(body)
    if body.get("tool_choice") == "any":  # Anthropic's and Mistral's word
        body["tool_choice"] = "required"
    text, reasoning = body.get("text") or NOTHING, body.get("reasoning") or NOTHING
    turns = turns_of(body["input"], body.get("instructions"))
    own = [(f"tools.{n}", tool) for n, tool in enumerate(body.get("tools") or ())]
    choice, tools = choice_of(body.get("tool_choice"), tools_of([*own, *turns.tools]))
    read = {
        "messages": tuple(turns.messages),
        "sampling": Sampling(temperature=body.get("temperature"), top_p=body.get("top_p")),
        "max_completion_tokens": body.get("max_output_tokens"),
        **_format(text.get("format")),
        "think": reasoning.get("effort"),
        "tools": tools,
        "tool_choice": choice,
        "parallel_tool_calls": body.get("parallel_tool_calls"),
        "logprobs": True if LOGPROBS in (body.get("include") or ()) else None,
        "top_logprobs": body.get("top_logprobs"),
        "extra": extra_of(
            DIALECT,
            body,
            _OF_REQUEST,
            text=unnamed(text, _OF_TEXT),
            reasoning=unnamed(reasoning, _OF_REASONING),
        ),
    }
    return ChatRequest(
        model=body["model"],
        stream=bool(body.get("stream")),
        stream_usage=True,
        source=Source(DIALECT, body, read, owners=tuple(turns.owners), rest=tuple(turns.rest)),
        **read,
    )


def _refuse_stored(body: Mapping[str, Any]) -> None:
    """Refuse the fields for stored conversations.

    Raises:
        InvalidRequestError: With the field as its `param`.

    """
    if body.get("background"):
        raise InvalidRequestError(
            "no response is made in the background; leave it out", param="background"
        )
    for name, remedy in _STORED.items():
        if body.get(name) is not None:
            raise InvalidRequestError(f"it is not stored here; {remedy}", param=name)


def _format(wanted: Json | None) -> dict[str, Any]:
    """Read the fields of the canonical form that say which format the answer must have."""
    if wanted is None or wanted["type"] == "text":
        return {"format": None}
    if wanted["type"] == "json_object":
        return {"format": "json", "format_extra": extra_of(DIALECT, wanted, {"type"})}
    schema = wanted.get("schema")
    if schema is None:
        raise missing("text.format.schema")
    refuse_infinite_in(schema, "text.format.schema")
    return {
        "format": schema,
        "schema_name": wanted.get("name"),
        "schema_description": wanted.get("description"),
        "strict": wanted.get("strict"),
        "format_extra": extra_of(DIALECT, wanted, _OF_FORMAT),
    }
