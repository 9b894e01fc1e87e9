"""Map a failed response of OpenAI's Responses dialect to an error class."""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus

from chatd.canonical.extra import Json
from chatd.dialects import lenient
from chatd.dialects.failures import failure
from chatd.errors import ChatdError
from chatd.upstream_http import HttpResponse

# The type of a caller's mistake, which has status 400 outside of a stream.
_MISTAKE = "invalid_request_error"
# An image that cannot be used is a caller's mistake too.
_IMAGE = re.compile(r"(invalid|empty|unsupported)_.*(image|base64)|image_|failed_to_download_image")
# A request that refers to an item that is not stored gets status 400 or 404:
# https://github.com/openai/openai-agents-js/issues/546
NOT_STORED = re.compile(r"items are not persisted", re.IGNORECASE)


def failure_of(response: HttpResponse, found: lenient.Refusal) -> ChatdError:
    """Make the error for a refusal, also for one under status 200."""
    codes = found.codes
    if _MISTAKE in codes or any(map(_IMAGE.match, codes)):
        codes = (*codes, "400")
    if NOT_STORED.search(found.words):
        response = replace(response, status=HTTPStatus.BAD_REQUEST)
    return failure(response, found.words, *codes)


def event_failure(response: HttpResponse, event: Json) -> ChatdError:
    """Make the error for `error`, `response.failed` or `response.cancelled`."""
    inner = event.get("response")
    if type(inner) is dict:
        return failure_in(response, inner)
    if lenient.is_error(event.get("error")):
        return failure_of(response, lenient.refusal_of(event["error"]))
    own = {name: event.get(name) for name in ("code", "message")}  # its type is the event's
    return failure_of(response, lenient.refusal_of(own))


def has_failed(body: Json) -> bool:
    """Return whether a response failed or was cancelled."""
    return lenient.is_error(body.get("error")) or body.get("status") in ("failed", "cancelled")


def failure_in(response: HttpResponse, body: Json) -> ChatdError:
    """Make the error for a response that failed or was cancelled."""
    error = body.get("error")
    if lenient.is_error(error):
        return failure_of(response, lenient.refusal_of(error))
    cancelled = body.get("status") == "cancelled"
    return failure(response, "it cancelled the answer" if cancelled else "")
