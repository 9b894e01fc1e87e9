"""Check a caller's body against its model; an error names the field and quotes no value."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from chatd.errors import InvalidRequestError
from chatd.safe_json.finite_numbers import infinite, not_finite

_MAX_PARAM = 100
# Parts of a pydantic location that are not the caller's names: the branches of a union.
_TYPES = frozenset({"bool", "int", "float", "str"})
_BRANCHES = (
    *("literal[", "dict[", "list[", "function-", "constrained-", "OpenAI"),
    *("Anthropic.", "AnthropicBlock", "AnthropicResultBlock"),
)


def checked(body: bytes, model: type[BaseModel]) -> Any:
    """Parse a body and check it.

    Args:
        body: JSON in UTF-8.
        model: The shape that it must have.

    Returns:
        The JSON as the caller sent it: fields that the model does not have are in it too.

    Raises:
        InvalidRequestError: With the first wrong field as its `param`.

    """
    try:
        value = from_json(body)
    except ValueError:
        raise InvalidRequestError("the body is not JSON") from None
    try:
        model.model_validate(value)
    except ValidationError as error:
        raise first_mistake(error) from None
    # A number such as 1e999, which no name gives away, is refused when the provider's request is
    # written (safe_json/finite_numbers.py).
    if b"NaN" in body or b"Infinity" in body:
        refuse_infinite_in(value)
    return value


def first_mistake(error: ValidationError) -> InvalidRequestError:
    """Make the error for the first wrong field, with the reason."""
    mistakes = error.errors(include_url=False, include_input=False, include_context=False)
    mistake = mistakes[0]
    # Every branch of a union reports a mistake; the deepest one is of the branch that was meant.
    for other in mistakes[1:]:
        before, after = _names(mistake["loc"]), _names(other["loc"])
        # A list that is too long is of the list branch.
        further = len(after) > len(before) or other["type"] == "too_long"
        if further and after[: len(before)] == before:
            mistake = other
    param = ".".join(_names(mistake["loc"]))[:_MAX_PARAM] or None
    if mistake["type"] == "model_type" and param is None:
        return InvalidRequestError("the body is not a JSON object")
    if mistake["type"] == "missing":
        return InvalidRequestError(f"{param!r} is missing", param=param)
    return InvalidRequestError(f"{param!r} is not valid: {mistake['msg']}", param=param)


def unknown_field(path: str) -> InvalidRequestError:
    """Make the error for a field that the surface does not define, such as `messages.0.rol`."""
    return InvalidRequestError(
        "there is no such field; check its spelling", param=path[:_MAX_PARAM]
    )


def refuse_infinite_in(value: Any, path: str = "") -> None:
    """Refuse a JSON value with an infinite number; `path` is the value's place.

    Raises:
        InvalidRequestError: With the first such number as its `param`.

    """
    found = infinite(value, path)
    if found is not None:
        raise not_finite(found)


def _names(location: tuple[int | str, ...]) -> list[str]:
    names = [str(part) for part in location]
    return [name for name in names if name not in _TYPES and not name.startswith(_BRANCHES)]
