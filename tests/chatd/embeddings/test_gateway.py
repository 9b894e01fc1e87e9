"""A request for embeddings is translated to its provider's dialect, and recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from chatd.errors import AnswerTooLargeError, InvalidRequestError
from tests.support.embeddings import (
    OPENAI,
    PATH,
    by_number,
    embed,
    embed_large,
    listed,
    numbered,
    packed,
    texts,
    vectors_of,
)
from tests.support.functions import invoke, post
from tests.support.upstream import Upstream, reply

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

Emits = Callable[[], "Emitted"]


@pytest.fixture
def openai(provider: Upstream, keys: str) -> Upstream:
    """Serve providers of OpenAI's dialect."""
    provider.script = reply(listed([0.5, -2.0]))
    return provider


@pytest.fixture
def ollama(provider: Upstream, keys: str) -> Upstream:
    """Serve an Ollama."""
    provider.script = reply({"model": "m", "embeddings": [[0.5, -2.0]], "prompt_eval_count": 3})
    return provider


@pytest.mark.parametrize("vector", [[0.5, -2.0], packed(0.5, -2.0)], ids=["float", "base64"])
@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_vectors_have_the_encoding_that_the_caller_wants(
    openai: Upstream, vector: object, encoding: str | None
) -> None:
    openai.script = reply(listed(vector))

    result = embed(OPENAI, "Hello", encoding_format=encoding)

    wanted = packed(0.5, -2.0) if encoding == "base64" else [0.5, -2.0]
    assert vectors_of(result.json) == [wanted]


def test_decimal_numbers_pass_through_unchanged(openai: Upstream) -> None:
    numbers = [0.1, -1.2345678901234567e-05, 3.4e38, 5e-324, -0.0]
    openai.script = reply(listed(numbers))

    assert vectors_of(embed(OPENAI, "Hello").json) == [numbers]


def test_further_fields_of_a_single_answer_are_kept(openai: Upstream) -> None:
    body = listed([1.0], id="embd-1", provider="host")
    body["data"][0]["truncated"] = False
    body["usage"]["cost"] = 2e-06
    openai.script = reply(body)

    assert embed(OPENAI, "Hello").json == body


def test_tokens_that_the_provider_does_not_count_are_estimated(openai: Upstream) -> None:
    openai.script = reply({"data": [{"embedding": [1.0]}]})

    result = embed(OPENAI, "x" * 8)

    assert result.json["usage"] == {"prompt_tokens": 2, "total_tokens": 2, "estimated": True}
    assert result.json["model"] == "text-embedding-3-small"


def test_a_request_is_one_log_line_of_its_own_operation(openai: Upstream, emitted: Emits) -> None:
    embed(OPENAI, "canary")

    output = emitted()
    (line,) = output.log
    assert line["message"] == line["gen_ai.operation.name"] == "embeddings"
    assert (line["gen_ai.provider.name"], line["gen_ai.request.model"]) == ("openai", OPENAI)
    assert line["gen_ai.usage.input_tokens"] == 5
    assert [metric["InputTokens"] for metric in output.metrics] == [5]
    assert "canary" not in output.text


def test_an_invalid_request_is_recorded(openai: Upstream, emitted: Emits) -> None:
    assert embed(OPENAI, []).status == 400

    (line,) = emitted().log
    assert (line["message"], line["error.type"]) == ("embeddings", "invalid_request")
    assert openai.received == []


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"input": "x"}, "model"),
    "no input": ({"model": OPENAI}, "input"),
    "no inputs": ({"model": OPENAI, "input": []}, "input"),
    "null": ({"model": OPENAI, "input": None}, "input"),
    "an object": ({"model": OPENAI, "input": {"text": "x"}}, "input"),
    "an empty text": ({"model": OPENAI, "input": ""}, "input"),
    "an empty text among others": ({"model": OPENAI, "input": ["x", ""]}, "input.1"),
    "a text among tokens": ({"model": OPENAI, "input": [1, "x"]}, "input.1"),
    "tokens among texts": ({"model": OPENAI, "input": ["x", 1]}, "input.1"),
    "no tokens": ({"model": OPENAI, "input": [[1], []]}, "input.1"),
    "a negative token": ({"model": OPENAI, "input": [[1, -1]]}, "input.0.1"),
    "a fraction of a token": ({"model": OPENAI, "input": [1, 1.5]}, "input.1"),
    "2,049 inputs": ({"model": OPENAI, "input": ["x"] * 2_049}, "input"),
    "no dimensions": ({"model": OPENAI, "input": "x", "dimensions": 0}, "dimensions"),
    "an unknown encoding": (
        {"model": OPENAI, "input": "x", "encoding_format": "int8"},
        "encoding_format",
    ),
    "a user that is no text": ({"model": OPENAI, "input": "x", "user": 1}, "user"),
}


@pytest.mark.parametrize("mistake", INVALID)
def test_an_invalid_request_is_a_400_that_names_the_field(openai: Upstream, mistake: str) -> None:
    body, param = INVALID[mistake]

    result = post(body, PATH)

    assert (result.status, result.json["error"]["param"]) == (400, param)
    assert result.json["error"]["type"] == "invalid_request_error"
    assert openai.received == []


def test_a_number_that_is_not_finite_is_a_400(openai: Upstream) -> None:
    result = post(f'{{"model": "{OPENAI}", "input": "x", "y": 1e999}}', PATH)

    assert (result.status, result.json["error"]["param"]) == (400, "y")


@pytest.mark.parametrize(
    ("model", "status"), [("openai/m", 404), ("unknown:cloud", 404), ("openai/", 400)]
)
def test_models_are_routed_as_for_chats(provider: Upstream, model: str, status: int) -> None:
    result = embed(model, "x")

    assert (result.status, result.json["error"]["param"]) == (status, "model")


@pytest.mark.parametrize("model", ["anthropic/claude-opus-4-8", "kimi/k3", "perplexity/sonar"])
def test_a_provider_without_embeddings_is_a_400(openai: Upstream, model: str) -> None:
    result = embed(model, "x")

    assert (result.status, result.json["error"]["param"]) == (400, "model")
    assert openai.received == []


def test_arrays_of_tokens_go_only_to_providers_that_take_them(openai: Upstream) -> None:
    assert embed(OPENAI, [1, 2]).status == 200
    assert embed(OPENAI, [[1, 2]]).status == 200
    assert [sent.json["input"] for sent in openai.received] == [[1, 2], [[1, 2]]]

    refused = embed("mistral/mistral-embed", [[1, 2]])

    assert (refused.status, refused.json["error"]["param"]) == (400, "input")
    assert "send the texts" in refused.json["error"]["message"]
    assert len(openai.received) == 2


def test_dimensions_that_the_provider_ignores_are_a_400(openai: Upstream) -> None:
    result = embed(OPENAI, "x", dimensions=3)

    assert (result.status, result.json["error"]["param"]) == (400, "dimensions")
    assert len(openai.received) == 1


def test_a_direct_invocation_with_input_asks_for_embeddings(ollama: Upstream) -> None:
    event = {"model": "ollama/m", "input": ["Hello"]}

    for given in (event, {"detail-type": "t", "detail": event}):
        assert vectors_of(invoke(given)) == [[0.5, -2.0]]


def test_a_direct_invocation_fails_with_a_named_exception(ollama: Upstream) -> None:
    with pytest.raises(InvalidRequestError, match="arrays of tokens"):
        invoke({"model": "ollama/m", "input": [1]})


def test_a_large_answer_is_written_piece_by_piece(openai: Upstream) -> None:
    vector = [0.25] * 200_000
    openai.script = reply(listed(vector))

    status, body = embed_large(OPENAI, "x", encoding_format="base64")

    assert (status, vectors_of(body)) == (200, [packed(*vector)])
    assert list(body) == ["object", "model", "usage", "data"]


def test_a_large_answer_is_too_large_for_a_direct_invocation(openai: Upstream) -> None:
    openai.script = reply(listed([0.12345678901234567] * 350_000))

    with pytest.raises(AnswerTooLargeError, match="6 MB"):
        invoke({"model": OPENAI, "input": "x"})
    assert len(json.dumps(invoke({"model": OPENAI, "input": "x", "encoding_format": "base64"})))


def test_many_inputs_are_sent_in_batches_and_joined_in_order(openai: Upstream) -> None:
    openai.script = by_number

    result = embed(OPENAI, texts(600))

    assert vectors_of(result.json) == numbered(600)
    assert sorted(len(sent.json["input"]) for sent in openai.received) == [88, 256, 256]
    assert result.json["usage"] == {"prompt_tokens": 600, "total_tokens": 600}
