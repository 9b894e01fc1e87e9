"""Read `data:` URLs, in which a caller sends images and documents."""

from __future__ import annotations

from base64 import b64decode

from chatd.errors import InvalidRequestError


def is_data_url(url: str) -> bool:
    """Return whether a URL holds the content itself, rather than an address."""
    return url[:5].lower() == "data:"


def decoded_url(url: str, place: str) -> tuple[str, str]:
    """Split a data URL into the media type in lower case and the base64 text.

    Raises:
        InvalidRequestError: If it has another encoding.

    """
    head, _, data = url[5:].partition(",")
    media_type, *parameters = head.split(";")
    if not data or parameters[-1:] != ["base64"]:
        raise InvalidRequestError("a data URL must be base64: data:<type>;base64,…", param=place)
    return media_type.lower(), data


def text_in_base64(data: str, place: str) -> str:
    """Decode the text of a file.

    Raises:
        InvalidRequestError: If it is no UTF-8 in base64.

    """
    try:
        return b64decode(data, validate=True).decode("utf-8")
    except ValueError:
        raise InvalidRequestError(
            "the text of a file must be UTF-8 in base64", param=place
        ) from None
