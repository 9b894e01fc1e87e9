"""Write the fields of a request that the owner sets in the provider's row.

They replace the caller's: an owner's guardrail holds for every request.
"""

from __future__ import annotations

import re
from typing import Any

from chatd.canonical.request import ChatRequest
from chatd.config.provider import Guardrail, Provider

# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
_OF_NO_METADATA = r"(?a)[^a-zA-Z0-9\s:_@$#=/+,.-]"
_LONGEST = 256
_MOST_ENTRIES = 16
# Only a stream has it.
_MODE = "streamProcessingMode"
CALLER = "caller"
"""The key of the caller's name in the metadata of a request, which Bedrock's logs have."""


def write_row_fields(body: dict[str, Any], request: ChatRequest, row: Provider) -> None:
    """Write service tier, latency, guardrail and metadata into the body of a request."""
    if row.service_tier is not None:
        body["serviceTier"] = {"type": row.service_tier}
    if row.latency is not None:
        body["performanceConfig"] = {"latency": row.latency}
    if row.guardrail is not None:
        body["guardrailConfig"] = _guardrail(row.guardrail)
    if not request.stream and _MODE in body.get("guardrailConfig", {}):
        given = body["guardrailConfig"]
        body["guardrailConfig"] = {name: given[name] for name in given if name != _MODE}
    if metadata := caller_metadata(request.caller, row):
        given = body.get("requestMetadata", {})
        others = [(name, value) for name, value in given.items() if name != CALLER]
        body["requestMetadata"] = {**metadata, **dict(others[: _MOST_ENTRIES - 1])}


def caller_metadata(caller: str | None, row: Provider) -> dict[str, str]:
    """Return the caller's name as metadata; nothing if the row sends none, or no name is known."""
    if not row.caller_metadata or not caller:
        return {}
    return {CALLER: re.sub(_OF_NO_METADATA, "_", caller)[:_LONGEST]}


def _guardrail(guardrail: Guardrail) -> dict[str, Any]:
    return {
        "guardrailIdentifier": guardrail.id,
        "guardrailVersion": guardrail.version,
        "trace": guardrail.trace,
        _MODE: guardrail.stream,
    }
