"""Read the parts of an item's content into blocks."""

from __future__ import annotations

from collections.abc import Sequence

from chatd.canonical.content import Block, Document, Image, Opaque, Refusal, Text
from chatd.canonical.extra import Extra, Json, unnamed
from chatd.errors import InvalidRequestError

DIALECT = "openai_responses"
_TEXTS = frozenset({"input_text", "output_text", "text"})
_OF_TEXT = frozenset({"type", "text"})
_OF_REFUSAL = frozenset({"type", "refusal"})
_OF_IMAGE = frozenset({"type", "image_url"})
_OF_FILE = frozenset({"type", "file_data", "file_url", "filename"})
# Fields of a part that say nothing where they are empty.
_OF_NOTHING = frozenset({"annotations", "logprobs"})


def missing(param: str) -> InvalidRequestError:
    """Make the error for a missing field."""
    return InvalidRequestError(f"{param!r} is missing", param=param)


def blocks_of(content: str | Sequence[Json], place: str) -> tuple[Block, ...]:
    """Read the content of an item; `place` is its place in the request, for errors.

    Raises:
        InvalidRequestError: If a text has none.

    """
    if isinstance(content, str):
        return (Text(content),)
    return tuple([_part(part, f"{place}.{n}") for n, part in enumerate(content)])


def _part(part: Json, place: str) -> Block:
    kind = part["type"]
    if kind in _TEXTS:
        if part.get("text") is None:
            raise missing(f"{place}.text")
        return Text(part["text"], extra_fields(part, _OF_TEXT))
    if kind == "refusal" and part.get("refusal") is not None:
        return Refusal(part["refusal"], extra_fields(part, _OF_REFUSAL))
    if kind == "input_image" and part.get("image_url") is not None:
        return Image(part["image_url"], extra_fields(part, _OF_IMAGE))
    if kind == "input_file" and (document := _document(part)) is not None:
        return document
    return Opaque(kind, Extra(DIALECT, unnamed(part, {"type"})))


def _document(part: Json) -> Document | None:
    """Read a file with its content or URL; None for the id of a stored file.

    https://platform.openai.com/docs/guides/pdf-files
    """
    data, url, title = part.get("file_data"), part.get("file_url"), part.get("filename")
    if not isinstance(title, str | None):
        return None
    if isinstance(data, str) and data.startswith("data:") and url is None:
        return Document(url=data, title=title, extra=extra_fields(part, _OF_FILE))
    if isinstance(url, str) and url and data is None:
        return Document(url=url, title=title, extra=extra_fields(part, _OF_FILE))
    return None


def extra_fields(given: Json, names: frozenset[str]) -> Extra | None:
    """Gather the unnamed fields, without empty lists of citations and log probabilities."""
    if given.keys() <= names:
        return None
    rest = {
        name: value
        for name, value in given.items()
        if name not in names and (value or name not in _OF_NOTHING)
    }
    return Extra(DIALECT, rest) if rest else None
