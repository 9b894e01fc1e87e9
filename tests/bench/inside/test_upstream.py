"""The bench upstream's responses are valid in each dialect."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import urllib3

from bench.inside import dialects, gateway, upstream
from bench.inside.upstream import Model
from tests.support.functions import ask, post, stream


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with upstream.running() as address:
        yield address


@pytest.fixture(autouse=True)
def environment(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import chat.app  # noqa: PLC0415  # after the environment is set

    for name, value in gateway.environment(url).items():
        monkeypatch.setenv(name, value)
    chat.app.compose.cache_clear()
    yield
    chat.app.compose.cache_clear()


@pytest.mark.parametrize("dialect", gateway.DIALECTS)
def test_the_gateway_reads_a_whole_response(dialect: str) -> None:
    prefix = gateway.DIALECTS[dialect][0]
    answer = post(ask(prefix + Model(characters=9).name))

    assert (answer.status, answer.json["content"]) == (200, "The quick")


@pytest.mark.parametrize("path", [dialects.OLLAMA, dialects.GENERATE, dialects.OPENAI])
def test_a_request_without_stream_gets_a_whole_response(url: str, path: str) -> None:
    pool = urllib3.PoolManager()
    body = json.dumps({"model": Model(characters=61).name})
    answer = pool.request("POST", url + path, body=body)
    pool.clear()

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.data == dialects.whole(path, 61).partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("dialect", gateway.DIALECTS)
@pytest.mark.parametrize("gap", [0, 100])
def test_a_stream_has_the_number_of_chunks_in_the_models_name(dialect: str, gap: int) -> None:
    prefix = gateway.DIALECTS[dialect][0]
    answer = stream(ask(prefix + Model(chunks=9, gap=gap).name), "/v1/chat/completions")
    words = [event["choices"][0]["delta"].get("content") for event in answer.json]

    assert (answer.status, words.count(" token")) == (200, 9)


def test_a_gap_separates_chunks() -> None:
    start = time.monotonic()
    stream(ask("ollama/" + Model(chunks=5, gap=20_000).name))

    assert time.monotonic() - start >= 0.08


def test_a_models_status_is_the_responses() -> None:
    assert post(ask("ollama/" + Model(status=404).name)).status == 502


def test_get_last_returns_the_last_request(url: str) -> None:
    body = json.dumps({"model": "x"})
    pool = urllib3.PoolManager()
    pool.request("POST", f"{url}/api/chat", body=body, headers={"X-Kept": "yes"})
    last = pool.request("GET", f"{url}/last").json()
    pool.clear()

    assert (last["method"], last["path"], last["body"]) == ("POST", "/api/chat", body)
    assert last["headers"]["X-Kept"] == "yes"


def test_a_body_of_5_mb_is_read_whole(url: str) -> None:
    pool = urllib3.PoolManager()
    body = b"x" * 5_000_000
    status = pool.request("POST", f"{url}/v1/chat/completions", body=body).status
    last = pool.request("GET", f"{url}/last").json()
    pool.clear()

    assert (status, len(last["body"])) == (200, 5_000_000)


@pytest.mark.parametrize("model", [Model(), Model(1, 2, 503, 4)])
def test_a_models_name_encodes_its_response(model: Model) -> None:
    assert Model.of(json.dumps({"model": model.name}).encode()) == model
