"""Read the fields that callers of OpenAI's surface send to other vendors, for Ollama.

Agents and SDKs send hints with every request, whichever provider answers. A hint for which Ollama
has a word is written so. One that cannot change the answer is dropped. One that can change how it
is written, but not whether it is right, is dropped and named. What is left is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from chatd.canonical.request import ChatRequest, Think

# Efforts in Ollama's words, as Ollama itself maps them:
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
# Options of Ollama's own, and what another server calls one of them:
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
# Fields by which callers ask for thinking: OpenRouter's, Ollama's own, Kimi's and Anthropic's, and
# those of Qwen's servers. The first that says something holds.
_THINKING = ("think", "reasoning", "thinking", "enable_thinking", "chat_template_kwargs")
_TEMPLATE_SWITCHES = frozenset({"enable_thinking", "thinking"})
_QUIET = frozenset(
    {
        *("user", "metadata", "client_metadata", "session_id", "trace", "store", "include"),
        *("service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
        *("stream_options", "usage", "include_reasoning", "prediction", "provider", "route"),
        *("cache_control",),
    }
)
_NAMED = frozenset(
    {
        *("verbosity", "models", "transforms", "plugins", "web_search_options"),
        *("betas", "context_management", "output_config"),
    }
)
# These say what is so anyway.
_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "logit_bias": {},
        "modalities": ["text"],
        "verbosity": "medium",
        "functions": [],
        "function_call": "auto",
    }
)
_KNOWN = frozenset({*_QUIET, *_NAMED, *_OPTIONS, *_RENAMED, *_FIELDS, *_THINKING})


def refused(request: ChatRequest) -> tuple[str, ...]:
    """Name the fields that would change the answer and that Ollama has no word for."""
    return tuple(
        name
        for name, value in request.extra.items()
        if (name not in _KNOWN or _is_unknown_template(name, value)) and not _is_idle(name, value)
    )


def dropped(request: ChatRequest) -> tuple[str, ...]:
    """Name the hints that Ollama has no word for and that can change the answer."""
    found = [
        name
        for name, value in request.extra.items()
        if name in _NAMED and not _is_idle(name, value)
    ]
    asked = {name for name in _THINKING if request.extra.get(name) is not None}
    unread = {name for name in asked if _think(name, request.extra[name]) is None}
    return (*found, *sorted(unread - _is_open(request)))


def think(request: ChatRequest) -> Think:
    """Read whether to think, or how hard, in Ollama's words; False where nothing is said.

    A thinking model thinks when nothing is said, and can then spend a small budget without a word
    of answer: https://github.com/ollama/ollama/blob/main/docs/capabilities/thinking.mdx
    """
    if request.think is not None:
        return _level(request.think) or False
    for name in _THINKING:
        found = _think(name, request.extra.get(name))
        if found is not None:
            return found
    return False


def without_thinking(request: ChatRequest) -> tuple[ChatRequest, str] | None:
    """Return the request without the hint to think, and the hint's name; None if it has none.

    Agents send an effort with every request, whatever the model. The native surface knows no
    hints: what its callers send is wanted.
    """
    if request.think_required or think(request) is False:
        return None
    extra = {name: value for name, value in request.extra.items() if name not in _THINKING}
    if request.think is not None:
        hint = "reasoning_effort"
    else:
        hint = next(name for name in _THINKING if _think(name, request.extra.get(name)) is not None)
    return replace(request, think=None, extra=extra), hint


def fields(request: ChatRequest) -> dict[str, Any]:
    """Return the fields of Ollama's own request that the caller sent."""
    found = {name: request.extra.get(name) for name in _FIELDS}
    return {name: value for name, value in found.items() if value is not None}


def options(request: ChatRequest) -> dict[str, Any]:
    """Return Ollama's options; what OpenAI has a name for goes before an option."""
    sampling, extra = request.sampling, request.extra
    given = extra.get("options")
    found: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
    found |= {new: extra[old] for old, new in _RENAMED.items() if extra.get(old) is not None}
    found |= {name: extra[name] for name in _OPTIONS - {"options"} if extra.get(name) is not None}
    said = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": None if sampling.stop is None else list(sampling.stop),
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "num_predict": request.max_completion_tokens or request.max_tokens,
    }
    return found | {name: value for name, value in said.items() if value is not None}


def _think(name: str, value: Any) -> Think | None:
    """Read one of the fields that ask for thinking; None if it does not say."""
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


def _is_open(request: ChatRequest) -> set[str]:
    """Return the fields that leave thinking to the model, such as `{"type": "adaptive"}`."""
    open_ones = set()
    for name in _THINKING:
        value = request.extra.get(name)
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
