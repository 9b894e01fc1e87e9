"""Read what providers write in several shapes: counts, texts, arguments and error bodies.

A provider departs from its dialect's schema in small ways: a count is null, a text is a list of
parts, arguments are an object. None of them makes an answer unusable.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chatd.safe_json.finite_numbers import spaced

# An error body that is longer is not read: it holds no sentence for a caller.
_MAX_ERROR_BYTES = 1024 * 1024
# Entries of FastAPI's `detail` that go into the reason.
_MAX_DETAILS = 3
_MOST_TOKENS = 2**53 - 1  # the largest integer that every reader of JSON holds exactly


class Refusal(NamedTuple):
    """A provider's own words for a failure, and its code and type."""

    words: str
    codes: tuple[str, ...] = ()


def count(value: Any) -> int:
    """Read a count of tokens: 0 for null, a negative number and whatever is no number."""
    if type(value) is int:
        return min(max(0, value), _MOST_TOKENS)
    if isinstance(value, float) and math.isfinite(value):
        return min(max(0, int(value)), _MOST_TOKENS)
    return 0


def known_count(value: Any) -> int | None:
    """Read a count that may be unknown: None where the provider gives none."""
    return None if value is None else count(value)


def cost(value: Any) -> float | None:
    """Read a cost in USD; OpenCode writes it as a text. None for whatever is no cost."""
    if value is None or isinstance(value, bool):
        return None
    try:
        usd = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return usd if math.isfinite(usd) and usd >= 0 else None


def text(content: str | Sequence[Any] | None) -> str | None:
    """Read a turn's text: a string, or the texts of a list of parts; None where it is null."""
    if content is None or type(content) is str:
        return content
    return "".join(map(_text_of_part, content))


def thinking(content: str | Sequence[Any] | None) -> str | None:
    """Read the thinking in a list of parts, as Mistral writes it; None where there is none.

    https://docs.mistral.ai/capabilities/reasoning
    """
    if content is None or isinstance(content, str):
        return None
    parts = [part for part in content if isinstance(part, Mapping)]
    found = [part.get("thinking") for part in parts if part.get("type") == "thinking"]
    return "".join(text(part) or "" for part in found if isinstance(part, str | list)) or None


def arguments(value: Any) -> str:
    """Read the arguments of a tool call, or a piece of them: a JSON text; empty for null."""
    if value is None or isinstance(value, str):
        return value or ""
    return spaced(value)


def names(models: Sequence[Any] | None, *fields: str) -> list[str]:
    """Read the names in a list of models, from the first of these fields that each has."""
    entries = [entry for entry in models or () if isinstance(entry, Mapping)]
    found = [next((entry[name] for name in fields if entry.get(name)), None) for entry in entries]
    return [name for name in found if isinstance(name, str)]


def is_error(error: Any) -> bool:
    """Whether the `error` field reports an error; null, false and an empty text do not."""
    return error is not None and error is not False and error != ""


def refusal(body: bytes) -> Refusal | None:
    """Read the reason in an error body; None if the body holds none.

    These shapes are known: `{"error": …}` with a text or an object, the same in an array (Google),
    `{"detail": …}` with a text, an object or a list of mistakes (FastAPI), and an object that is
    the error itself (vLLM, Mistral), in which Mistral's message may be `{"detail": …}` again.
    """
    if len(body) > _MAX_ERROR_BYTES:
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, Mapping)), None)
    if not isinstance(value, Mapping):
        return None
    for name in ("error", "detail"):
        if value.get(name):
            return refusal_of(value[name])
    message = value.get("message")
    is_error = isinstance(message, str) or (isinstance(message, Mapping) and "detail" in message)
    return refusal_of(value) if is_error else None


def refusal_of(error: Any) -> Refusal:
    """Read the `error` or `detail` field of an error body."""
    if isinstance(error, str):
        # Ollama passes an error of its llama-server on as a text.
        inner = refusal(error.encode("utf-8", "replace")) if error.startswith("{") else None
        return inner if inner is not None and inner.words else Refusal(error)
    if isinstance(error, list):
        return Refusal(_mistakes(error))
    if not isinstance(error, Mapping):
        return Refusal("")
    if error.get("error"):
        return refusal_of(error["error"])
    words = error.get("message") or error.get("detail") or error.get("msg")
    details = error.get("details")
    # Anthropic's own code is among the details: https://platform.claude.com/docs/en/api/errors
    own = details.get("error_code") if isinstance(details, Mapping) else None
    given = (own, error.get("code"), error.get("type"))
    codes = tuple(str(code) for code in given if isinstance(code, str | int))
    if isinstance(words, Mapping):
        words = words.get("detail")
    if isinstance(words, list):
        words = _mistakes(words)
    return Refusal(words if isinstance(words, str) else "", codes)


def _text_of_part(part: Any) -> str:
    if isinstance(part, str):
        return part
    found = part.get("text") if isinstance(part, Mapping) else None
    return found if isinstance(found, str) else ""


def _mistakes(items: Sequence[Any]) -> str:
    return "; ".join(_mistake(item) for item in items[:_MAX_DETAILS])


def _mistake(item: Any) -> str:
    """Write one of FastAPI's mistakes with its place, but without the quoted value."""
    if not isinstance(item, Mapping):
        return item if isinstance(item, str) else ""
    place = item.get("loc")
    where = ".".join(map(str, place)) if isinstance(place, list) else ""
    words = item.get("msg") or item.get("message") or ""
    return f"{where}: {words}" if where else str(words)
