"""Test `sam local invoke` with every kind of event, in the Lambda image with the built layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.sam_cli import MODEL, PROVIDER_KEY, Sam
from tests.support.upstream import Upstream

pytestmark = pytest.mark.docker
EVENTS = Path(__file__).resolve().parents[2] / "events"


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def test_an_api_gateway_event_is_answered(sam: Sam, provider: Upstream) -> None:
    response = sam.invoke("ChatFunction", event("chat"))
    body = json.loads(response["body"])

    assert response["statusCode"] == 200
    assert body["provider"] == "ollama"
    assert body["content"] == "Hello!"
    assert provider.last.json["model"] == MODEL


def test_the_provider_list_contains_providers_with_a_key_or_without_need_of_one(
    sam: Sam, provider: Upstream
) -> None:
    response = sam.invoke("ProvidersFunction", event("providers"))
    body = json.loads(response["body"])

    assert response["statusCode"] == 200
    assert [entry["name"] for entry in body["providers"]] == ["ollama", "openrouter"]
    assert PROVIDER_KEY not in response["body"]
    assert provider.received == []


def test_a_direct_invocation_returns_the_bare_response(sam: Sam, provider: Upstream) -> None:
    answer = sam.invoke("ChatFunction", event("direct"))

    assert answer["content"] == "Hello!"
    assert answer["input_tokens"] == 11
    assert "statusCode" not in answer


def test_the_detail_of_an_eventbridge_event_is_the_request(sam: Sam, provider: Upstream) -> None:
    answer = sam.invoke("ChatFunction", event("async"))

    assert answer["content"] == "Hello!"
    assert provider.last.json["messages"] == event("async")["detail"]["messages"]


def test_a_failed_direct_invocation_names_its_exception(sam: Sam, provider: Upstream) -> None:
    failure = sam.invoke("ChatFunction", {**event("direct"), "model": "kimi/k2"})

    assert failure["errorType"] == "ModelNotFoundError"
    assert "kimi" in failure["errorMessage"]
    assert provider.received == []


def test_a_provider_s_key_is_read_from_secrets_manager(sam: Sam, provider: Upstream) -> None:
    answer = sam.invoke("ChatFunction", {**event("direct"), "model": "openrouter/vendor/model"})

    assert answer["provider"] == "openrouter"
    assert provider.last.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert provider.last.json["model"] == "vendor/model"
