"""Answer chats by fixed rules that tests can check, independently of a dialect.

The stub repeats the user's text, calls every offered tool, repeats tool results, counts images, and
fills in a requested schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]

INPUT_TOKENS, OUTPUT_TOKENS = 11, 7
_SCHEMA_IN_WORDS = re.compile(r"JSON Schema[^{]*(?=\{)")
_PNG = b"\x89PNG\r\n\x1a\n"
# The value for each type in a schema.
_VALUES: Json = {"string": "Zürich", "integer": 21, "number": 21.5, "boolean": True, "null": None}


class RefusalError(Exception):
    """A provider's error response."""

    def __init__(self, status: int, message: str, code: str | None = None, wait: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.wait = wait


def require(condition: object, message: str) -> None:
    """Refuse the request with a 400 unless the condition holds."""
    if not condition:
        raise RefusalError(400, message, "invalid_request_error")


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation."""

    role: str
    text: str = ""
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A parsed request.

    Attributes:
        form: A schema, or `json` for any object.
        kinds: Fields of the calls of a tool that is no plain function, by the tool's name.

    """

    provider: str
    model: str
    turns: tuple[Turn, ...]
    tools: tuple[tuple[str, Json], ...] = ()
    form: Json | str | None = None
    stream: bool = False
    thinks: bool = False
    n: int = 1
    kinds: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The model's answer: a text, or calls by name and arguments, or both.

    Attributes:
        series: A part of the ids of calls, so that they are unique in a conversation.

    """

    text: str = ""
    calls: tuple[tuple[str, Json], ...] = ()
    thinking: str = ""
    series: str = ""

    @property
    def pieces(self) -> list[str]:
        """Return the text in pieces, one per word."""
        words = self.text.split(" ")
        return [word + " " for word in words[:-1]] + words[-1:] if self.text else []


def reply(request: ChatRequest) -> Answer:
    """Return the answer to a request."""
    thinking = "Let me think." if request.thinks else ""
    *_, last = request.turns
    if last.role != "tool" and request.tools:
        return Answer(calls=tuple((n, sample(p, p)) for n, p in request.tools), thinking=thinking)
    return Answer(_text(request, last), thinking=thinking)


def sample(schema: Json, root: Json) -> Any:
    """Return a value that conforms to a schema."""
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


def form_in_words(turns: Iterable[Turn]) -> Json | str | None:
    """Return the form that the system text describes."""
    text = " ".join(turn.text for turn in turns if turn.role == "system")
    if found := _SCHEMA_IN_WORDS.search(text):
        schema, _ = json.JSONDecoder().raw_decode(text, found.end())
        return dict(schema)
    return "json" if "JSON object" in text else None


def filled(prompt: str, suffix: str | None) -> str:
    """Return the text of a completion's prompt, with the place to fill in before the suffix."""
    return prompt if suffix is None else f"{prompt}[…]{suffix}"


def checked_png(content: bytes) -> bytes:
    """Return the content if this is a PNG, else refuse the request."""
    require(content.startswith(_PNG), "an image is not a PNG")
    return content


def _text(request: ChatRequest, last: Turn) -> str:
    if isinstance(request.form, Mapping):
        return json.dumps(sample(request.form, request.form), ensure_ascii=False)
    if request.form == "json":
        return json.dumps({"answer": "Zürich"}, ensure_ascii=False)
    if last.role == "tool":
        return f"{request.provider} read: {_tool_results(request.turns)}"
    images = [image for turn in request.turns for image in turn.images]
    if images:
        return f"{request.provider} sees {len(images)} image(s) of {len(images[0])} bytes"
    return f"{request.provider} echoes: {last.text}"


def _tool_results(turns: tuple[Turn, ...]) -> str:
    """Return the tool results after the last call, as one text."""
    results: list[str] = []
    for turn in reversed(turns):
        if turn.role != "tool":
            break
        results.insert(0, turn.text)
    return " and ".join(results)
