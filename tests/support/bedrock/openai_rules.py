"""Check requests on `/openai/v1` as Bedrock does, by the family of the model.

https://github.com/BerriAI/litellm/tree/main/litellm/llms/bedrock/chat/chat_completions and
https://github.com/BerriAI/litellm/tree/main/litellm/llms/bedrock/responses
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.bedrock.errors import BedrockError, demand
from tests.support.bedrock.models import Model, version_of

Json = Mapping[str, Any]
_PENALTIES = ("frequency_penalty", "presence_penalty")
_SAMPLING = ("temperature", "top_p", *_PENALTIES, "logprobs", "top_logprobs")
_TOOLS = ("function", "mcp", "custom", "apply_patch", "namespace", "tool_search", "computer")


def check_chat(model: Model, body: Json) -> None:
    """Check a request of chat completions.

    Raises:
        BedrockError: If Bedrock refuses it.

    """
    effort = body.get("reasoning_effort")
    demand(effort is None or isinstance(effort, str), "reasoning_effort: expected a string")
    for url in _images(body):
        demand(url.startswith("data:"), "image_url: only data URLs are supported")
    if model.vendor == "xai":
        for name in _PENALTIES:
            if name in body:
                raise BedrockError("ServiceUnavailableException", "The service is unavailable.")
        demand(effort != "none", "reasoning_effort: 'none' is not supported")
    if model.id.startswith("openai.gpt-oss"):
        demand("logit_bias" not in body, "logit_bias is not supported")
    elif model.vendor == "openai":
        _check_gpt(body, effort)
    if model.vendor in ("openai", "xai") and version_of(model) > (0, 0):
        demand("stop" not in body, "This model doesn't support the stopSequences field")


def _check_gpt(body: Json, effort: str | None) -> None:
    demand(
        "max_tokens" not in body,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
        " 'max_completion_tokens' instead.",
    )
    if effort == "none":
        return
    for name in _SAMPLING:
        demand(
            name not in body, f"Unsupported parameter: '{name}' is not supported with this model."
        )
    message = "Function tools with reasoning_effort are not supported in /v1/chat/completions."
    demand(not body.get("tools"), message)
    if (body.get("response_format") or {}).get("type") == "json_object":
        message = "'messages' must contain the word 'json' in some form"
        demand("json" in json.dumps(body["messages"]).lower(), message)


def check_responses(model: Model, body: Json) -> None:
    """Check a request of Responses.

    Raises:
        BedrockError: If Bedrock refuses it.

    """
    demand(version_of(model) > (0, 0), f"{model.id} isn't supported on this route")
    demand(not body.get("background"), "The background parameter is not supported.")
    demand(not body.get("previous_response_id"), "previous_response_id is not supported")
    for tool in body.get("tools", []):
        kind = tool["type"]
        words = kind.replace("_", " ")
        demand(kind in _TOOLS, f"{words} is not supported for this request; supported: {_TOOLS}")
    for url in _images(body):
        message = "input_image: only data: and s3:// URLs are supported"
        demand(url.startswith(("data:", "s3://")), message)
    if (body.get("reasoning") or {}).get("effort") != "none":
        for name in ("temperature", "top_p", "top_logprobs"):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            demand(name not in body, message)


def _images(value: Any) -> Iterator[str]:
    """Yield the URLs of all images of a body."""
    if isinstance(value, list):
        for item in value:
            yield from _images(item)
    elif isinstance(value, dict):
        found = value.get("image_url")
        url = found.get("url") if isinstance(found, dict) else found
        if isinstance(url, str):
            yield url
        for name, item in value.items():
            if name in ("messages", "content", "input", "output"):
                yield from _images(item)
