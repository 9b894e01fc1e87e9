"""Write images and documents, which Bedrock's Converse takes as base64 alone.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.content import Document, Image
from chatd.dialects.data_urls import decoded_url, is_data_url
from chatd.errors import InvalidRequestError

_IMAGES: Mapping[str, str] = MappingProxyType(
    {
        "image/png": "png",
        "image/jpeg": "jpeg",
        "image/jpg": "jpeg",
        "image/gif": "gif",
        "image/webp": "webp",
    }
)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_DOCUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "application/pdf": "pdf",
        "text/csv": "csv",
        "application/csv": "csv",
        "application/msword": "doc",
        f"{_OFFICE}.wordprocessingml.document": "docx",
        "application/vnd.ms-excel": "xls",
        f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
        "text/html": "html",
        "text/markdown": "md",
        "text/x-markdown": "md",
    }
)
_LONGEST_NAME = 200
_LONGEST_NUMBER = 8  # such as ` (10000)`
# "alphanumeric characters, whitespace characters (no more than one in a row), hyphens, parentheses,
# and square brackets": the API's message about another name.
_OF_NO_NAME = r"[^A-Za-z0-9()\[\] -]+"
_SPACES = r" {2,}"


def image(given: Image, place: str) -> dict[str, Any]:
    """Write an image.

    Args:
        given: The image.
        place: The path of its turn, for errors.

    Raises:
        InvalidRequestError: If it is no base64, or in another format than PNG, JPEG, GIF and WebP.

    """
    place = f"{place}.image_url.url"
    if not is_data_url(given.url):
        raise InvalidRequestError(
            "Bedrock takes an image only within the request: send a data URL with base64",
            param=place,
        )
    media_type, data = decoded_url(given.url, place)
    if media_type not in _IMAGES:
        raise InvalidRequestError("Bedrock takes images as PNG, JPEG, GIF or WebP", param=place)
    return {"image": {"format": _IMAGES[media_type], "source": {"bytes": data}}}


class Documents:
    """Writes the documents of a conversation, each with a name of its own."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._next: dict[str, int] = {}

    def written(self, given: Document, place: str) -> dict[str, Any]:
        """Write a document.

        Args:
            given: The document.
            place: The path of its turn, for errors.

        Raises:
            InvalidRequestError: If it is no base64, or in a format that Bedrock does not take.

        """
        form, data = _content(given, f"{place}.file.file_data")
        name = self._name(given.title)
        return {"document": {"format": form, "name": name, "source": {"bytes": data}}}

    def _name(self, title: str | None) -> str:
        """Write a title with the characters that Bedrock takes; a repeated one gets a number."""
        fitting = re.sub(_SPACES, " ", re.sub(_OF_NO_NAME, " ", title or "")).strip()
        name = found = fitting[: _LONGEST_NAME - _LONGEST_NUMBER].strip() or "document"
        number = self._next.get(name, 2)
        while found in self._used:
            found = f"{name} ({number})"
            number += 1
        self._next[name] = number
        self._used.add(found)
        return found


def _content(given: Document, place: str) -> tuple[str, str]:
    """Return a document's format and its content in base64."""
    if given.url is None:
        text = (given.text or "").encode("utf-8", "replace")
        return "txt", b64encode(text).decode()
    if not is_data_url(given.url):
        raise InvalidRequestError(
            "Bedrock takes a file only within the request: send a data URL with base64",
            param=place,
        )
    media_type, data = decoded_url(given.url, place)
    form = _DOCUMENTS.get(media_type) or ("txt" if media_type.startswith("text/") else None)
    if form is None:
        raise InvalidRequestError(
            "Bedrock takes files as PDF, CSV, Word, Excel, HTML, Markdown or plain text",
            param=place,
        )
    return form, data
