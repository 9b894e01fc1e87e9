"""Limit the size of a request: bytes of its body, and JSON values in it."""

from __future__ import annotations

from chatd.errors import RequestTooLargeError
from chatd.safe_json.value_count import MAX_VALUES, is_bounded

# Lambda takes 6 MB for an event, in which the body is a JSON string with its quotes escaped:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_REQUEST_BYTES = 5 * 1024 * 1024
# Claude Code compacts after a 413. Where it cannot, it reports a message with "context window" as a
# prompt that is too long, and any other as a file over 32 MB (version 2.1.197, November 2026).
_REMEDY = (
    "whatever the model's context window is: shorten or compact the conversation, or send fewer or"
    " smaller images and files"
)


def within_limits(body: bytes) -> bytes:
    """Return the body of a request, if within the limits of bytes and JSON values.

    Raises:
        RequestTooLargeError: If the body exceeds a limit.

    """
    if len(body) > MAX_REQUEST_BYTES:
        raise RequestTooLargeError(too_many_bytes(len(body)))
    if not is_bounded(body):
        raise RequestTooLargeError(
            f"the request has more than {MAX_VALUES:,} JSON values, the most that chatd takes,"
            f" {_REMEDY}"
        )
    return body


def too_many_bytes(size: int) -> str:
    """Write the message for a body of this many bytes, with the limit and the remedy."""
    return (
        f"the request has {size:,} bytes or more, and chatd takes at most {MAX_REQUEST_BYTES:,}"
        f" ({MAX_REQUEST_BYTES // 1024 // 1024} MB), {_REMEDY}"
    )
