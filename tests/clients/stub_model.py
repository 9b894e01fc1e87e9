"""What stands in for a model: it does with what it was asked exactly what can be checked.

It knows no dialect. It repeats what it hears, calls every tool that it is offered, reads what the
tools gave, counts pictures, and fills in the schema that it is told to hold to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]

INPUT_TOKENS, OUTPUT_TOKENS = 11, 7
_PNG = b"\x89PNG\r\n\x1a\n"
# What it puts wherever a schema wants a value of a type.
_VALUES: Json = {"string": "Zürich", "integer": 21, "number": 21.5, "boolean": True, "null": None}


class RefusalError(Exception):
    """What a provider answers instead of an answer."""

    def __init__(self, status: int, message: str, code: str | None = None, wait: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.wait = wait


def must(condition: object, message: str) -> None:
    """Refuse the request with a 400 unless the condition holds."""
    if not condition:
        raise RefusalError(400, message, "invalid_request_error")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation."""

    role: str
    text: str = ""
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a provider understood of a request. `form` is a schema, or `json` for any object."""

    provider: str
    model: str
    turns: tuple[Turn, ...]
    tools: tuple[tuple[str, Json], ...] = ()
    form: Json | str | None = None
    stream: bool = False
    thinks: bool = False
    n: int = 1


@dataclass(frozen=True, slots=True)
class Said:
    """What the model says: a text, or calls by name and arguments."""

    text: str = ""
    calls: tuple[tuple[str, Json], ...] = ()
    thinking: str = field(default="")

    @property
    def pieces(self) -> list[str]:
        """The text, a word a piece."""
        words = self.text.split(" ")
        return [word + " " for word in words[:-1]] + words[-1:] if self.text else []


def reply(asked: Asked) -> Said:
    """The answer."""
    thinking = "Let me think." if asked.thinks else ""
    *_, last = asked.turns
    if last.role != "tool" and asked.tools:
        return Said(calls=tuple((n, sample(p, p)) for n, p in asked.tools), thinking=thinking)
    return Said(_text(asked, last), thinking=thinking)


def sample(schema: Json, root: Json) -> Any:
    """A value that holds to a schema."""
    if "$ref" in schema:
        return sample(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], root)
    if schema.get("type") == "array":
        return [sample(schema["items"], root)]
    if schema.get("type") == "object":
        return {name: sample(part, root) for name, part in schema.get("properties", {}).items()}
    return _VALUES[schema["type"]]


def picture(content: bytes) -> bytes:
    """The content, which must be a PNG."""
    must(content.startswith(_PNG), "an image is not a PNG")
    return content


def _text(asked: Asked, last: Turn) -> str:

    if isinstance(asked.form, Mapping):
        return json.dumps(sample(asked.form, asked.form), ensure_ascii=False)
    if asked.form == "json":
        return json.dumps({"answer": "Zürich"}, ensure_ascii=False)
    if last.role == "tool":
        return f"{asked.provider} read: {_read(asked.turns)}"
    images = [image for turn in asked.turns for image in turn.images]
    if images:
        return f"{asked.provider} sees {len(images)} image(s) of {len(images[0])} bytes"
    return f"{asked.provider} heard: {last.text}"


def _read(turns: tuple[Turn, ...]) -> str:
    """What the tools gave since the model called them."""
    read: list[str] = []
    for turn in reversed(turns):
        if turn.role != "tool":
            break
        read.insert(0, turn.text)
    return " and ".join(read)
