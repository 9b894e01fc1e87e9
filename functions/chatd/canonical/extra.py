"""Keep the fields unknown to the canonical form, tagged with their dialect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from chatd.safe_json.text_extraction import texts

Json = Mapping[str, Any]
NOTHING: Json = {}


@dataclass(slots=True, eq=False)
class Extra:
    """Fields unknown to the canonical form, tagged with their dialect.

    Attributes:
        dialect: The dialect that the fields came in, such as `openai_chat`.
        fields: The fields by name, as parsed JSON.
        nested: The unnamed fields of objects within, by the object's name: of a tool call
            `{"function": {"x": 1}}`, where the form names the function's other fields.

    """

    dialect: str
    fields: Json = field(default_factory=dict, repr=False)
    nested: Mapping[str, Json] = field(default_factory=dict, repr=False)

    def paths(self) -> Iterator[tuple[str, Any]]:
        """Yield the path of each field, such as `function.x`, and its value."""
        yield from self.fields.items()
        for name, fields in self.nested.items():
            for key, value in fields.items():
                yield f"{name}.{key}", value

    def words(self) -> Iterator[str]:
        """Yield the caller's texts in the fields."""
        yield from texts(self.fields)
        yield from texts(self.nested)


def fields_for(dialect: str, extra: Extra | None) -> Json:
    """Return the fields of this dialect; empty for another dialect."""
    return NOTHING if extra is None or extra.dialect != dialect else extra.fields


def nested_for(dialect: str, extra: Extra | None, name: str) -> Json:
    """Return the fields of a nested object in this dialect; empty for another dialect."""
    if extra is None or extra.dialect != dialect:
        return NOTHING
    return extra.nested.get(name, NOTHING)


def extra_words(extra: Extra | None) -> Iterator[str]:
    """Yield the caller's texts in the extra fields, if there are any."""
    if extra is not None:
        yield from extra.words()


def unnamed(given: Json, names: AbstractSet[str]) -> Json:
    """Return the fields of an object without the named ones."""
    if given.keys() <= names:
        return NOTHING
    return {name: value for name, value in given.items() if name not in names}


def extra_of(dialect: str, given: Json, names: AbstractSet[str], **nested: Json) -> Extra | None:
    """Gather the unnamed fields of an object; None if there are none.

    Args:
        dialect: The dialect that the object came in.
        given: The object.
        names: The names of the fields that the canonical form has.
        nested: The unnamed fields of objects in it, by the object's name.

    """
    fields = unnamed(given, names)
    within = {name: rest for name, rest in nested.items() if rest}
    return Extra(dialect, fields, within) if fields or within else None
