"""Parse requests and write responses of OpenAI's completions, as OpenRouter does.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.clients import stub_openai
from tests.clients.stub_model import Answer, ChatRequest, Json, Turn, filled, require


def parse_request(provider: str, body: Json) -> ChatRequest:
    """Parse a request of completions."""
    require(isinstance(body["prompt"], str), "the stub takes one prompt")
    require("messages" not in body, "a completion has no messages")
    turn = Turn("user", filled(body["prompt"], body.get("suffix")))
    return ChatRequest(provider, body["model"], (turn,), stream=body.get("stream", False))


def whole(request: ChatRequest, answer: Answer) -> Json:
    """Return the whole response to a completion."""
    choice = {"index": 0, "text": answer.text, "logprobs": None, "finish_reason": "stop"}
    return {
        **stub_openai.head_of("text_completion", request),
        "choices": [choice],
        "usage": stub_openai.usage_of(request),
    }


def stream(request: ChatRequest, answer: Answer) -> Iterator[bytes]:
    """Yield the stream of a completion, one per word."""
    head = stub_openai.head_of("text_completion", request)
    for text, reason in [*((piece, None) for piece in answer.pieces), ("", "stop")]:
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
        yield stub_openai.sse({**head, "choices": [choice]})
    yield stub_openai.sse({**head, "choices": [], "usage": stub_openai.usage_of(request)})
    yield b"data: [DONE]\n\n"
