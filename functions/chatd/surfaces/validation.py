"""What a caller got wrong: a body that does not fit its model, told by field and without values."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from chatd.errors import InvalidRequestError
from chatd.safe_json.finite_numbers import infinite, not_finite

_MAX_PARAM = 100
# What pydantic puts into a location besides the caller's own names: the branches of a union.
_TYPES = frozenset({"bool", "int", "float", "str"})
_BRANCHES = ("literal[", "dict[", "list[", "function-", "constrained-", "OpenAI")


def first_mistake(error: ValidationError) -> InvalidRequestError:
    """The error that names the first wrong field and says what it should hold."""
    mistakes = error.errors(include_url=False, include_input=False, include_context=False)
    mistake = mistakes[0]
    # Of a union every branch complains: the one that got furthest is the one that was meant.
    for other in mistakes[1:]:
        before, after = _names(mistake["loc"]), _names(other["loc"])
        # A list that is too long was meant as a list.
        further = len(after) > len(before) or other["type"] == "too_long"
        if further and after[: len(before)] == before:
            mistake = other
    param = ".".join(_names(mistake["loc"]))[:_MAX_PARAM] or None
    if mistake["type"] == "json_invalid":
        return InvalidRequestError("the body is not JSON")
    if mistake["type"] == "model_type" and param is None:
        return InvalidRequestError("the body is not a JSON object")
    if mistake["type"] == "missing":
        return InvalidRequestError(f"{param!r} is missing", param=param)
    return InvalidRequestError(f"{param!r} is not valid: {mistake['msg']}", param=param)


def unknown_field(path: str) -> InvalidRequestError:
    """The error for a field that the surface does not define; `path` is as in `messages.0.rol`."""
    return InvalidRequestError(
        "there is no such field; check its spelling", param=path[:_MAX_PARAM]
    )


def refuse_infinite(sent: BaseModel, body: bytes) -> None:
    """Refuse NaN and Infinity where the request may hold any JSON.

    Only a body that holds their names is searched; a number such as 1e999, which no name gives
    away, is refused when the provider's request is written (safe_json/finite_numbers.py).

    Raises:
        InvalidRequestError: With the first of them as its `param`.

    """
    if b"NaN" in body or b"Infinity" in body:
        refuse_infinite_in(sent.model_dump(by_alias=True, exclude_unset=True))


def refuse_infinite_in(value: Any, path: str = "") -> None:
    """Refuse a number in this JSON value that is not finite; `path` is where the value stands.

    Raises:
        InvalidRequestError: With the first of them as its `param`.

    """
    found = infinite(value, path)
    if found is not None:
        raise not_finite(found)


def _names(location: tuple[int | str, ...]) -> list[str]:
    names = [str(part) for part in location]
    return [name for name in names if name not in _TYPES and not name.startswith(_BRANCHES)]
