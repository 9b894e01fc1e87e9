"""List the features of every client with every provider, and each gap with its reason.

The tests compare a run with this list, and write docs/compatibility.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.clients.providers import MODELS
from tests.clients.scripts.cases import HELLO, PNG
from tests.clients.stub_model import INPUT_TOKENS, OUTPUT_TOKENS, Json
from tests.clients.stub_openai import FETCHED

# The script of each client of OpenAI's chats, by the client's name on the page.
_CHAT_CLIENTS = MappingProxyType(
    {
        "openai SDK": "use_openai",
        "openai SDK, async": "use_openai_async",
        "LangChain `ChatOpenAI`": "use_langchain",
        "pydantic-ai `OpenAIChatModel`": "use_pydantic_ai",
        "`llm` command": "use_llm",
    }
)
_MESSAGES_CLIENTS = MappingProxyType({"Anthropic SDK": "use_anthropic"})
_RESPONSES_CLIENTS = MappingProxyType(
    {
        "openai SDK, `responses`": "use_responses",
        "openai-agents": "use_openai_agents",
        "AI SDK `openai()`": "use_ai_sdk.mjs",
    }
)
# By the surface's name. The native API is chatd's own, so no client program has it.
CLIENTS_OF: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "native": {},
        "openai_chat": _CHAT_CLIENTS,
        "anthropic_messages": _MESSAGES_CLIENTS,
        "openai_responses": _RESPONSES_CLIENTS,
        "openai_completions": {},  # the openai SDK's script has cases of it: BEYOND
    }
)
CLIENTS = MappingProxyType({**_CHAT_CLIENTS, **_MESSAGES_CLIENTS, **_RESPONSES_CLIENTS})
# Their scripts run in .venv-agents.
AGENT_SCRIPTS = frozenset((*_MESSAGES_CLIENTS.values(), *_RESPONSES_CLIENTS.values()))
_TOKENS = [INPUT_TOKENS, OUTPUT_TOKENS]
_WEATHER = {"city": "Zürich", "celsius": 21}
_READ = {"text": "{provider} read: 21 °C in Zürich", "calls": ["Zürich"]}

# The expected result of a case, at least; `{provider}` is filled in.
FEATURES: Mapping[str, Any] = MappingProxyType(
    {
        "text": {"text": "{provider} echoes: " + HELLO, "tokens": _TOKENS},
        "stream": {"text": "{provider} echoes: " + HELLO, "tokens": _TOKENS},
        "tool round trip": _READ,
        "schema": _WEATHER,
        "image": {"text": f"{{provider}} sees 1 image(s) of {len(PNG)} bytes"},
    }
)


@dataclass(frozen=True, slots=True)
class Gap:
    """A feature that is refused or differs.

    Attributes:
        reason: The reason, and the alternative.
        code: The code of the 400; None if the request is not refused.
        instead: The result where the request is not refused.

    """

    reason: str
    code: str | None = None
    instead: Any = None


@dataclass(frozen=True, slots=True)
class Case:
    """A further case of a client, with its expected result and its gaps by provider."""

    client: str
    name: str
    expected: Any
    gaps: Mapping[str, Gap] = field(default_factory=dict)


def _ollama(reason: str, code: str = "unsupported_parameter") -> dict[str, Gap]:
    """Return the same gap for both providers of Ollama's dialect."""
    return {"ollama": Gap(reason, code), "ollama_cloud": Gap(reason, code)}


_NO_FETCHING = (
    "Ollama accepts an image only within the request, and chatd does not fetch images. Send a data"
    " URL."
)
_NO_FIELD = (
    "The provider's dialect lacks this field, and to drop the field would change the answer. Omit"
    " the field, or set `drop_params` in `chatd.toml`."
)
_LACKS_FIELD = {**_ollama(_NO_FIELD), "anthropic": Gap(_NO_FIELD, "unsupported_parameter")}
_WHOLE_SCHEMA = Gap(
    "Ollama Cloud does not enforce a schema, so chatd describes the schema in the prompt and"
    " validates the whole answer before the first byte: the stream has one piece of text.",
    instead={**_WEATHER, "in pieces": False},
)
_FIXED_TEMPERATURE = Gap(
    "Kimi fixes the temperature of each model and refuses any other, so chatd drops the parameter"
    " and names it in the header `x-chatd-dropped-params`.",
    instead="temperature",
)
_NO_CHOICES = Gap(
    "OpenAI's Responses API, which serves this model, lacks the field, and to drop the field would"
    " change the answer. Omit the field, or set `drop_params` in `chatd.toml`.",
    code="unsupported_parameter",
)
_NO_TEMPERATURE = Gap(
    "The model refuses a temperature, so chatd drops the parameter and names it in the header"
    " `x-chatd-dropped-params`.",
    instead="temperature",
)
_FORGOTTEN_THINKING = Gap(
    "With thinking, Kimi requires the `reasoning_content` of each tool call in the next request,"
    " and LangChain does not send this field. Use Kimi's tools without thinking.",
    code="invalid_request",
)

_THOUGHT = {
    "text": "{provider} echoes: " + HELLO,
    "thinking": "Let me think.",
    "streamed thinking": "Let me think.",
}
_BOTH = ["weather", "local_time"]
# By the name of a further case: the expected result.
_MESSAGES: Mapping[str, Any] = {
    "streamed tool call": _READ,
    "two parallel tool calls, streamed": _BOTH,
    "required tool call: `tool_choice`": ["weather"],
    "single tool call: `disable_parallel_tool_use`": ["weather"],
    "tools with thinking": _READ,
    "thinking, whole and streamed": _THOUGHT,
    "`count_tokens`": True,
    "`models.list`": {"listed": True, "once": True},
    "`request-id`": True,
}
_RESPONSES: Mapping[str, Any] = {
    "streamed tool call": _READ,
    "two parallel tool calls, streamed": _BOTH,
    "required tool call: `tool_choice`": ["weather"],
    "single tool call: `parallel_tool_calls`": ["weather"],
    "tools with thinking": _READ,
    "thinking, whole and streamed": _THOUGHT,
    "custom tool": {"name": "shout", "input": "Zürich", "text": "{provider} read: noon"},
    "namespaced tool": [["town", "weather"]],
    "`previous_response_id`, retrieve, delete": {**_READ, "stored": True},
    "`user`, `metadata`, `store`": FEATURES["text"],
}
_AI_SDK: Mapping[str, Any] = {
    "streamed tool call": _READ,
    "second step, `store` = false": _READ,
    "second turn by `item_reference`": {"text": "{provider} echoes: " + HELLO},
}


def _of(client: str, cases: Mapping[str, Any]) -> Iterator[Case]:
    """Yield the further cases of a client, which have no gaps."""
    return (Case(client, name, expected) for name, expected in cases.items())


_COMPLETED = {
    "in pieces": True,
    "finish": ["stop", "stop"],
    "tokens": [_TOKENS, _TOKENS],
    "objects": ["text_completion"],
}
_NO_COMPLETIONS = Gap(
    "The provider has no API for prompts without turns, at least for this model. Send the prompt as"
    " a message to `/v1/chat/completions`.",
    code="completions_unsupported",
)
_HAVE_COMPLETIONS = ("ollama", "ollama_cloud", "openrouter")
_LACKS_COMPLETIONS = {name: _NO_COMPLETIONS for name in MODELS if name not in _HAVE_COMPLETIONS}


def _completed(text: str) -> dict[str, Any]:
    """Return the expected result of a completion, whole and streamed."""
    return {"text": text, "streamed": text, **_COMPLETED}


BEYOND = (
    Case("openai SDK", "streamed tool call", _READ),
    Case("openai SDK", "two parallel tool calls, streamed", ["weather", "local_time"]),
    Case("openai SDK", "required tool call: `tool_choice`", ["weather"]),
    Case("openai SDK", "single tool call: `parallel_tool_calls`", ["weather"]),
    Case("openai SDK", "tools with thinking", _READ),
    Case("LangChain `ChatOpenAI`", "tools with thinking", _READ, {"kimi": _FORGOTTEN_THINKING}),
    Case("pydantic-ai `OpenAIChatModel`", "tools with thinking", _READ),
    Case("LangChain `ChatOpenAI`", "schema as a forced tool call", _WEATHER),
    Case("pydantic-ai `OpenAIChatModel`", "schema as a forced tool call", _WEATHER),
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
            "text": "{provider} echoes: " + HELLO,
            "thinking": "Let me think.",
            "streamed thinking": "Let me think.",
        },
    ),
    Case(
        "openai SDK", "a message of every role, texts in parts", {"text": "{provider} read: noon"}
    ),
    Case("openai SDK", "`x-request-id`, whole and streamed", {"whole": True, "streamed": True}),
    Case(
        "openai SDK",
        "two choices: `n` = 2",
        ["{provider} echoes: " + HELLO] * 2,
        {**_LACKS_FIELD, "openai": _NO_CHOICES},
    ),
    Case("openai SDK", "`logit_bias`", FEATURES["text"], _LACKS_FIELD),
    Case(
        "openai SDK",
        "`temperature`",
        "nothing",
        {"kimi": _FIXED_TEMPERATURE, "openai": _NO_TEMPERATURE},
    ),
    Case("openai SDK", "`user`, `metadata`, `store`, `n` = 1", FEATURES["text"]),
    Case(
        "openai SDK",
        "completion, whole and streamed: `completions.create`",
        _completed("{provider} echoes: " + HELLO),
        _LACKS_COMPLETIONS,
    ),
    Case(
        "openai SDK",
        "fill-in-the-middle: `suffix`",
        _completed("{provider} echoes: " + HELLO + "[…] Thanks."),
        _LACKS_COMPLETIONS,
    ),
    *_of("Anthropic SDK", _MESSAGES),
    *_of("openai SDK, `responses`", _RESPONSES),
    *_of("openai-agents", {"streamed tool call": _READ, "handoff": {"agent": "Second"}}),
    *_of("AI SDK `openai()`", _AI_SDK),
)


def holds(outcome: Json, expected: Any, provider: str) -> bool:
    """Return whether a case has the expected result; an object may have further fields."""
    result, value = outcome.get("result"), _filled(expected, provider)
    if isinstance(value, dict):
        return isinstance(result, dict) and result == {**result, **value}
    return bool(result == value)


def is_explained(outcome: Json, gap: Gap | None, provider: str) -> bool:
    """Return whether a case failed or differed as the gap describes."""
    if gap is None:
        return False
    if gap.code is None:
        return holds(outcome, gap.instead, provider)
    error = outcome.get("error", {})
    has_code = error.get("code") == gap.code or f"'code': '{gap.code}'" in error.get("message", "")
    return has_code and error["status_code"] == 400


def _filled(value: Any, provider: str) -> Any:
    if isinstance(value, str):
        return value.replace("{provider}", provider)
    if isinstance(value, list):
        return [_filled(item, provider) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item, provider) for name, item in value.items()}
    return value
