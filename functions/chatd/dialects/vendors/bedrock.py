"""Read model ids, refusals and call ids, and write headers, for all dialects on Amazon Bedrock.

The facts are of October 2026, from AWS's guide and from LiteLLM's measurements:
https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints.html and
https://github.com/BerriAI/litellm/tree/main/litellm/llms/bedrock
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.request import ChatRequest
from chatd.canonical.response import new_call_id
from chatd.config.provider import Provider
from chatd.dialects import failures, lenient
from chatd.dialects.bedrock_converse import exceptions
from chatd.dialects.bedrock_converse.row_fields import caller_metadata
from chatd.errors import ChatdError
from chatd.upstream_http import HttpResponse

Json = dict[str, Any]
# The prefix of a cross-region inference profile:
# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
_REGIONS = re.compile(r"(us-gov|us|eu|apac|au|jp|ca|in|global)\.", re.IGNORECASE)
_VERSION = re.compile(r"openai\.gpt-(\d+)(?:\.(\d+))?")
# Which models a route serves differs by region and changes:
# https://docs.aws.amazon.com/bedrock/latest/userguide/models-endpoint-availability.html
_OTHER_ROUTE = re.compile(
    r"(isn.t|is not|not) supported (on|by|for|with) this (route|API|endpoint)"
)
_POSITIONAL = re.compile(r"call_\d{1,4}", re.ASCII)
_TRACES: Mapping[str, str] = MappingProxyType(
    {"disabled": "DISABLED", "enabled": "ENABLED", "enabled_full": "ENABLED_FULL"}
)
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
_BEFORE = "X-Amzn-Bedrock-"


def bare_id(model: str) -> str:
    """Return a model's id in lower case, without the prefix of its regions."""
    return _REGIONS.sub("", model.lower(), count=1)


def gpt_version(model: str) -> tuple[int, int] | None:
    """Return the version of a GPT; None for another model, such as gpt-oss."""
    found = _VERSION.match(bare_id(model))
    return None if found is None else (int(found[1]), int(found[2] or 0))


def row_headers(request: ChatRequest, row: Provider) -> dict[str, str]:
    """Write the row's guardrail, latency and request metadata as headers.

    https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-independent-api.html
    """
    headers: dict[str, str] = {}
    if row.guardrail is not None:
        headers[f"{_BEFORE}GuardrailIdentifier"] = row.guardrail.id
        headers[f"{_BEFORE}GuardrailVersion"] = row.guardrail.version
        headers[f"{_BEFORE}Trace"] = _TRACES[row.guardrail.trace]
    if row.latency is not None:
        headers[f"{_BEFORE}PerformanceConfig-Latency"] = row.latency
    return headers | metadata_header(request.caller, row)


def metadata_header(caller: str | None, row: Provider) -> dict[str, str]:
    """Write the caller's name as request metadata; nothing if the row sends none."""
    metadata = caller_metadata(caller, row)
    return {f"{_BEFORE}Request-Metadata": json.dumps(metadata)} if metadata else {}


def refusal(response: HttpResponse) -> ChatdError:
    """Make the error for a refusal by the exception's name, which a header has.

    The body has the shape of the route's dialect, or AWS's own.
    """
    name = response.headers.get("x-amzn-errortype")
    if not name:  # a proxy, or the server itself without AWS's front end
        return failures.refusal(response)
    found = lenient.refusal(response.body)
    words = found.words if found else ""
    if _OTHER_ROUTE.search(words):
        return failures.failure(response, words, failures.MODEL_ERROR)
    return exceptions.exception(response, name, words)


class UniqueIds:
    """Replaces the positional ids of one answer's tool calls: `call_0`, `call_1`, ….

    Bedrock numbers the calls of each answer from 0, so that a conversation holds an id twice.
    """

    def __init__(self) -> None:
        self._unique: dict[tuple[int, str], str] = {}

    def of(self, given: Any, choice: int = 0) -> Any:
        """Return the same unique id for each piece of a call; any other id unchanged."""
        if type(given) is not str or not _POSITIONAL.fullmatch(given):
            return given
        return self._unique.setdefault((choice, given), new_call_id())
