"""Bedrock's exceptions are mapped by name and words, as refusals and within streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd import errors
from chatd.errors import ChatdError
from chatd.upstream_http import HttpResponse
from tests.chatd.dialects.bedrock_converse.converse_wire import DIALECT, START, body, delta, frames
from tests.support.bedrock import event_stream, service_model

CLASSES: list[tuple[str, int, type[ChatdError]]] = [
    ("AccessDeniedException", 403, errors.UpstreamAuthError),
    ("ExpiredTokenException", 403, errors.UpstreamAuthError),
    ("InternalServerException", 500, errors.UpstreamError),
    ("InvalidSignatureException", 403, errors.UpstreamAuthError),
    ("MissingAuthenticationTokenException", 400, errors.UpstreamAuthError),
    ("ModelErrorException", 424, errors.UpstreamError),
    ("ModelNotReadyException", 429, errors.RateLimitedError),
    ("ModelStreamErrorException", 424, errors.UpstreamError),
    ("ModelTimeoutException", 408, errors.UpstreamTimeoutError),
    ("ResourceNotFoundException", 404, errors.UpstreamNotFoundError),
    ("SerializationException", 400, errors.UpstreamRefusedError),
    ("ServiceQuotaExceededException", 400, errors.QuotaExhaustedError),
    ("ServiceUnavailableException", 503, errors.UpstreamOverloadedError),
    ("ThrottlingException", 429, errors.RateLimitedError),
    ("UnrecognizedClientException", 403, errors.UpstreamAuthError),
    ("ValidationException", 400, errors.UpstreamRefusedError),
]
LONG = "Invocation of model ID anthropic.claude-x with on-demand throughput isn't supported."


def refused(status: int, given: Any, **headers: str) -> ChatdError:
    content = given if isinstance(given, bytes) else json.dumps(given).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    with pytest.raises(ChatdError) as found:
        DIALECT.parse(HttpResponse(status, names, content))
    return found.value


def validation(words: str) -> ChatdError:
    return refused(400, {"message": words}, x_amzn_errortype="ValidationException")


def in_stream(sent: bytes) -> ChatdError:
    with pytest.raises(ChatdError) as found:
        list(frames(body(START, delta(0, text="Hel")) + sent))
    return found.value


@pytest.mark.parametrize(("name", "status", "expected"), CLASSES, ids=str)
def test_a_refusal_is_mapped_by_its_name(
    name: str, status: int, expected: type[ChatdError]
) -> None:
    url = "http://internal.amazon.com/coral/com.amazon.bedrock/"
    for given in (name, f"{name}:{url}", f"com.amazon.coral.service#{name}"):
        error = refused(status, {"message": "words"}, x_amzn_errortype=given)

        assert type(error) is expected
        assert error.upstream_status == status


@pytest.mark.parametrize("field", ["message", "Message"])
def test_the_words_are_those_of_either_field(field: str) -> None:
    assert "too many" in refused(429, {field: "too many"}).message


def test_the_name_may_be_in_the_body() -> None:
    error = refused(400, {"__type": "com.amazon#ThrottlingException", "message": "slow"})

    assert type(error) is errors.RateLimitedError


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (429, errors.RateLimitedError),
        (418, errors.UpstreamError),
        (503, errors.UpstreamOverloadedError),
        (403, errors.UpstreamAuthError),
    ],
)
@pytest.mark.parametrize("given", [b"", b"<html>", b"[]", b"{", {"message": 7}, {"code": 7}])
def test_the_status_counts_without_a_known_name(
    status: int, expected: type[ChatdError], given: Any
) -> None:
    assert type(refused(status, given)) is expected
    assert type(refused(status, given, x_amzn_errortype="NovelException")) is expected


@pytest.mark.parametrize(
    "words",
    [
        "Input is too long for requested model.",
        "input length and `max_tokens` exceed context limit: 199000 + 8000 > 200000",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "Too many input tokens. Max input tokens: 8192",
        "The request exceeds the maximum number of input tokens of 8192",
        "The model returned: this model's maximum context length is 8192 tokens",
    ],
)
def test_a_conversation_that_is_too_long_is_one(words: str) -> None:
    assert type(validation(words)) is errors.ContextTooLongError


@pytest.mark.parametrize(
    "words",
    [
        "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens",
        "The maximum tokens you requested exceeds the model limit of 10000. Try again with a"
        " maximum tokens value that is lower than 10000.",
    ],
)
def test_a_limit_of_the_answer_is_no_limit_of_the_context(words: str) -> None:
    assert type(validation(words)) is errors.UpstreamRefusedError


@pytest.mark.parametrize(
    "words",
    [
        "The provided model identifier is invalid.",
        "This model version has reached the end of its life.",
    ],
)
def test_an_unknown_model_is_not_found(words: str) -> None:
    assert type(validation(words)) is errors.UpstreamNotFoundError


def test_a_model_without_on_demand_throughput_names_the_remedy() -> None:
    error = validation(LONG)

    assert type(error) is errors.UpstreamRefusedError
    assert "inference profile" in error.message


def test_a_quota_of_a_day_is_exhausted() -> None:
    words = "Too many tokens per day, please wait before trying again."

    assert type(refused(429, {"message": words})) is errors.QuotaExhaustedError


def test_a_large_body_has_no_words() -> None:
    error = refused(400, {"message": "x" * 1_100_000})

    assert error.message == "it answered 400"


@pytest.mark.parametrize(("name", "_status", "expected"), CLASSES, ids=str)
def test_an_exception_in_a_stream_has_the_class_of_its_name(
    name: str, _status: int, expected: type[ChatdError]
) -> None:
    error = in_stream(event_stream.exception(name[0].lower() + name[1:], "words"))

    assert type(error) is expected
    assert error.upstream_status != 200


def test_every_exception_of_the_service_model_has_its_status() -> None:
    for name in ("Converse", "ConverseStream"):
        for shape in service_model.operation(name).error_shapes:
            status = shape.metadata["error"]["httpStatusCode"]
            error = in_stream(event_stream.exception(shape.name, "words"))
            assert error.upstream_status == status


def test_an_error_outside_the_service_model_is_a_failure() -> None:
    error = in_stream(event_stream.error("InternalFailure", "broken"))

    assert type(error) is errors.UpstreamError
    assert "broken" in error.message


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff", b'{"message":7}'])
def test_an_exception_without_words_is_a_failure(payload: bytes) -> None:
    headers = {":exception-type": "novelException", ":message-type": "exception"}

    assert type(in_stream(event_stream.message(headers, payload))) is errors.UpstreamError


def test_an_exception_after_the_answer_is_not_read_as_its_end() -> None:
    error = in_stream(event_stream.message({":message-type": "novelty"}, b"{}"))

    assert type(error) is errors.UpstreamError
