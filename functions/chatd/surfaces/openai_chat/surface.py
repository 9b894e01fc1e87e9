"""OpenAI's surface: `/v1/chat/completions`.

https://platform.openai.com/docs/api-reference/chat. It knows nothing of dialects or of HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chatd.canonical.request import (
    ChatRequest,
)
from chatd.canonical.response import (
    Answer,
    Choice,
    Counted,
    Delta,
    End,
    Event,
    FailedOver,
    Finish,
    ToolCallDelta,
    Usage,
)
from chatd.canonical.served import Served
from chatd.errors import (
    ChatdError,
    ModelNotFoundError,
    UpstreamNotFoundError,
)
from chatd.surfaces import ErrorResponse, Surface, openai_error, sse
from chatd.surfaces.openai_chat.request import request_of
from chatd.surfaces.openai_chat.schema import OpenAIRequest
from chatd.surfaces.validation import checked

# What OpenAI's schema admits; a provider's other reasons all mean that it came to its end.
_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})


_HELLO: Mapping[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
_SCHEMA = {"name": "any", "schema": {"type": "object"}}


class OpenAI:
    """OpenAI's surface."""

    examples = (
        _HELLO,
        {**_HELLO, "response_format": {"type": "json_schema", "json_schema": _SCHEMA}},
        {**_HELLO, "stream": True},
    )

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:  # noqa: ARG002  # the protocol's
        """Read a request; the headers change nothing.

        Raises:
            InvalidRequestError: With the field that is wrong as its `param`.

        """
        return request_of(checked(body, OpenAIRequest))

    def write(self, answer: Answer, served: Served) -> Mapping[str, Any]:
        """The body to answer with: a `chat.completion`."""
        served = served.after(*answer.rescues)
        return {
            **_head("chat.completion", answer.model, served),
            "choices": [_choice(n, choice) for n, choice in enumerate(answer.choices)],
            "usage": _usage(answer.usage),
        }

    def stream(
        self, request: ChatRequest, events: Iterator[Event], served: Served
    ) -> Iterator[bytes]:
        """The role first, then the deltas, the finish reasons, the usage if asked, `[DONE]`."""
        head = _head("chat.completion.chunk", None, served)
        if request.stream_usage:
            head["usage"] = None
        begun: set[int] = set()
        usage = Usage()
        for event in events:
            match event:
                case Delta(index=index):
                    delta = {**_role(index, begun), **_delta(event)}
                    yield _chunk(head, index, delta, logprobs=event.logprobs)
                case Finish(index=index, reason=reason):
                    if role := _role(index, begun):
                        yield _chunk(head, index, role)
                    yield _chunk(head, index, {}, reason=_reason(reason))
                case Counted(usage=usage):
                    continue
                case FailedOver():
                    served = served.after(event)
                    head |= {"model": served.model, "rescued": served.rescued}
                case End():
                    if request.stream_usage:
                        yield sse.event({**head, "choices": [], "usage": _usage(usage)})
                    yield sse.DONE

    def is_end(self, piece: bytes) -> bool:
        """Whether this piece is `[DONE]`."""
        return piece == sse.DONE

    def error(self, error: ChatdError, request_id: str) -> ErrorResponse:
        """Write a failure in OpenAI's shape; an unknown model is a 404."""
        return openai_error(_as_openai(error), request_id)

    def stream_error(self, error: ChatdError, request_id: str) -> bytes:
        """Write a failure as the last event, which OpenAI's SDKs raise; no `[DONE]` follows."""
        return sse.event(_as_openai(error).body(request_id))


_: Surface = OpenAI()


def _as_openai(error: ChatdError) -> ChatdError:
    """Translate a failure: OpenAI answers 404 for a missing model, and has its own field names."""
    if error.param == "format":
        error.param = "response_format.json_schema.schema"
    if not isinstance(error, UpstreamNotFoundError):
        return error
    found = ModelNotFoundError(
        error.message,
        param="model",
        provider=error.provider,
        upstream_status=error.upstream_status,
        retry_after=error.retry_after,
    )
    found.beside = error.beside
    return found


def _head(kind: str, model: str | None, served: Served) -> dict[str, Any]:
    head: dict[str, Any] = {
        "id": f"chatcmpl-{served.request_id}",
        "object": kind,
        "created": served.created,
        "model": model or served.model,
    }
    if served.rescued is not None:
        head["rescued"] = served.rescued
    return head


def _choice(index: int, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.content,
        "refusal": None,
        **choice.extra,
    }
    if choice.thinking:
        message["reasoning_content"] = choice.thinking
    if choice.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in choice.tool_calls
        ]
    return {
        "index": index,
        "message": message,
        "finish_reason": _reason(choice.finish_reason),
        "logprobs": choice.logprobs,
    }


def _reason(reason: str | None) -> str:
    return reason if reason in _REASONS else "stop"


def _usage(usage: Usage) -> dict[str, Any]:
    written: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
    if usage.cached_tokens is not None:
        written["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        written["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    if usage.cost_usd is not None:
        written["cost"] = usage.cost_usd
    if usage.estimated:
        written["estimated"] = True
    return written


def _role(index: int, begun: set[int]) -> dict[str, Any]:
    """What a choice begins with; nothing once it has begun."""
    if index in begun:
        return {}
    begun.add(index)
    return {"role": "assistant", "content": ""}


def _delta(event: Delta) -> dict[str, Any]:
    delta: dict[str, Any] = dict(event.extra)
    if event.content is not None:
        delta["content"] = event.content
    if event.thinking is not None:
        delta["reasoning_content"] = event.thinking
    if event.tool_calls:
        delta["tool_calls"] = [_call(call) for call in event.tool_calls]
    return delta


def _call(call: ToolCallDelta) -> dict[str, Any]:
    function: dict[str, Any] = {"arguments": call.arguments}
    written: dict[str, Any] = {"index": call.index, "function": function}
    if call.name is not None:
        function["name"] = call.name
    if call.id is not None:
        written |= {"id": call.id, "type": "function"}
    return written


def _chunk(
    head: Mapping[str, Any],
    index: int,
    delta: Mapping[str, Any],
    *,
    reason: str | None = None,
    logprobs: Any = None,
) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": reason, "logprobs": logprobs}
    return sse.event({**head, "choices": [choice]})
