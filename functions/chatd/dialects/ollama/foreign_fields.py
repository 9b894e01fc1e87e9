"""Read the fields that callers of OpenAI's surface send for other vendors.

Agents and SDKs send hints with every request, whichever provider answers. A hint with an equal in
Ollama's dialect is written so. A hint that cannot change the answer is dropped. A hint that can
change the wording of the answer, but not whether it is right, is dropped and named. Any other field
is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from chatd.canonical.extra import Json, fields_for
from chatd.canonical.losses import further_fields
from chatd.canonical.request import ChatRequest, Think
from chatd.config.provider import Provider
from chatd.dialects import thinking_hints

# OpenAI's efforts as Ollama's values, as Ollama itself maps them:
# https://github.com/ollama/ollama/blob/main/openai/openai.go (thinkFromReasoningEffort)
_EFFORTS: Mapping[str, Think] = MappingProxyType(
    {
        "none": False,
        "minimal": "low",
        "low": "low",
        "medium": "medium",
        "high": "high",
        "max": "max",
        "xhigh": "max",
        "ultra": "max",
    }
)
# Ollama's own options, and another server's name for one of them:
# https://github.com/ollama/ollama/blob/main/docs/modelfile.mdx#valid-parameters-and-values
_OPTIONS = frozenset(
    {
        *("top_k", "min_p", "typical_p", "num_ctx", "num_keep", "num_predict"),
        *("repeat_penalty", "repeat_last_n", "options"),
    }
)
_RENAMED = MappingProxyType({"repetition_penalty": "repeat_penalty"})
# Fields of Ollama's own request besides the options.
_FIELDS = ("keep_alive", "truncate", "shift")
# Fields that ask for thinking: Ollama's own, OpenRouter's, Kimi's and Anthropic's, and those of
# Qwen's servers. The first field with a meaning holds.
_THINKING = ("think", "reasoning", "thinking", "enable_thinking", "chat_template_kwargs")
_TEMPLATE_SWITCHES = frozenset({"enable_thinking", "thinking"})
_QUIET = frozenset(
    {
        *("user", "metadata", "client_metadata", "session_id", "trace", "store", "include"),
        *("service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
        *("usage", "include_reasoning", "prediction", "provider", "route"),
    }
)
_NAMED = frozenset(
    {
        *("verbosity", "models", "transforms", "plugins", "web_search_options"),
        *("betas", "cache_control", "context_management", "output_config"),
    }
)
# Values that change nothing.
_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "logit_bias": {},
        "modalities": ["text"],
        "verbosity": "medium",
        "functions": [],
        "function_call": "auto",
    }
)
# The tag of the fields that are read here.
_SURFACE = "openai_chat"
_KNOWN = frozenset({*_QUIET, *_NAMED, *_OPTIONS, *_RENAMED, *_FIELDS, *_THINKING})


def refused(request: ChatRequest) -> tuple[str, ...]:
    """Name the fields without an equal in Ollama's dialect that change the answer."""
    return tuple(
        name
        for name, value in given(request).items()
        if (name not in _KNOWN or _is_unknown_template(name, value)) and not _is_idle(name, value)
    )


def dropped(request: ChatRequest) -> tuple[str, ...]:
    """Name the hints without an equal in Ollama's dialect that can change the answer."""
    fields = given(request)
    if not fields:
        return further_fields(request, _SURFACE)
    found = [name for name, value in fields.items() if name in _NAMED and not _is_idle(name, value)]
    asked = {name for name in _THINKING if fields.get(name) is not None}
    unread = {name for name in asked if _think(name, fields[name]) is None}
    return (*found, *sorted(unread - _is_open(fields)))


def given(request: ChatRequest) -> Json:
    """Return the further fields of a request of OpenAI's surface."""
    return fields_for(_SURFACE, request.extra)


def think(request: ChatRequest, row: Provider) -> Think:
    """Read Ollama's value for thinking; False if no field asks for thinking.

    Without a value a thinking model thinks, and can spend a small budget before the answer begins:
    https://github.com/ollama/ollama/blob/main/docs/capabilities/thinking.mdx
    """
    wanted = thinking_hints.wanted(request, row)
    if wanted is not None:
        return _level(wanted) or False
    fields = given(request)
    for name in _THINKING:
        found = _think(name, fields.get(name))
        if found is not None:
            return found
    return False


def without_thinking(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    """Return the request without the hint to think, and the hint's name; None without a hint.

    Agents send an effort with every request, whatever the model. On the native surface `think` is
    a demand and not a hint.
    """
    if request.think_required or request.think is False:
        return None
    fields = given(request)
    found = thinking_hints.without(request)
    if found is not None and _level(request.think) is False:
        return None
    name = next((n for n in _THINKING if _think(n, fields.get(n)) not in (None, False)), None)
    hint = name if found is None else found[1]
    if hint is None:
        return None
    extra = request.extra
    if extra is not None:
        rest = {name: value for name, value in extra.fields.items() if name not in _THINKING}
        extra = replace(extra, fields=rest)
    return replace(request, think=None, effort=None, think_budget=None, extra=extra), hint


def fields(request: ChatRequest) -> dict[str, Any]:
    """Return the fields of Ollama's own request that the caller sent."""
    sent = given(request)
    return {name: sent[name] for name in _FIELDS if sent.get(name) is not None}


def options(request: ChatRequest) -> dict[str, Any]:
    """Return Ollama's options; a field of OpenAI's schema takes precedence over an option."""
    sampling, sent = request.sampling, given(request)
    own = sent.get("options")
    found: dict[str, Any] = dict(own) if isinstance(own, Mapping) else {}
    found |= {new: sent[old] for old, new in _RENAMED.items() if sent.get(old) is not None}
    found |= {name: sent[name] for name in _OPTIONS - {"options"} if sent.get(name) is not None}
    named = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "seed": sampling.seed,
        "stop": None if sampling.stop is None else list(sampling.stop),
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "num_predict": request.max_completion_tokens or request.max_tokens,
    }
    return found | {name: value for name, value in named.items() if value is not None}


def _think(name: str, value: Any) -> Think | None:
    """Read a field that asks for thinking; None for an unknown value."""
    if not isinstance(value, Mapping):
        return _level(value)
    if name == "chat_template_kwargs":
        switches = [value[switch] for switch in sorted(_TEMPLATE_SWITCHES) if switch in value]
        return _level(switches[0]) if switches else None
    if value.get("type") == "disabled" or value.get("enabled") is False:
        return False
    effort = _level(value.get("effort"))
    if effort is not None:
        return effort
    budget = value.get("max_tokens") or value.get("budget_tokens")
    wanted = value.get("type") == "enabled" or value.get("enabled") is True or bool(budget)
    return True if wanted else None


def _level(value: Any) -> Think | None:
    if isinstance(value, bool):
        return value
    return _EFFORTS.get(value) if isinstance(value, str) else None


def _is_open(fields: Json) -> set[str]:
    """Return the fields that leave thinking to the model, such as `{"type": "adaptive"}`."""
    open_ones = set()
    for name in _THINKING:
        value = fields.get(name)
        if isinstance(value, Mapping) and not value.keys() - {"type", "exclude", "summary"}:
            open_ones.add(name)
    return open_ones


def _is_unknown_template(name: str, value: Any) -> bool:
    if name != "chat_template_kwargs" or value is None:
        return False
    return not isinstance(value, Mapping) or bool(value.keys() - _TEMPLATE_SWITCHES)


def _is_idle(name: str, value: Any) -> bool:
    """Whether a field is null or has its default value."""
    return value is None or (name in _DEFAULTS and bool(_DEFAULTS[name] == value))
