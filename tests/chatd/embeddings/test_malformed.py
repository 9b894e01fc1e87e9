"""A malformed answer is a 502 that names the defect; small departures from the API are not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.embeddings import OPENAI, embed, listed, packed, vectors_of
from tests.support.upstream import Script, Upstream, raw, reply, reset, then_close

CANARY = "canary of the caller's text 0123456789"


@pytest.fixture
def openai(provider: Upstream, keys: str) -> Upstream:
    """Serve providers of OpenAI's dialect."""
    return provider


def items(*entries: dict[str, Any]) -> Script:
    return reply({"object": "list", "data": list(entries), "model": "m"})


def item(index: Any, vector: Any = (1.0, 2.0)) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": vector}


def written(vector: str) -> Script:
    """Answer with two vectors, the first of which is this JSON."""
    second = '{"index": 1, "embedding": [1.0, 2.0]}'
    return reply(f'{{"data": [{{"index": 0, "embedding": {vector}}}, {second}]}}'.encode())


MALFORMED: dict[str, Script] = {
    "no JSON": reply(b"<html>"),
    "a list": reply([1]),
    "no data": reply({"object": "list"}),
    "data of another type": reply({"data": "x"}),
    "no vectors": items(),
    "one vector for two inputs": items(item(0)),
    "three vectors for two inputs": items(item(0), item(1), item(2)),
    "an item that is no object": reply({"data": [item(0), 1]}),
    "one index twice": items(item(1), item(1)),
    "an index of no input": items(item(0), item(2)),
    "a negative index": items(item(0), item(-1)),
    "an index that is a text": items(item("0"), item("1")),
    "an index that is a list": items(item([0]), item(1)),
    "an index that is missing beside its double": items(item(1), item(None)),
    "no vector": items({"index": 0}, item(1)),
    "an empty vector": items(item(0, []), item(1)),
    "vectors of two lengths": items(item(0), item(1, [1.0])),
    "a null in a vector": items(item(0, [1.0, None]), item(1)),
    "a text in a vector": items(item(0, [1.0, "2"]), item(1)),
    "a list in a vector": items(item(0, [[1.0], [2.0]]), item(1)),
    "NaN": written("[NaN, 1.0]"),
    "Infinity": written("[1.0, Infinity]"),
    "a number beyond every float": written("[1e999, 1.0]"),
    "a number beyond float32": items(item(0, [1e39, 1.0]), item(1)),
    "an integer beyond every float": written(f"[{'9' * 400}, 1]"),
    "a text that is not base64": items(item(0, "****"), item(1)),
    "base64 of 7 bytes": items(item(0, "AAAAAAAAAA=="), item(1)),
    "base64 without its end": items(item(0, "AAAAA"), item(1)),
    "base64 of NaN": items(item(0, packed(float("nan"), 1.0)), item(1)),
    "base64 of infinity": items(item(0, packed(1.0, float("inf"))), item(1)),
    "base64 of another length": items(item(0, packed(1.0)), item(1)),
    "a reset": reset,
    "an early end": then_close(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")),
}


@pytest.mark.parametrize("defect", MALFORMED)
def test_a_malformed_answer_is_retried_and_then_a_502(openai: Upstream, defect: str) -> None:
    openai.script = MALFORMED[defect]

    result = embed(OPENAI, [CANARY, "b"], encoding_format="base64")

    assert (result.status, result.json["error"]["code"]) == (502, "upstream_error")
    assert result.json["error"]["provider"] == "openai"
    assert len(openai.received) == 3
    assert "canary" not in str(result.json)


def test_an_answer_with_too_many_numbers_is_not_read(openai: Upstream) -> None:
    openai.script = reply(b'{"data":[{"embedding":[' + b"0," * 2_000_000 + b"0]}]}")

    result = embed(OPENAI, "a")

    assert (result.status, result.json["error"]["code"]) == (502, "answer_too_large")
    assert "fewer inputs" in result.json["error"]["message"]
    assert len(openai.received) == 1


LENIENT: dict[str, tuple[dict[str, Any], ...]] = {
    "another order": (item(1, [2.0]), item(0, [1.0])),
    "no index": ({"embedding": [1.0]}, {"embedding": [2.0]}),
    "index 0 left out, as protobuf does": ({"embedding": [1.0]}, item(1, [2.0])),
    "whole numbers": (item(0, [1]), item(1, [2])),
    "an index that is a whole float": (item(1.0, [2.0]), item(0.0, [1.0])),
    "one vector in base64": (item(0, packed(1.0)), item(1, [2.0])),
}


@pytest.mark.parametrize("departure", LENIENT)
def test_a_small_departure_is_read(openai: Upstream, departure: str) -> None:
    openai.script = items(*LENIENT[departure])

    assert vectors_of(embed(OPENAI, ["a", "b"]).json) == [[1.0], [2.0]]


REFUSALS: dict[str, tuple[int, Any, int, str]] = {
    "a refusal": (400, {"error": {"message": "bad", "code": "bad_input"}}, 400, "bad_input"),
    "a text that is too long": (
        400,
        {"error": {"message": "This model's maximum context length is 8192 tokens"}},
        400,
        "context_length_exceeded",
    ),
    "an unknown model": (404, {"error": {"message": "no model"}}, 404, "model_not_found"),
    "a refused key": (401, {"error": {"message": "no"}}, 502, "upstream_auth_error"),
    "a spent quota": (
        429,
        {"error": {"message": "x", "code": "insufficient_quota"}},
        429,
        "insufficient_quota",
    ),
    "an error under status 200": (
        200,
        {"error": {"message": "no", "code": "invalid_request_error"}},
        400,
        "invalid_request",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_has_its_own_status_and_is_not_retried(openai: Upstream, case: str) -> None:
    status, body, expected, code = REFUSALS[case]
    openai.script = reply(body, status)

    result = embed(OPENAI, "a")

    assert (result.status, result.json["error"]["code"]) == (expected, code)
    assert len(openai.received) == 1


def test_a_message_that_quotes_the_key_or_the_text_is_redacted(
    openai: Upstream, keys: str, capfd: pytest.CaptureFixture[str]
) -> None:
    openai.script = reply({"error": {"message": f"cannot read {CANARY!r} with {keys}"}}, 400)

    result = embed(OPENAI, ["b", CANARY])

    shown = str(result.json) + capfd.readouterr().out
    assert "cannot read" in shown
    assert "canary" not in shown
    assert keys not in shown


def test_a_vector_of_one_number_and_one_of_16384_are_read(openai: Upstream) -> None:
    for size in (1, 16_384):
        openai.script = reply(listed([0.5] * size))
        assert vectors_of(embed(OPENAI, "a").json) == [[0.5] * size]
