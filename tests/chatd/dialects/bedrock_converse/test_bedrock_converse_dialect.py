"""The dialect reads what a server sends instead of a stream, and the lists of models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from pydantic import SecretStr

from chatd.canonical.collecting import collected
from chatd.errors import ChatdError, RateLimitedError, UpstreamError
from chatd.upstream_http import HttpResponse
from tests.chatd.dialects.bedrock_converse.converse_requests import ROW, chat
from tests.chatd.dialects.bedrock_converse.converse_wire import DIALECT, OK, whole
from tests.support.bedrock import lists

FOUNDATION = {
    "modelSummaries": [
        {
            "modelId": "amazon.nova-pro-v1:0",
            "outputModalities": ["TEXT"],
            "inferenceTypesSupported": ["ON_DEMAND"],
        },
        {"modelId": "novel.model"},
        {"modelId": "amazon.titan-image", "outputModalities": ["IMAGE"]},
        {"modelId": "anthropic.claude-x", "inferenceTypesSupported": ["INFERENCE_PROFILE"]},
        {"modelName": "no id"},
        7,
    ]
}
PROFILES = {
    "inferenceProfileSummaries": [
        {"inferenceProfileId": "us.anthropic.claude-x", "status": "ACTIVE"},
        {"inferenceProfileId": "eu.anthropic.claude-x"},
        {"inferenceProfileId": "old", "status": "DELETING"},
        None,
    ]
}


def listed(body: Any, status: int = 200) -> list[str]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return DIALECT.models(HttpResponse(status, {}, content))


def test_a_key_is_a_bearer_token_and_no_field_of_the_body() -> None:
    sent = DIALECT.build(chat(), ROW, SecretStr("bedrock-api-key-x"))

    assert sent.headers["Authorization"] == "Bearer bedrock-api-key-x"
    assert b"bedrock-api-key" not in (sent.body or b"")


def test_the_example_of_a_warm_up_is_a_stream_that_botocore_reads() -> None:
    example = DIALECT.example
    buffer: Any = EventStreamBuffer()
    buffer.add_data(example.stream)

    kinds = [message.headers[":event-type"] for message in buffer]
    response = collected(DIALECT.events(OK, iter([example.stream])))

    assert (kinds[0], kinds[-2:]) == ("messageStart", ["messageStop", "metadata"])
    assert response.first.content == "{}"
    assert DIALECT.parse(HttpResponse(200, {}, example.whole)).first.content == "{}"


def test_a_whole_answer_to_a_request_for_a_stream_is_read() -> None:
    body = json.dumps(whole({"text": "Hello"})).encode()

    response = collected(DIALECT.events(OK, iter([body[:5], body[5:]])))

    assert response.first.content == "Hello"


def test_an_error_of_status_200_instead_of_a_stream_is_one() -> None:
    with pytest.raises(ChatdError, match="the model broke"):
        list(DIALECT.events(OK, iter([b'{"message": "the model broke"}'])))


@pytest.mark.parametrize("content", [b"<html>oops</html>", b"data: {}\n\n", b" \n"])
def test_another_body_instead_of_a_stream_is_malformed(content: bytes) -> None:
    def chunks() -> Iterator[bytes]:
        yield content

    with pytest.raises(UpstreamError) as refused:
        list(DIALECT.events(OK, chunks()))

    assert refused.value.malformed


def test_the_models_are_those_that_write_text_on_demand() -> None:
    assert listed(FOUNDATION) == ["amazon.nova-pro-v1:0", "novel.model"]


def test_the_profiles_are_the_active_ones() -> None:
    assert listed(PROFILES) == ["us.anthropic.claude-x", "eu.anthropic.claude-x"]


def test_the_lists_of_the_fake_bedrock_are_read() -> None:
    assert "amazon.nova-pro-v1:0" in listed(lists.foundation_models("us-east-1"))
    assert listed(lists.inference_profiles({}, "us-east-1"))


def test_the_lists_are_requested_of_the_control_plane() -> None:
    sent = DIALECT.models_request(ROW, None)

    assert sent.method == "GET"
    assert sent.url.startswith("https://bedrock.eu-west-1.amazonaws.com/foundation-models?")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", {"modelSummaries": 7}, {"inferenceProfileSummaries": [{}] * 10_001}],
    ids=range(5),
)
def test_another_body_is_no_list_of_models(body: Any) -> None:
    with pytest.raises(UpstreamError, match="no list of models"):
        listed(body)


def test_a_refused_list_is_a_refusal() -> None:
    with pytest.raises(RateLimitedError):
        listed({"message": "slow"}, 429)
