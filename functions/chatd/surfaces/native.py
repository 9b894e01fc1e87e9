"""chatd's own surface: `/v1/chat`, and direct invocations.

It knows nothing of dialects or of HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from chatd.chat import Answer, ChatRequest, Message
from chatd.errors import InvalidRequestError
from chatd.surfaces import Served
from chatd.wire.native import NativeAnswer, NativeRequest


class Native:
    """The native surface."""

    def read(self, body: bytes) -> ChatRequest:
        """Read a request.

        Raises:
            InvalidRequestError: With the field that is wrong as its `param`.

        """
        try:
            sent = NativeRequest.model_validate_json(body)
        except ValidationError as error:
            raise _invalid(error) from None
        if sent.stream:
            raise InvalidRequestError(
                "answers are not streamed yet: leave `stream` out, or send false", param="stream"
            )
        return ChatRequest(
            model=sent.model,
            messages=tuple(Message(turn.role, turn.content) for turn in sent.messages),
            temperature=sent.temperature,
            max_tokens=sent.max_tokens,
            format=sent.format,
            think=sent.think,
        )

    def write(self, answer: Answer, served: Served) -> Mapping[str, Any]:
        """The body to answer with: `thinking` is there only if the model showed any."""
        written = NativeAnswer(
            model=answer.model or served.model,
            provider=served.provider,
            content=answer.content,
            thinking=answer.thinking,
            input_tokens=answer.usage.input_tokens,
            output_tokens=answer.usage.output_tokens,
            finish_reason=answer.finish_reason,
            latency_ms=round(served.latency_ms),
            request_id=served.request_id,
        )
        return written.model_dump(exclude={"thinking"} if answer.thinking is None else None)


def _invalid(error: ValidationError) -> InvalidRequestError:
    """The first mistake, by the name of its field and without its value."""
    mistake = error.errors(include_url=False, include_input=False, include_context=False)[0]
    param = ".".join(_path(mistake["loc"])) or None
    if mistake["type"] == "json_invalid":
        return InvalidRequestError("the body is not JSON", param=None)
    if mistake["type"] == "model_type":
        return InvalidRequestError("the body is not a JSON object", param=param)
    if mistake["type"] == "missing":
        return InvalidRequestError(f"{param!r} is missing", param=param)
    if mistake["type"] == "extra_forbidden":
        return InvalidRequestError("there is no such field; check its spelling", param=param)
    return InvalidRequestError(f"{param!r} is not valid: {mistake['msg']}", param=param)


def _path(location: tuple[int | str, ...]) -> list[str]:
    """Where the mistake is, without the names that pydantic gives to a union's branches."""
    return [
        str(part) for part in location if not str(part).startswith(("literal[", "bool", "dict["))
    ]
