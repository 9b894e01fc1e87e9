"""Read a request of OpenAI's surface of completions into the canonical form.

https://platform.openai.com/docs/api-reference/completions/create
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.content import Text
from chatd.canonical.extra import NOTHING, extra_of, unnamed
from chatd.canonical.request import ChatRequest, Completion, Message, Sampling, Source
from chatd.errors import InvalidRequestError
from chatd.safe_json.item_limits import MAX_CHOICES
from chatd.surfaces.openai_completions.schema import OpenAICompletionRequest

DIALECT = "openai_completions"
# The fields of other vendors are the same in completions and in chats, and are tagged as those.
_FIELDS = "openai_chat"
_OF_REQUEST = frozenset(OpenAICompletionRequest.model_fields)
_OF_STREAM_OPTIONS = frozenset({"include_usage"})


def request_of(body: dict[str, Any]) -> ChatRequest:
    """Read a request.

    Args:
        body: The caller's JSON, which fits OpenAICompletionRequest. It becomes the request's
            source.

    Raises:
        InvalidRequestError: If the prompts have more than 128 answers together.

    """
    if body.get("max_tokens") == -1:  # no limit, at vLLM, llama-server and LM Studio
        del body["max_tokens"]
    completion, message = _prompt(body)
    answers = completion.prompts * (body.get("n") or 1)
    if answers > MAX_CHOICES:
        raise InvalidRequestError(
            f"the prompts have more than {MAX_CHOICES} answers together", param="n"
        )
    effort = body.get("reasoning_effort")
    options, logprobs = body.get("stream_options") or NOTHING, body.get("logprobs")
    read: dict[str, Any] = {"messages": (message,), "max_tokens": body.get("max_tokens")}
    return ChatRequest(
        model=body["model"],
        sampling=_sampling(body),
        think=None if effort == "default" else effort,
        n=answers if answers > 1 else None,
        logprobs=None if logprobs is None else True,
        top_logprobs=logprobs,
        stream=bool(body.get("stream")),
        stream_usage=bool(options.get("include_usage")),
        extra=extra_of(
            _FIELDS, body, _OF_REQUEST, stream_options=unnamed(options, _OF_STREAM_OPTIONS)
        ),
        completion=completion,
        source=Source(DIALECT, body, read),
        **read,
    )


def _prompt(body: Mapping[str, Any]) -> tuple[Completion, Message]:
    """Read the prompts; the message has a text for each that is not given as tokens."""
    prompt = body["prompt"]
    prompts = prompt if isinstance(prompt, list) and not isinstance(prompt[0], int) else [prompt]
    texts = [Text(each) for each in prompts if isinstance(each, str)]
    completion = Completion(
        prompts=len(prompts),
        tokens=sum(len(each) for each in prompts if isinstance(each, list)),
        suffix=body.get("suffix"),
        echo=bool(body.get("echo")),
        best_of=body.get("best_of"),
    )
    return completion, Message("user", tuple(texts))


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
