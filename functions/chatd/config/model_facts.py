"""Look up the limits and abilities of a model.

`model_facts.txt` has a line for each model, made by `make models-data`; chatd.toml overrides single
models. The file is read on first use and searched as text, so that no object is made for a model
that no caller names (docs/decisions/0053-model-facts.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatd.config.provider import Provider

FILE = Path(__file__).with_suffix(".txt")
# The section of the lines for every provider without a line of its own for a model.
COMMON = "*"
UNKNOWN = "-"
REFUSED = "no-"
_MOST_CACHED = 256  # models
# The region and vendor in Bedrock's `us.anthropic.claude-opus-4-7`; `gpt-5.2` has neither.
_VENDOR = re.compile(r"(?:[a-z-]+\.)?[a-z0-9]+\.(?=[a-z])")
_BEDROCK_VERSION = re.compile(r"-v\d+$")
# Fireworks writes 4.7 as `4p7`.
_POINT = re.compile(r"(?<=\d)p(?=\d)")
_DATE = re.compile(r"-(?:20\d{6}|20\d\d-[01]\d-[0-3]\d|[01]\d-20\d\d|latest)$")
_KEY = re.compile(r"[a-z0-9][a-z0-9_+-]{0,127}")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The facts of a model at one provider; None: unknown.

    Attributes:
        context: The most tokens of a prompt.
        max_output: The most tokens of an answer and its thinking.
        tools: Whether it calls functions.
        images: Whether it reads images.
        pdfs: Whether it reads PDF documents.
        thinks: Whether it can think.
        adaptive: Whether it decides by itself when to think: Anthropic's adaptive thinking.
        effort: Whether it takes Anthropic's `output_config.effort`.
        sampling: Whether it takes `temperature`, `top_p` and `top_k`.
        prefill: Whether it continues an assistant turn at the end of a conversation.
        system_turns: Whether it takes Anthropic's `system` turns in mid-conversation.

    """

    context: int | None = None
    max_output: int | None = None
    tools: bool | None = None
    images: bool | None = None
    pdfs: bool | None = None
    thinks: bool | None = None
    adaptive: bool | None = None
    effort: bool | None = None
    sampling: bool | None = None
    prefill: bool | None = None
    system_turns: bool | None = None


NOTHING = ModelFacts()
_NAMES = tuple(field.name for field in fields(ModelFacts))
# The words of a line, after the two limits.
ABILITIES = _NAMES[2:]


def facts_of(row: Provider, model: str) -> ModelFacts | None:
    """Return the known facts of a model; None without any.

    Args:
        row: The provider's row.
        model: The provider's name for the model, such as `us.anthropic.claude-opus-4-7`, or the
            row's own name for it.

    """
    own, model = row.models.get(model), row.model_ids.get(model, model)
    found = _listed(row.facts or row.name, model)
    return found if own is None else over(found or NOTHING, own)


def over(below: ModelFacts, above: ModelFacts) -> ModelFacts:
    """Join two sets of facts; the known facts of `above` replace the ones of `below`."""
    if below == NOTHING:
        return above
    known = {name: value for name in _NAMES if (value := getattr(above, name)) is not None}
    return replace(below, **known)


def keys_of(model: str) -> tuple[str, ...]:
    """Return the keys under which a model may be listed, the exact one first.

    A key is the model's own name in small letters, with hyphens for points, without vendor, region
    and tag. The second key also lacks the date.
    """
    name = model.lower().rpartition("/")[2].removeprefix("ft:")
    name = name.partition(":")[0].partition("@")[0]
    if vendor := _VENDOR.match(name):
        name = _BEDROCK_VERSION.sub("", name[vendor.end() :])
    name = _POINT.sub("-", name.replace(".", "-"))
    keys = dict.fromkeys((name, _DATE.sub("", name)))
    return tuple(key for key in keys if _KEY.fullmatch(key))


@lru_cache(_MOST_CACHED)
def _listed(section: str, model: str) -> ModelFacts | None:
    """Join the provider's line for a model and the common one.

    A provider without a section may serve a model with a shorter context than all others, so only
    the abilities of the common line hold there.
    """
    text, keys = _text(), keys_of(model)
    common = _line(text, COMMON, keys)
    if f"\n[{section}]\n" not in text:
        return common and replace(common, context=None, max_output=None)
    own = _line(text, section, keys)
    return over(common, own) if common and own else own or common


def _line(text: str, section: str, keys: tuple[str, ...]) -> ModelFacts | None:
    head = f"\n[{section}]\n"
    start = text.index(head) + len(head) - 1
    end = text.find("\n[", start)
    for key in keys:
        place = text.find(f"\n{key} ", start, end if end >= 0 else len(text))
        if place >= 0:
            return _read(text[place + 1 : text.index("\n", place + 1)])
    return None


def _read(line: str) -> ModelFacts:
    _, context, max_output, *words = line.split(" ")
    abilities = {word.removeprefix(REFUSED): not word.startswith(REFUSED) for word in words}
    return ModelFacts(_limit(context), _limit(max_output), **abilities)


def _limit(text: str) -> int | None:
    return None if text == UNKNOWN else int(text)


@cache
def _text() -> str:
    return FILE.read_text("ascii")
