"""Map Bedrock's exceptions to error classes, by their names and messages.

A refusal has the name in `x-amzn-errortype`, and an exception within a stream in its headers.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from chatd.dialects.failures import failure
from chatd.errors import ChatdError
from chatd.upstream_http import HttpResponse

# The status of each exception of the operation, and of AWS's front end:
# https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
_STATUSES: Mapping[str, int] = MappingProxyType(
    {
        "accessdenied": 403,
        "expiredtoken": 403,
        "incompletesignature": 403,
        "internalfailure": 500,
        "internalserver": 500,
        "internalservererror": 500,
        "invalidclienttokenid": 403,
        "invalidsignature": 403,
        "missingauthenticationtoken": 403,
        "modelerror": 424,
        # The model is being loaded: waiting helps, and the provider is healthy.
        "modelnotready": 429,
        "modelstreamerror": 424,
        "modeltimeout": 408,
        "notauthorized": 403,
        "optinrequired": 403,
        "resourcenotfound": 404,
        "requestexpired": 403,
        "serialization": 400,
        "servicequotaexceeded": 402,
        "serviceunavailable": 503,
        "throttling": 429,
        "toomanyrequests": 429,
        "unrecognizedclient": 403,
        "validation": 400,
    }
)
_MAX_BODY_BYTES = 1024 * 1024
# Patterns are compiled on first use: most answers are no exceptions.
_NAME = r"[A-Za-z]{1,100}"
# Not "The maximum tokens you requested exceeds the model limit of 10000", a limit of the answer:
# https://github.com/vercel/ai/issues/2772
_TOO_LONG = (
    r"(?i)input is too long|too many input tokens|exceeds? the model'?s? (context|maximum)"
    r"|input length and .{0,20}max_tokens.{0,20} exceed|maximum (number of )?input tokens"
)
_NO_MODEL = r"(?i)model identifier is invalid|reached the end of its life"
_NEEDS_PROFILE = r"(?i)on-demand throughput isn.t supported"
# A quota of a day, for which waiting a little does not help.
_OF_DAY = r"(?i)tokens per day|per[- ]day"
_PROFILE = "name an inference profile instead, such as us.<model> or global.<model>"


def refusal(response: HttpResponse) -> ChatdError:
    """Make the error for a response with another status than 200."""
    body = _object(response.body)
    name = response.headers.get("x-amzn-errortype") or body.get("__type") or body.get("code")
    return exception(response, name if isinstance(name, str) else "", words_in(body))


def exception(response: HttpResponse, name: str, words: str) -> ChatdError:
    """Make the error for an exception.

    Args:
        response: The response; its status holds for an exception of an unknown name.
        name: The exception's name, such as `ThrottlingException:http://…`,
            `com.amazon.coral#ValidationException` or `throttlingException`.
        words: Bedrock's message.

    """
    known = name.partition(":")[0].rpartition("#")[2]
    status = _STATUSES.get(known.lower().removesuffix("exception"), response.status)
    if status == HTTPStatus.OK:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
    codes = [known] if re.fullmatch(_NAME, known) else []
    if status == HTTPStatus.BAD_REQUEST and re.search(_TOO_LONG, words):
        codes.insert(0, "context_length_exceeded")
    elif status == HTTPStatus.BAD_REQUEST and re.search(_NO_MODEL, words):
        codes.insert(0, "model_not_found")
    elif status == HTTPStatus.TOO_MANY_REQUESTS and re.search(_OF_DAY, words):
        codes.insert(0, "insufficient_quota")
    elif re.search(_NEEDS_PROFILE, words):
        words = f"{words.rstrip('. ')}; {_PROFILE}"
    error = failure(replace(response, status=status), words, *codes)
    if response.status != HTTPStatus.OK:
        error.upstream_status = response.status
    return error


def words_in(body: Mapping[str, Any]) -> str:
    """Return the message of an error's body, which some of AWS's services write in capitals."""
    found = body.get("message") or body.get("Message")
    return found if isinstance(found, str) else ""


def message_of(payload: bytes) -> str:
    """Return the message in the payload of an exception within a stream."""
    return words_in(_object(payload))


def _object(text: bytes) -> Mapping[str, Any]:
    """Parse a JSON object; return an empty object for another value."""
    if len(text) > _MAX_BODY_BYTES:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
