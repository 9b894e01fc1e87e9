"""The dialect's refusals, models and example."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from chatd.config.catalog import CATALOG
from chatd.errors import UpstreamAuthError, UpstreamRefusedError
from chatd.upstream_http import HttpResponse
from tests.chatd.dialects.openai_responses.requests import chat
from tests.chatd.dialects.openai_responses.wire import DIALECT

OPENAI = CATALOG["openai"]


def test_the_key_is_a_bearer_key_and_the_user_agent_the_gateway_s_own() -> None:
    sent = DIALECT.build(chat(), OPENAI, SecretStr("sk-1"))

    assert sent.url == "https://api.openai.com/v1/responses"
    assert sent.headers["Authorization"] == "Bearer sk-1"
    assert sent.headers["User-Agent"].startswith("chatd/")
    assert "sk-1" not in repr(sent)


def test_models_are_listed_by_their_ids() -> None:
    body = json.dumps({"object": "list", "data": [{"id": "gpt-5"}, {"id": "o3"}]}).encode()

    assert DIALECT.models(HttpResponse(200, {}, body)) == ["gpt-5", "o3"]
    with pytest.raises(UpstreamAuthError):
        DIALECT.models(HttpResponse(401, {}, b"{}"))


def test_a_refusal_has_the_provider_s_words_and_code() -> None:
    error = {
        "message": "Unknown parameter: 'foo'.",
        "type": "invalid_request_error",
        "param": "foo",
        "code": "unknown_parameter",
    }

    with pytest.raises(UpstreamRefusedError) as caught:
        DIALECT.parse(HttpResponse(400, {}, json.dumps({"error": error}).encode()))

    assert caught.value.code == "unknown_parameter"
    assert "Unknown parameter: 'foo'." in caught.value.message


def test_a_custom_or_namespaced_tool_needs_no_adaptation() -> None:
    assert DIALECT.tool_kinds == {"any_name", "custom", "namespace"}
