"""Decode the free text of a custom tool from the JSON arguments of a function call.

The function has one parameter, `input`. A model may answer with other JSON, or with none.
"""

from __future__ import annotations

import json
import re
from typing import Any

from chatd.safe_json.value_count import MAX_ANSWER_VALUES, is_bounded

FIELD = "input"
"""The name of the function's parameter."""
_BEGINNING = re.compile(rf'\s*\{{\s*"{FIELD}"\s*:\s*"')
# Characters in which the beginning must be complete; a model writes some 12.
_LONGEST_BEGINNING = 256
_PLAIN = re.compile(r'[^"\\]+')
_ESCAPE = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|(["\\/bfnrt]))')
_CUT_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{0,3})?")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
# Characters of arguments in another form that are held until their end.
_MOST_HELD = 1024 * 1024
_SURROGATE = re.compile("[\ud800-\udfff]")


def decoded(arguments: str) -> str:
    """Return the text in whole arguments.

    It is the field `input`, or the only text of another object, or a JSON text; for anything else
    the arguments themselves.
    """
    if not is_bounded(arguments.encode("utf-8", "surrogatepass"), MAX_ANSWER_VALUES):
        return arguments
    try:
        value = json.loads(arguments, strict=False)
    except (ValueError, RecursionError):
        return _cut_short(arguments)
    found = _text_in(value)
    return arguments if found is None else _without_surrogates(found)


class CustomInput:
    """Decodes the text of `{"input": "…"}` while the JSON arrives, cut anywhere.

    Arguments of another form are held until their end, up to 1 M characters; longer ones are
    returned unchanged.
    """

    def __init__(self) -> None:
        self._held: list[str] = []
        self._size = 0
        self._begun = self._closed = self._raw = False
        self._cut = ""
        self._high = ""

    def add(self, piece: str) -> str:
        """Add a piece of the JSON; return the text that it adds."""
        if self._closed or self._raw:
            return piece if self._raw else ""
        if self._begun:
            return self._unescaped(piece)
        self._held.append(piece)
        self._size += len(piece)
        beginning = None
        if self._size - len(piece) < _LONGEST_BEGINNING:
            held = "".join(self._held)
            beginning = _BEGINNING.match(held)
        if beginning is not None:
            self._begun = True
            self._held.clear()
            return self._unescaped(held[beginning.end() :])
        if self._size <= _MOST_HELD:
            return ""
        self._raw = True
        return self._released()

    def end(self) -> str:
        """End the JSON; return the text that was held back."""
        if self._begun:
            high, self._high = self._high, ""
            return "\ufffd" if high else ""
        return decoded(self._released()) if self._held else ""

    def _released(self) -> str:
        held = "".join(self._held)
        self._held.clear()
        return held

    def _unescaped(self, piece: str) -> str:
        """Decode a piece of the string up to its closing quote; keep a cut escape for the next."""
        text, self._cut = self._cut + piece, ""
        found, at = [self._high], 0
        while at < len(text):
            if plain := _PLAIN.match(text, at):
                found.append(plain[0])
                at = plain.end()
            elif text[at] == '"':
                self._closed = True
                break
            elif escape := _ESCAPE.match(text, at):
                found.append(_character(escape))
                at = escape.end()
            elif _CUT_ESCAPE.fullmatch(text, at):
                self._cut = text[at:]
                break
            else:  # not JSON: a backslash of the text itself
                found.append("\\")
                at += 1
        joined = "".join(found)
        self._high = joined[-1:] if "\ud800" <= joined[-1:] < "\udc00" and not self._closed else ""
        return _without_surrogates(joined[: len(joined) - len(self._high)])


def _character(escape: re.Match[str]) -> str:
    if escape[1] is not None:
        return chr(int(escape[1], 16))
    return _ESCAPED.get(escape[2], escape[2])


def _cut_short(arguments: str) -> str:
    """Return the text in arguments that break off or are no JSON."""
    partial = CustomInput()
    if _BEGINNING.match(arguments) is None:
        return arguments
    return partial.add(arguments) + partial.end()


def _text_in(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return None
    if isinstance(value.get(FIELD), str):
        return str(value[FIELD])
    if not value:
        return ""
    (first, *others) = value.values()
    return first if isinstance(first, str) and not others else None


def _without_surrogates(text: str) -> str:
    """Join pairs of surrogates, and replace single ones, which no JSON writer takes."""
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
