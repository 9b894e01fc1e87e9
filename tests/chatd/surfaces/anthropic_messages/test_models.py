"""The list of models comes in Anthropic's shape, in pages, to a request with anthropic-version."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from chatd.config.catalog import CATALOG
from chatd.config.model_facts import facts_of
from chatd.errors import InvalidRequestError
from chatd.surfaces.anthropic_messages.models import Listed, model_info, page_of
from tests.support.functions import HttpResult, get
from tests.support.upstream import Received, Upstream, reply

VERSION = {"anthropic-version": "2023-06-01"}
TEN: list[Listed] = [(f"m{n}", f"Model {n}", None) for n in range(10)]


def respond(connection: socket.socket, received: Received) -> None:
    reply({"models": [{"name": "llama3.2:latest"}]})(connection, received)


def models(path: str = "/v1/models", **query: str) -> HttpResult:
    name = path.removeprefix("/v1/models").lstrip("/")
    more: dict[str, Any] = {"headers": VERSION, "queryStringParameters": query or None}
    if name:
        more |= {"resource": "/v1/models/{id+}", "pathParameters": {"id": name}}
    return get(path, **more)


def page(**query: str) -> tuple[list[str], bool, str | None, str | None]:
    written = page_of(TEN, query)
    ids = [model["id"] for model in written["data"]]
    return ids, written["has_more"], written["first_id"], written["last_id"]


def test_a_model_has_the_fields_of_anthropics_sdk(provider: Upstream) -> None:
    provider.script = respond
    model = {
        "type": "model",
        "id": "ollama/llama3.2:latest",
        "display_name": "ollama/llama3.2:latest",
        "created_at": "1970-01-01T00:00:00Z",
        "max_input_tokens": None,
        "max_tokens": None,
        "capabilities": None,
        "lifecycle": "active",
    }

    assert models().json == {
        "data": [model],
        "has_more": False,
        "first_id": "ollama/llama3.2:latest",
        "last_id": "ollama/llama3.2:latest",
    }
    alias = {"id": "llama3.2", "display_name": "llama3.2"}
    assert models("/v1/models/llama3.2").json == {**model, **alias}


def test_limits_and_abilities_are_those_of_the_table() -> None:
    yes, no = {"supported": True}, {"supported": False}
    facts = facts_of(CATALOG["anthropic"], "claude-opus-4-7")
    written = model_info("anthropic/claude-opus-4-7", "", facts)

    assert (written["max_input_tokens"], written["max_tokens"]) == (1_000_000, 128_000)
    assert written["capabilities"] == {
        "batch": no,
        "citations": no,
        "code_execution": no,
        "context_management": no,
        "effort": {**yes, "low": yes, "medium": yes, "high": yes, "max": yes},
        "image_input": yes,
        "pdf_input": yes,
        "server_tools": {**no, "web_search": no, "code_execution": no},
        "structured_outputs": yes,
        "thinking": {**yes, "types": {"adaptive": yes, "enabled": yes}},
    }


def test_tiers_come_first_and_say_what_they_lead_to(provider: Upstream, config: Path) -> None:
    config.write_text(
        "[tiers]\n"
        'claude-one = ["kimi/k3"]\n'
        'claude-opus-4-8 = ["kimi/k3", "openrouter/a/b", "llama3.2", "kimi/k2", "kimi/k1"]\n'
    )
    provider.script = respond

    assert [(model["id"], model["display_name"]) for model in models().json["data"]] == [
        ("claude-one", "claude-one: kimi/k3"),
        (
            "claude-opus-4-8",
            "claude-opus-4-8: kimi/k3, then openrouter/a/b, then llama3.2, then 2 more",
        ),
        ("ollama/llama3.2:latest", "ollama/llama3.2:latest"),
    ]


@pytest.mark.parametrize("name", ["anthropic-version", "Anthropic-Version"])
@pytest.mark.parametrize("value", ["2023-06-01", "2026-10-21", "", "anything"])
def test_any_version_in_any_case_selects_the_shape(
    provider: Upstream, name: str, value: str
) -> None:
    provider.script = respond

    assert "has_more" in get("/v1/models", headers={name: value}).json


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "2.5", "x", "", "٣", "9" * 5000])
def test_a_bad_limit_is_400_in_anthropics_shape(provider: Upstream, limit: str) -> None:
    result = models(limit=limit)

    assert (result.status, result.json["type"]) == (400, "error")
    assert result.json["error"]["type"] == "invalid_request_error"
    assert result.json["error"]["message"] == "limit must be a whole number from 1 to 1000"


def test_an_unlisted_model_is_404_in_anthropics_shape(provider: Upstream) -> None:
    provider.script = respond
    result = models("/v1/models/unlisted/model")

    assert (result.status, result.json["error"]["type"]) == (404, "not_found_error")
    assert result.json["request_id"] == result.headers["request-id"]


def test_a_configuration_mistake_is_500_in_anthropics_shape(config: Path) -> None:
    config.write_text("[tiers")

    assert (models().status, models().json["error"]["type"]) == (500, "api_error")


def test_the_first_page_has_20_models_unless_the_caller_sets_a_limit() -> None:
    many: list[Listed] = [(f"m{n}", "", None) for n in range(1001)]

    assert len(page_of(many, {})["data"]) == 20
    assert len(page_of(many, {"limit": "1000"})["data"]) == 1000
    assert page_of(many, {"limit": "1000"})["has_more"] is True


def test_after_id_pages_forward_to_the_end() -> None:
    assert page(limit="4") == (["m0", "m1", "m2", "m3"], True, "m0", "m3")
    assert page(limit="4", after_id="m3") == (["m4", "m5", "m6", "m7"], True, "m4", "m7")
    assert page(limit="4", after_id="m7") == (["m8", "m9"], False, "m8", "m9")
    assert page(limit="4", after_id="m9") == ([], False, None, None)


def test_before_id_pages_backward_to_the_start() -> None:
    assert page(limit="4", before_id="m9") == (["m5", "m6", "m7", "m8"], True, "m5", "m8")
    assert page(limit="4", before_id="m5") == (["m1", "m2", "m3", "m4"], True, "m1", "m4")
    assert page(limit="4", before_id="m1") == (["m0"], False, "m0", "m0")
    assert page(limit="4", before_id="m0") == ([], False, None, None)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"after_id": "unlisted"}, "after_id"),
        ({"before_id": "unlisted"}, "before_id"),
        ({"after_id": "m1", "before_id": "m3"}, "before_id"),
    ],
)
def test_an_unlisted_id_or_both_are_refused_by_name(query: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        page_of(TEN, query)

    assert refusal.value.param == param
