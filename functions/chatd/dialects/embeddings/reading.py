"""Read vectors, counts and JSON in the answers of every dialect for embeddings."""

from __future__ import annotations

import binascii
import sys
from array import array
from base64 import b64decode
from collections.abc import Callable, Sequence
from http import HTTPStatus
from math import isfinite
from typing import Any

from pydantic_core import from_json

from chatd.canonical.embedding import EmbeddingRequest, Vector
from chatd.canonical.response import Usage
from chatd.dialects import lenient
from chatd.dialects.failures import error_field, malformed, refusal, unlike
from chatd.dialects.json_shapes import ShapeError
from chatd.errors import AnswerTooLargeError, ChatdError, InvalidRequestError
from chatd.safe_json.value_count import is_bounded
from chatd.upstream_http import HttpResponse

# A number takes 32 bytes of memory while the answer is read, and some 12 bytes of the 20 MB that
# the transport reads of one answer.
MAX_NUMBERS = 2_000_000
_FLOAT_BYTES = 4


def body_of(
    response: HttpResponse, refused: Callable[[HttpResponse], ChatdError] = refusal
) -> dict[str, Any]:
    """Read the JSON object of an answer.

    Args:
        response: The response.
        refused: Makes the error for a response with another status than 200.

    Raises:
        ChatdError: If the answer is a refusal, an error under status 200, or no JSON object.

    """
    if response.status != HTTPStatus.OK:
        raise refused(response)
    if not is_bounded(response.body, MAX_NUMBERS):
        raise AnswerTooLargeError(
            f"its answer to one request holds more than {MAX_NUMBERS:,} numbers;"
            " send fewer inputs at once"
        )
    try:
        body = from_json(response.body, allow_inf_nan=False)
    except ValueError:
        body = None
    if type(body) is not dict:
        raise unlike(response, response.body, "its answer is no JSON object")
    if lenient.is_error(body.get("error")):
        raise error_field(response, body["error"])
    return body


def vector(value: Any) -> Vector:
    """Read a vector: a list of numbers, or base64 of little-endian float32 numbers.

    Raises:
        ShapeError: If the value is neither, is empty, or holds a number beyond float32.

    """
    if type(value) is str:
        numbers = _decoded(value)
    elif type(value) is list:
        try:
            numbers = array("d", value)
        except (TypeError, OverflowError):
            raise ShapeError from None
    else:
        raise ShapeError
    # A sum is finite only if every number is.
    if not numbers or not isfinite(sum(array("f", numbers))):
        raise ShapeError
    return numbers


def vectors(
    response: HttpResponse, request: EmbeddingRequest, values: Sequence[Any]
) -> list[Vector]:
    """Read the vectors of a batch, in the order of its inputs.

    Raises:
        UpstreamError: If there is not one vector for each input, or one is malformed.
        InvalidRequestError: If the provider ignored `dimensions`.

    """
    if len(values) != len(request.inputs):
        given, wanted = len(values), len(request.inputs)
        raise malformed(response, f"its answer has {given:,} vectors for {wanted:,} inputs")
    try:
        found = list(map(vector, values))
    except ShapeError:
        raise malformed(response, "its answer holds a vector that is no list of numbers") from None
    lengths = {len(one) for one in found}
    if len(lengths) != 1:
        raise malformed(response, "its vectors have different lengths")
    check_dimensions(request, lengths.pop())
    return found


def check_dimensions(request: EmbeddingRequest, length: int) -> None:
    """Check the length of the vectors against the caller's `dimensions`.

    Raises:
        InvalidRequestError: If they have another length.

    """
    if request.dimensions not in (None, length):
        raise InvalidRequestError(
            f"its vectors have {length:,} dimensions, and not {request.dimensions:,}: the model"
            " ignores the field; leave it out",
            param="dimensions",
            code="unsupported_parameter",
        )


def usage(request: EmbeddingRequest, tokens: Any, cost: Any = None) -> Usage:
    """Read the count of the input tokens; estimate the count if the provider gives none."""
    counted = lenient.count(tokens)
    if counted:
        return Usage(counted, cost_usd=lenient.cost(cost))
    return Usage(request.tokens, cost_usd=lenient.cost(cost), estimated=True)


def _decoded(text: str) -> Vector:
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ShapeError from None
    if len(data) % _FLOAT_BYTES:
        raise ShapeError
    numbers = array("f")
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
