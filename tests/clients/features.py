"""What every client can do with every provider, and each gap with its reason.

The tests hold a run to this, and docs/compatibility.md is written from it and the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.clients.scripts.cases import HELLO, PNG
from tests.clients.stub_model import INPUT_TOKENS, OUTPUT_TOKENS, Json
from tests.clients.stub_openai import FETCHED

# By the name it has in the page: the script that calls with it.
CLIENTS = MappingProxyType(
    {
        "openai SDK": "use_openai",
        "openai SDK, async": "use_openai_async",
        "LangChain `ChatOpenAI`": "use_langchain",
        "pydantic-ai `OpenAIChatModel`": "use_pydantic_ai",
        "`llm` command": "use_llm",
    }
)
_TOKENS = [INPUT_TOKENS, OUTPUT_TOKENS]
_WEATHER = {"city": "Zürich", "celsius": 21}
_READ = {"text": "{provider} read: 21 °C in Zürich", "calls": ["Zürich"]}

# What a case gives, `{provider}` filled in; more may be in it.
FEATURES: Mapping[str, Any] = MappingProxyType(
    {
        "text": {"text": "{provider} heard: " + HELLO, "tokens": _TOKENS},
        "stream": {"text": "{provider} heard: " + HELLO, "tokens": _TOKENS},
        "tool round trip": _READ,
        "schema": _WEATHER,
        "image": {"text": f"{{provider}} sees 1 image(s) of {len(PNG)} bytes"},
    }
)


@dataclass(frozen=True, slots=True)
class Gap:
    """What does not go, or goes otherwise.

    Attributes:
        reason: Why, and what to do instead.
        code: The code of the 400 that says so; None if it is not refused.
        instead: What comes then.

    """

    reason: str
    code: str | None = None
    instead: Any = None


@dataclass(frozen=True, slots=True)
class Case:
    """A case besides the features: whose it is, what it gives, and its gaps by provider."""

    client: str
    name: str
    gives: Any
    gaps: Mapping[str, Gap] = field(default_factory=dict)


def _ollama(reason: str, code: str = "unsupported_parameter") -> dict[str, Gap]:
    """A gap of both who speak Ollama's dialect."""
    return {"ollama": Gap(reason, code), "ollama_cloud": Gap(reason, code)}


_NO_CHOICE = (
    "Ollama's dialect has no `tool_choice` and no `parallel_tool_calls`, and dropping them would"
    " change the answer, so chatd refuses them by name. Leave them out, or set `drop_params` in"
    " `chatd.toml`."
)
_NO_FORCED_SCHEMA = (
    "This way to a structured answer forces the model to call a tool, which Ollama's dialect cannot"
    ' do. Ask for the schema itself, which works: LangChain\'s default `method="json_schema"`,'
    " pydantic-ai's `NativeOutput`."
)
_NO_FETCHING = (
    "Ollama takes a picture only within the request, and chatd fetches nothing on a caller's"
    " behalf. Send a data URL."
)
_NO_FIELD = (
    "Ollama has nothing of the kind, and dropping it would change the answer. Leave it out, or set"
    " `drop_params` in `chatd.toml`."
)
_WHOLE_SCHEMA = Gap(
    "Ollama Cloud does not hold its answers to a schema, so chatd asks for it in words and checks"
    " the whole answer before it sends the first byte: the stream comes in one piece.",
    instead={**_WEATHER, "in pieces": False},
)
_FIXED_TEMPERATURE = Gap(
    "Kimi fixes the temperature of each model and refuses any other, so chatd leaves it out and"
    " says so in the header `x-chatd-dropped-params`.",
    instead="temperature",
)
_FORGOTTEN_THINKING = Gap(
    "While it thinks, Kimi wants each tool call back with the `reasoning_content` that came with"
    " it, and LangChain does not send it. Let Kimi call tools without thinking there.",
    code="invalid_request_error",
)

BEYOND = (
    Case("openai SDK", "streamed tool call", _READ),
    Case("openai SDK", "two tool calls at once, streamed", ["weather", "local_time"]),
    Case(
        "openai SDK", "a tool that must be called: `tool_choice`", ["weather"], _ollama(_NO_CHOICE)
    ),
    Case(
        "openai SDK", "one call at a time: `parallel_tool_calls`", ["weather"], _ollama(_NO_CHOICE)
    ),
    Case("openai SDK", "tools while thinking", _READ),
    Case("LangChain `ChatOpenAI`", "tools while thinking", _READ, {"kimi": _FORGOTTEN_THINKING}),
    Case("pydantic-ai `OpenAIChatModel`", "tools while thinking", _READ),
    Case(
        "LangChain `ChatOpenAI`", "schema as a tool to call", _WEATHER, _ollama(_NO_FORCED_SCHEMA)
    ),
    Case(
        "pydantic-ai `OpenAIChatModel`",
        "schema as a tool to call",
        _WEATHER,
        _ollama(_NO_FORCED_SCHEMA),
    ),
    Case(
        "openai SDK",
        "schema, streamed",
        {**_WEATHER, "in pieces": True},
        {"ollama_cloud": _WHOLE_SCHEMA},
    ),
    Case("openai SDK", "JSON object", {"answer": "Zürich"}),
    Case(
        "openai SDK",
        "image by its https URL",
        {"text": f"{{provider}} sees 1 image(s) of {len(FETCHED)} bytes"},
        _ollama(_NO_FETCHING, "invalid_request"),
    ),
    Case(
        "openai SDK",
        "thinking, whole and streamed",
        {
            "text": "{provider} heard: " + HELLO,
            "thinking": "Let me think.",
            "streamed thinking": "Let me think.",
        },
    ),
    Case("openai SDK", "a turn of every role, texts in parts", {"text": "{provider} read: noon"}),
    Case("openai SDK", "`x-request-id`, whole and streamed", {"whole": True, "streamed": True}),
    Case(
        "openai SDK", "two answers: `n` = 2", ["{provider} heard: " + HELLO] * 2, _ollama(_NO_FIELD)
    ),
    Case("openai SDK", "`logit_bias`", FEATURES["text"], _ollama(_NO_FIELD)),
    Case("openai SDK", "`temperature`", "nothing", {"kimi": _FIXED_TEMPERATURE}),
    Case("openai SDK", "`user`, `metadata`, `store`, `n` = 1", FEATURES["text"]),
)


def holds(outcome: Json, gives: Any, provider: str) -> bool:
    """Whether a case gave what it should: of an object at least the fields that are named."""
    result, wanted = outcome.get("result"), _filled(gives, provider)
    if isinstance(wanted, dict):
        return isinstance(result, dict) and result == {**result, **wanted}
    return bool(result == wanted)


def is_explained(outcome: Json, gap: Gap | None, provider: str) -> bool:
    """Whether a case failed just as the gap says."""
    if gap is None:
        return False
    if gap.code is None:
        return holds(outcome, gap.instead, provider)
    error = outcome.get("error", {})
    said = error.get("code") == gap.code or f"'code': '{gap.code}'" in error.get("message", "")
    return said and error["status_code"] == 400


def _filled(value: Any, provider: str) -> Any:
    if isinstance(value, str):
        return value.replace("{provider}", provider)
    if isinstance(value, list):
        return [_filled(item, provider) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item, provider) for name, item in value.items()}
    return value
