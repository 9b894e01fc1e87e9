"""Test authorization and the acceptance gate at `sam local start-api`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploy.acceptance_gate import POINTS, Client
from tests.e2e.sam_cli import CALLER_KEY, MODEL, ORIGIN, Api
from tests.support.upstream import Upstream

pytestmark = pytest.mark.docker
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(
    "header", [{"Authorization": f"Bearer {CALLER_KEY}"}, {"x_api_key": CALLER_KEY}]
)
def test_a_valid_key_is_accepted_in_both_headers(
    api: Api, provider: Upstream, header: dict[str, str]
) -> None:
    status, body = api.request("POST", "/v1/chat", CHAT, **header)

    assert status == 200
    assert body["content"] == "Hello!"


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer unknown"}, {"x_api_key": "unknown"}]
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/chat"), ("GET", "/v1/chat/providers")])
def test_a_missing_or_invalid_key_is_refused(
    api: Api, provider: Upstream, method: str, path: str, header: dict[str, str]
) -> None:
    status, _ = api.request(method, path, CHAT if method == "POST" else None, **header)

    # sam local answers 502 to the authorizer's "Unauthorized"; API Gateway answers 401.
    assert status == 502
    assert provider.received == []


def test_health_needs_no_key(api: Api) -> None:
    status, body = api.request("GET", "/health")

    assert status == 200
    assert body["status"] == "ok"


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/providers"])
def test_a_preflight_needs_no_key_and_allows_only_listed_origins(api: Api, path: str) -> None:
    status, granted = api.preflight(path, ORIGIN)

    assert 200 <= status < 300
    assert granted == ORIGIN
    assert api.preflight(path, "https://elsewhere.example.com")[1] is None


@pytest.mark.parametrize("point", [point for _, point in POINTS], ids=[name for name, _ in POINTS])
def test_the_acceptance_gate_passes(
    api: Api, provider: Upstream, point: Callable[[Client], None]
) -> None:
    point(
        Client(
            url=api.url,
            model=MODEL,
            key=CALLER_KEY,
            providers=frozenset({"ollama", "openrouter"}),
        )
    )


def test_the_upstream_receives_the_model_without_its_prefix(api: Api, provider: Upstream) -> None:
    api.request("POST", "/v1/chat", {**CHAT, "model": f"ollama/{MODEL}"}, x_api_key=CALLER_KEY)
    api.request("POST", "/v1/chat", {**CHAT, "model": f"unknown/{MODEL}"}, x_api_key=CALLER_KEY)

    assert [request.json["model"] for request in provider.received] == [MODEL, f"unknown/{MODEL}"]


def test_the_openai_chat_surface_is_served(api: Api, provider: Upstream) -> None:
    status, body = api.request("POST", "/v1/chat/completions", CHAT, x_api_key=CALLER_KEY)

    assert status == 200
    assert body["choices"][0]["message"]["content"] == "Hello!"


def test_a_stream_is_returned_whole_by_sam_local(api: Api, provider: Upstream) -> None:
    chat = {**CHAT, "stream": True}
    status, text = api.text("POST", "/v1/chat/completions", chat, x_api_key=CALLER_KEY)

    assert status == 200
    assert '"content":"Hello!"' in text
    assert text.endswith("data: [DONE]\n\n")


def sized(size: int) -> dict[str, object]:
    return {**CHAT, "messages": [{"role": "user", "content": "x" * size}]}


def test_a_body_over_5_mb_is_413(api: Api, provider: Upstream) -> None:
    chat = sized(5 * 1024 * 1024)
    status, body = api.request("POST", "/v1/chat/completions", chat, x_api_key=CALLER_KEY)

    assert (status, body["error"]["code"]) == (413, "request_too_large")
    assert provider.received == []


def test_an_event_over_6_mb_is_the_emulator_s_502(api: Api, provider: Upstream) -> None:
    chat = sized(7 * 1024 * 1024)
    status, body = api.request("POST", "/v1/chat/completions", chat, x_api_key=CALLER_KEY)

    # API Gateway answers 413 (REQUEST_TOO_LARGE in template.yaml); SAM has no such answer.
    assert (status, body) == (502, {"message": "Internal server error"})
    assert provider.received == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("HEAD", "/"), ("POST", "/api/event_logging/batch"), ("GET", "/v1/unknown")],
)
def test_an_unserved_path_is_sam_s_own_403(api: Api, method: str, path: str) -> None:
    status, _ = api.text(method, path)

    # API Gateway answers 404 (MISSING_AUTHENTICATION_TOKEN in template.yaml).
    assert status == 403


def test_models_are_listed_and_found_by_a_name_with_slashes(api: Api, provider: Upstream) -> None:
    _, listed = api.request("GET", "/v1/models", x_api_key=CALLER_KEY)
    status, found = api.request("GET", "/v1/models/openrouter/vendor/model", x_api_key=CALLER_KEY)

    assert [model["id"] for model in listed["data"]] == [
        f"ollama/{MODEL}",
        "openrouter/vendor/model",
    ]
    assert (status, found["id"]) == (200, "openrouter/vendor/model")


def test_models_are_listed_in_anthropics_shape(api: Api, provider: Upstream) -> None:
    headers = {"anthropic_version": "2023-06-01", "x_api_key": CALLER_KEY}
    _, page = api.request("GET", "/v1/models?limit=1", **headers)
    status, body = api.request("GET", "/v1/models?limit=0", **headers)

    assert (page["first_id"], page["has_more"]) == (f"ollama/{MODEL}", True)
    assert (status, body["type"]) == (400, "error")


def test_tokens_are_counted(api: Api, provider: Upstream) -> None:
    headers = {"Authorization": "Bearer foreign", "x_api_key": CALLER_KEY}
    status, body = api.request("POST", "/v1/messages/count_tokens?beta=true", CHAT, **headers)

    assert (status, body) == (200, {"input_tokens": 1})
    assert provider.received == []


def test_the_api_description_needs_no_key(api: Api) -> None:
    status, body = api.request("GET", "/openapi.json")

    assert (status, body["info"]["title"]) == (200, "chatd")
