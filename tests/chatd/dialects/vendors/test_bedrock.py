"""Refusals, ids and headers that the dialects on Bedrock share."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message
from chatd.config.catalog import CATALOG
from chatd.config.provider import Guardrail
from chatd.dialects.vendors import bedrock
from chatd.errors import (
    ContextTooLongError,
    RateLimitedError,
    UpstreamAuthError,
    UpstreamNotFoundError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
)
from chatd.upstream_http import HttpResponse

ROW = CATALOG["bedrock"]
REQUEST = ChatRequest("us.openai.gpt-6-sol", (Message("user", (Text("Hi"),)),))
OPENAI = {"error": {"message": "{}", "type": "api_error", "param": None, "code": None}}
ANTHROPIC = {"type": "error", "error": {"type": "api_error", "message": "{}"}}
AWS = {"message": "{}"}


@pytest.mark.parametrize(
    ("name", "status", "words", "kind"),
    [
        ("ThrottlingException", 429, "Too many tokens", RateLimitedError),
        ("ModelNotReadyException", 429, "The model is not ready", RateLimitedError),
        ("ServiceUnavailableException", 503, "Try later", UpstreamOverloadedError),
        ("ModelTimeoutException", 408, "It took too long", UpstreamTimeoutError),
        ("AccessDeniedException", 403, "no access", UpstreamAuthError),
        ("ResourceNotFoundException", 404, "no such model", UpstreamNotFoundError),
        ("ValidationException", 400, "stop is not supported", UpstreamRefusedError),
        ("ValidationException", 400, "Input is too long for requested model.", ContextTooLongError),
    ],
)
@pytest.mark.parametrize("shape", [OPENAI, ANTHROPIC, AWS], ids=["openai", "anthropic", "aws"])
def test_a_refusal_is_read_by_the_exception_in_its_header(
    name: str, status: int, words: str, kind: type[Exception], shape: dict[str, Any]
) -> None:
    body = json.dumps(shape).replace("{}", words).encode()
    headers = {"x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/"}

    error = bedrock.refusal(HttpResponse(status, headers, body))

    assert type(error) is kind
    assert error.upstream_status == status


def test_a_refusal_without_a_body_has_its_status() -> None:
    headers = {"x-amzn-errortype": "ThrottlingException"}

    error = bedrock.refusal(HttpResponse(429, headers, b""))

    assert isinstance(error, RateLimitedError)


def test_a_refusal_without_the_header_is_read_from_its_body() -> None:
    body = json.dumps(OPENAI).replace("{}", "bad").encode()

    assert "bad" in bedrock.refusal(HttpResponse(400, {}, body)).message


@pytest.mark.parametrize(
    ("model", "bare", "version"),
    [
        ("us.openai.gpt-5.6-sol", "openai.gpt-5.6-sol", (5, 6)),
        ("us-gov.openai.gpt-6-sol", "openai.gpt-6-sol", (6, 0)),
        ("openai.gpt-oss-120b-1:0", "openai.gpt-oss-120b-1:0", None),
        ("GLOBAL.xai.grok-4.7", "xai.grok-4.7", None),
        ("usual.model", "usual.model", None),
    ],
)
def test_an_id_is_known_with_and_without_its_regions(
    model: str, bare: str, version: tuple[int, int] | None
) -> None:
    assert bedrock.bare_id(model) == bare
    assert bedrock.gpt_version(model) == version


def test_positional_ids_become_unique_in_each_answer_and_choice() -> None:
    first, second = bedrock.UniqueIds(), bedrock.UniqueIds()

    ids = [first.of("call_0"), first.of("call_1"), first.of("call_0", 1), second.of("call_0")]

    assert len(set(ids)) == 4
    assert first.of("call_0") == ids[0]


@pytest.mark.parametrize("given", ["call_abc123", "chatcmpl-tool-1", "call_", None, 7])
def test_another_id_stays_as_it_is(given: Any) -> None:
    assert bedrock.UniqueIds().of(given) == given


def test_the_row_writes_its_headers() -> None:
    row = replace(
        ROW,
        guardrail=Guardrail("gr1", "2", trace="enabled_full"),
        latency="optimized",
        caller_metadata=True,
    )
    request = replace(REQUEST, caller="team-blue\r\nX: é")

    assert bedrock.row_headers(request, row) == {
        "X-Amzn-Bedrock-GuardrailIdentifier": "gr1",
        "X-Amzn-Bedrock-GuardrailVersion": "2",
        "X-Amzn-Bedrock-Trace": "ENABLED_FULL",
        "X-Amzn-Bedrock-PerformanceConfig-Latency": "optimized",
        "X-Amzn-Bedrock-Request-Metadata": '{"caller": "team-blue\\r\\nX: _"}',
    }


def test_a_plain_row_writes_no_header() -> None:
    assert bedrock.row_headers(REQUEST, ROW) == {}
