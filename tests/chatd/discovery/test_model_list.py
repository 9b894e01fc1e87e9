"""List the models of every registered provider, and find a model by its name."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from chatd.credentials.provider_keys import Credentials
from chatd.dialects import DIALECTS
from chatd.discovery import model_list
from chatd.discovery.model_list import Models
from chatd.transport.http_client import Urllib3Transport
from tests.support.functions import HttpResult, get, settings
from tests.support.upstream import Received, Upstream, reply, silent

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


def respond(connection: socket.socket, received: Received) -> None:
    """Serve the list of models of every dialect."""
    if received.path == "/api/tags":
        reply({"models": [{"name": "llama3.2:latest"}]})(connection, received)
    elif received.path.startswith("/foundation-models"):
        reply({"modelSummaries": [{"modelId": "vendor.one"}]})(connection, received)
    elif received.path.startswith("/inference-profiles"):
        profile = {"inferenceProfileId": "us.vendor.one"}
        reply({"inferenceProfileSummaries": [profile]})(connection, received)
    else:
        reply({"object": "list", "data": [{"id": "vendor/one"}]})(connection, received)


def listed() -> list[str]:
    return [model["id"] for model in get("/v1/models").json["data"]]


def one(name: str) -> HttpResult:
    more = {"resource": "/v1/models/{id+}", "pathParameters": {"id": name}}
    return get(f"/v1/models/{name}", **more)


# The rows with an address whose vendors list their models.
LISTED = [row for row in CATALOG.values() if row.base_url and "model_list" not in row.refuses]


def test_tiers_and_the_models_of_every_registered_provider_are_listed(
    provider: Upstream, keys: str, config: Path
) -> None:
    config.write_text('[tiers]\nfast = ["kimi/k3"]')
    provider.script = respond

    models = {dialect: ["vendor/one"] for dialect in DIALECTS}
    models |= {"ollama": ["llama3.2:latest"], "bedrock_converse": ["vendor.one", "us.vendor.one"]}
    assert listed() == [
        "fast",
        *(f"{row.prefix}{name}" for row in LISTED for name in models[row.dialect]),
    ]


def test_a_model_is_in_openais_shape(provider: Upstream) -> None:
    provider.script = respond

    assert get("/v1/models").json == {
        "object": "list",
        "data": [
            {
                "id": "ollama/llama3.2:latest",
                "object": "model",
                "created": 0,
                "owned_by": "ollama",
            }
        ],
    }


def test_what_is_known_of_a_model_is_in_openais_shape_too(
    provider: Upstream, keys: str, config: Path
) -> None:
    config.write_text(
        '[tiers]\nfast = [{ model = "openrouter/openai/gpt-5", context = 5 }]\n'
        '[providers.kimi.models."openai/gpt-5"]\nmax_output = 7\ntools = false\n'
    )
    provider.script = reply({"data": [{"id": "openai/gpt-5"}]})
    abilities = {"tools": True, "images": True, "pdfs": True, "thinking": True}
    known = {
        "context_length": 272_000,
        "max_output_tokens": 128_000,
        "capabilities": abilities,
    }

    entries = {model.pop("id"): model for model in get("/v1/models").json["data"]}
    shape = {"object": "model", "created": 0}
    assert entries["openrouter/openai/gpt-5"] == {**shape, "owned_by": "openrouter", **known}
    assert entries["fast"] == {**shape, "owned_by": "chatd", **known, "context_length": 5}
    assert entries["kimi/openai/gpt-5"] == {
        **shape,
        "owned_by": "kimi",
        **known,
        "max_output_tokens": 7,
        "capabilities": {**abilities, "tools": False},
    }


def test_a_tier_of_a_provider_without_a_key_is_listed(provider: Upstream, config: Path) -> None:
    config.write_text('[tiers]\nfast = ["openrouter/openai/gpt-5"]')
    provider.script = respond

    assert listed() == ["fast", "ollama/llama3.2:latest"]


def test_each_list_is_requested_with_the_providers_key(provider: Upstream, keys: str) -> None:
    provider.script = respond
    listed()

    sent = [key_headers(received.headers, keys) for received in provider.received]
    assert sorted(sent, key=str) == sorted(
        (
            {"x-api-key": keys} if row.dialect in row.key_headers else bearer(row, keys)
            for row in LISTED
            for _list in range(2 if row.aws else 1)
        ),
        key=str,
    )


def key_headers(headers: Mapping[str, str], key: str) -> dict[str, str]:
    return {name: value for name, value in headers.items() if key in value}


def bearer(row: Provider, key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"} if row.key_variable or row.aws else {}


def test_the_list_is_cached(provider: Upstream) -> None:
    provider.script = respond
    listed()
    listed()

    assert len(provider.received) == 1


@pytest.fixture
def lists(provider: Upstream) -> Iterator[tuple[Models, list[float]]]:
    """Yield the lists of the local Ollama, and a manual clock in seconds."""
    now = [1000.0]
    chosen = settings(OLLAMA_URL=provider.url)
    credentials = Credentials({}, None, lambda _sentence: None)
    transport = Urllib3Transport()
    yield Models(chosen, credentials, transport, lambda _: None, clock=lambda: now[0]), now
    transport.forget()


def ids(lists: Models) -> list[str]:
    return [model.id for model in lists.all()]


def test_a_failed_list_is_requested_again_after_five_seconds(
    provider: Upstream, lists: tuple[Models, list[float]]
) -> None:
    listing, now = lists
    provider.script = reply({"error": "starting"}, 500)
    assert ids(listing) == []
    provider.script = respond
    now[0] += 4.9
    assert ids(listing) == []
    now[0] += 0.2
    assert ids(listing) == ["ollama/llama3.2:latest"]


def test_the_earlier_list_replaces_a_failed_one(
    provider: Upstream, lists: tuple[Models, list[float]]
) -> None:
    listing, now = lists
    provider.script = respond
    ids(listing)
    provider.script = reply({"error": "no"}, 500)
    now[0] += 60

    assert ids(listing) == ["ollama/llama3.2:latest"]
    assert len(provider.received) == 2


# The models of the providers whose lists have another path than `/models`.
LISTS_ELSEWHERE = [
    *("ollama/llama3.2:latest", "ollama_cloud/llama3.2:latest"),
    *("bedrock/vendor.one", "bedrock/us.vendor.one"),
]
BROKEN: dict[str, Any] = {
    "refuses": reply({"error": "no"}, 500),
    "gives html": reply(b"<html>"),
    "gives another shape": reply({"data": "none", "models": 7}),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_failing_provider_does_not_hide_other_providers(
    provider: Upstream, keys: str, fault: str, emitted: Callable[[], Emitted]
) -> None:
    def script(connection: socket.socket, received: Received) -> None:
        (BROKEN[fault] if "/models" in received.path else respond)(connection, received)

    provider.script = script

    assert listed() == LISTS_ELSEWHERE
    assert "kimi gave no list" in json.dumps(emitted().log)


def test_a_slow_provider_does_not_hide_other_providers(
    provider: Upstream, keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_list, "_TIMEOUT_SECONDS", 2.0)
    slow = silent(provider)

    def script(connection: socket.socket, received: Received) -> None:
        (slow if "/models" in received.path else respond)(connection, received)

    provider.script = script

    assert listed() == LISTS_ELSEWHERE


@pytest.mark.parametrize(
    "name", ["ollama/llama3.2:latest", "llama3.2:latest", "llama3.2", "ollama/llama3.2"]
)
def test_a_model_is_found_by_its_id_and_by_names_that_route_to_it(
    provider: Upstream, name: str
) -> None:
    provider.script = respond

    assert one(name).json["id"] == name


def test_a_name_with_slashes_is_found(provider: Upstream, keys: str) -> None:
    provider.script = respond

    assert one("openrouter%2Fvendor%2Fone").json["id"] == "openrouter/vendor/one"


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("name", ["llama3.2:1b", "llama3", "kimi/llama3.2", "openrouter/vendor"])
def test_another_tag_or_provider_is_404(provider: Upstream, name: str) -> None:
    provider.script = respond

    assert one(name).status == 404


def test_an_unlisted_model_is_404(provider: Upstream) -> None:
    provider.script = respond

    result = one("nobody/has-it")
    assert (result.status, result.json["error"]["code"]) == (404, "model_not_found")
