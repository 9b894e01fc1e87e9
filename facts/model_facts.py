"""Write functions/chatd/config/model_facts.txt from LiteLLM's list of models.

The wheel of LiteLLM holds the list, under the MIT License. Of the lists under that license it alone
says which models refuse sampling fields and prefills (docs/decisions/0053-model-facts.md).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from chatd.config.model_facts import (
    ABILITIES,
    COMMON,
    NOTHING,
    REFUSED,
    UNKNOWN,
    ModelFacts,
    keys_of,
    over,
)

Entry = Mapping[str, Any]
Facts = dict[str, ModelFacts]
_MODES = ("chat", "responses")
# LiteLLM's providers of each row, preferred ones first. A row without one serves the models of
# others with their makers' limits.
PROVIDERS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "anthropic": ("anthropic",),
        "azure": ("azure", "azure_ai"),
        "baseten": ("baseten",),
        "bedrock": ("bedrock_converse", "bedrock", "bedrock_mantle"),
        "cerebras": ("cerebras",),
        "cohere": ("cohere_chat", "cohere"),
        "dashscope": ("dashscope",),
        "deepinfra": ("deepinfra",),
        "deepseek": ("deepseek",),
        "fireworks": ("fireworks_ai",),
        "gemini": ("gemini",),
        "github_models": (),
        "groq": ("groq",),
        "huggingface": (),
        "kimi": (),
        "minimax": ("minimax",),
        "mistral": ("mistral",),
        "moonshot": ("moonshot",),
        "nebius": ("nebius",),
        "novita": ("novita",),
        "nvidia": (),
        "openai": ("openai",),
        "opencode": ("opencode_go",),
        "openrouter": (),
        "perplexity": ("perplexity",),
        "sambanova": ("sambanova",),
        "siliconflow": (),
        "together": ("together_ai",),
        "xai": ("xai",),
        "zai": ("zai",),
    }
)
# The rows of makers: their lines are the common ones.
MAKERS = (
    *("anthropic", "openai", "gemini", "mistral", "deepseek", "xai", "zai", "moonshot", "minimax"),
    *("dashscope", "cohere"),
)
# LiteLLM's field for each ability.
_FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "tools": "supports_function_calling",
        "images": "supports_vision",
        "pdfs": "supports_pdf_input",
        "thinks": "supports_reasoning",
        "adaptive": "supports_adaptive_thinking",
        "effort": "supports_output_config",
        "sampling": "supports_sampling_params",
        "prefill": "supports_assistant_prefill",
        "system_turns": "supports_mid_conversation_system",
    }
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the list comes from.

    Attributes:
        version: LiteLLM's version.
        made: The day of the making, as `2026-11-26`; models retired by then are left out.
        license: The text of the license.

    """

    version: str
    made: str
    license: str


def file_of(models: Mapping[str, Entry], origin: Origin) -> str:
    """Write the whole file.

    Args:
        models: LiteLLM's list: an entry for each model by its name there.
        origin: For the head of the file, and its day.

    """
    sections = {row: _of_row(models, names, origin.made) for row, names in PROVIDERS.items()}
    common = _common(sections)
    lines = list(_head(origin))
    lines += [f"[{COMMON}]", *_lines(common, {})]
    for row, own in sections.items():
        lines += [f"[{row}]", *_lines(own, common)]
    return "\n".join(lines) + "\n"


def line_of(key: str, facts: ModelFacts) -> str:
    """Write the line of a model."""
    values = ((name, getattr(facts, name)) for name in ABILITIES)
    words = [name if value else REFUSED + name for name, value in values if value is not None]
    return " ".join((key, str(facts.context or UNKNOWN), str(facts.max_output or UNKNOWN), *words))


def _head(origin: Origin) -> Iterator[str]:
    yield "# What models take: key, most tokens of a prompt, most tokens of an answer, abilities."
    yield "# A line of a provider's section goes over the common one, in which - is unknown."
    yield "# Made by `make models-data`; chatd.toml overrides single models."
    yield f"# Source: litellm {origin.version} on PyPI, read on {origin.made}. Its license:"
    for line in origin.license.splitlines():
        yield f"# {line}".rstrip()


def _of_row(models: Mapping[str, Entry], providers: Sequence[str], day: str) -> Facts:
    """Read the models of one row; of several entries with one key, the preferred provider's."""
    found: Facts = {}
    for name in sorted(_of(models, providers, day), key=lambda one: _rank(models, providers, one)):
        keys = keys_of(name)
        facts = _facts(models[name])
        if keys and facts != NOTHING:
            found.setdefault(keys[0], facts)
    undated = {key: keys_of(key)[-1] for key in found}
    return {
        key: facts
        for key, facts in found.items()
        if undated[key] == key or found.get(undated[key]) != facts
    }


def _of(models: Mapping[str, Entry], providers: Sequence[str], day: str) -> Iterator[str]:
    """Yield the names of the chat models of some providers, without retired models."""
    for name, entry in models.items():
        is_retired = str(entry.get("deprecation_date") or "9") <= day
        is_chat = entry.get("mode") in _MODES
        if is_chat and not is_retired and entry.get("litellm_provider") in providers:
            yield name


def _rank(models: Mapping[str, Entry], providers: Sequence[str], name: str) -> tuple[int, int, str]:
    """Return a sort key: the preferred provider first, then names without a region."""
    return providers.index(models[name]["litellm_provider"]), len(name), name


def _facts(entry: Entry) -> ModelFacts:
    """Read an entry. Of models without tools and thought, such as base models, nothing is kept."""
    abilities = {name: _flag(entry, name) for name in ABILITIES}
    if not (abilities["tools"] or abilities["thinks"]):
        return NOTHING
    context, most = entry.get("max_input_tokens"), entry.get("max_output_tokens")
    return ModelFacts(int(context) if context else None, int(most) if most else None, **abilities)


def _flag(entry: Entry, name: str) -> bool | None:
    value = entry.get(_FLAGS[name])
    return value if isinstance(value, bool) else None


def _common(sections: Mapping[str, Facts]) -> Facts:
    """Take the makers' facts, and the most frequent ones of a model that several hosts serve."""
    common: Facts = {}
    for maker in MAKERS:
        common = {**sections[maker], **common}
    hosts: defaultdict[str, list[ModelFacts]] = defaultdict(list)
    for own in sections.values():
        for key, facts in own.items():
            hosts[key].append(facts)
    for key, found in hosts.items():
        if key not in common and len(found) > 1:
            common[key] = Counter(found).most_common(1)[0][0]
    return {key: _without_idle(facts, NOTHING) for key, facts in common.items()}


def _lines(facts: Facts, common: Facts) -> Iterator[str]:
    """Write the lines that add something to the common ones."""
    for key in sorted(facts):
        below = common.get(key, NOTHING)
        added = _without_idle(facts[key], below)
        if over(below, added) != below:
            yield line_of(key, added)


def _without_idle(facts: ModelFacts, below: ModelFacts) -> ModelFacts:
    """Remove the facts that equal the common line, and each `no` that is the default."""
    idle = [
        name
        for name in ("context", "max_output", *ABILITIES)
        if getattr(facts, name) == getattr(below, name)
        or (getattr(facts, name) is False and _is_no_by_default(name, below))
    ]
    return replace(facts, **dict.fromkeys(idle))


def _is_no_by_default(name: str, below: ModelFacts) -> bool:
    return name not in ("sampling", "prefill") and getattr(below, name) is None
