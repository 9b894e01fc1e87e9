"""An answer is read also when the provider omits fields or writes other shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.config.catalog import CATALOG
from chatd.dialects import lenient, load_dialect
from chatd.errors import UpstreamError
from chatd.resilience.circuit_breaker import FAILURES
from chatd.upstream_http import HttpResponse
from tests.support import answers
from tests.support.functions import HttpResult, Streamed, ask, post, stream
from tests.support.upstream import Upstream, chunked, reply

OPENAI = "/v1/chat/completions"
each_surface = pytest.mark.parametrize("path", ["/v1/chat", OPENAI])
pytestmark = pytest.mark.usefixtures("provider", "keys")


def openai_events(*choices: dict[str, Any], **more: Any) -> list[bytes]:
    """Return a stream with one chunk for each choice, and `[DONE]`."""
    chunks = [answers.sse({"choices": [choice], **more}) for choice in choices]
    return [*chunks, b"data: [DONE]\n\n"]


def content_of(result: HttpResult, path: str) -> Any:
    return (
        result.json["choices"][0]["message"]["content"]
        if path == OPENAI
        else result.json["content"]
    )


def reason_of(result: HttpResult, path: str) -> Any:
    return (result.json["choices"][0] if path == OPENAI else result.json)["finish_reason"]


def is_whole(streamed: Streamed, path: str) -> bool:
    """Return whether a stream ended with the success mark of its surface."""
    if path == OPENAI:
        return streamed.data[-1] == "[DONE]"
    return streamed.json[-1].get("done") is True


EMPTY_OPENAI: dict[str, dict[str, Any]] = {
    "null": {"content": None},
    "missing": {},
    "empty": {"content": ""},
    "no parts": {"content": []},
    "thinking alone": {"content": None, "reasoning_content": "Hm"},
    "OpenRouter's thinking": {"reasoning": "Hm"},
}


@each_surface
@pytest.mark.parametrize("empty", EMPTY_OPENAI)
def test_an_ended_answer_without_text_is_an_answer(
    empty: str, path: str, provider: Upstream
) -> None:
    message = {"role": "assistant", **EMPTY_OPENAI[empty]}
    provider.script = reply({"choices": [{"message": message, "finish_reason": "stop"}]})

    result = post(ask("openrouter/v/m"), path)

    assert (result.status, content_of(result, path), reason_of(result, path)) == (200, "", "stop")
    assert len(provider.received) == 1


@each_surface
@pytest.mark.parametrize("empty", EMPTY_OPENAI)
def test_a_stream_that_ends_without_text_is_an_answer(
    empty: str, path: str, provider: Upstream
) -> None:
    provider.script = chunked(
        openai_events(
            {"index": 0, "delta": {"role": "assistant", **EMPTY_OPENAI[empty]}},
            {"index": 0, "delta": {}, "finish_reason": "stop"},
        )
    )

    plain, streamed = post(ask("openrouter/v/m"), path), stream(ask("openrouter/v/m"), path)

    assert (plain.status, content_of(plain, path), reason_of(plain, path)) == (200, "", "stop")
    assert is_whole(streamed, path)
    assert len(provider.received) == 2


def done_line(**more: Any) -> dict[str, Any]:
    return {"model": "m", "done": True, "done_reason": "stop", **more}


EMPTY_OLLAMA: dict[str, list[dict[str, Any]]] = {
    "null": [done_line(message={"role": "assistant", "content": None})],
    "no message in the last line": [{"message": {"content": ""}, "done": False}, done_line()],
    "null message": [done_line(message=None)],
    "thinking alone": [
        {"message": {"content": "", "thinking": "Hm"}, "done": False},
        done_line(message={"content": ""}),
    ],
}


@each_surface
@pytest.mark.parametrize("empty", EMPTY_OLLAMA)
def test_an_answer_of_ollama_without_text_is_an_answer(
    empty: str, path: str, provider: Upstream
) -> None:
    provider.script = chunked([answers.json_line(line) for line in EMPTY_OLLAMA[empty]])
    streamed = stream(ask("llama3.2"), path)
    provider.script = reply(EMPTY_OLLAMA[empty][-1])
    plain = post(ask("llama3.2"), path)

    assert is_whole(streamed, path)
    assert (plain.status, content_of(plain, path), reason_of(plain, path)) == (200, "", "stop")
    assert len(provider.received) == 2


@pytest.mark.parametrize("given", [{"response": None}, {}, {"response": "", "thinking": "Hm"}])
def test_a_generated_answer_without_text_is_an_answer(
    given: dict[str, Any], provider: Upstream
) -> None:
    provider.script = reply(done_line(**given))
    plain = post(ask("ollama_cloud/m"))
    provider.script = chunked([answers.json_line(done_line(**given))])
    streamed = stream(ask("ollama_cloud/m"))

    assert (plain.status, plain.json["content"]) == (200, "")
    assert is_whole(streamed, "/v1/chat")


@pytest.mark.parametrize("streamed", [False, True])
def test_empty_answers_do_not_open_a_circuit(
    streamed: bool, provider: Upstream, config: Path
) -> None:
    # Each model named in chatd.toml has its own circuit.
    config.write_text('[tiers]\nfast = ["openrouter/v/m"]')
    provider.script = reply({"choices": [{"message": {}, "finish_reason": "stop"}]})
    for number in range(FAILURES + 1):
        body = ask("fast", f"text {number}")
        status = stream(body).status if streamed else post(body).status
        assert status == 200
    provider.script = reply(answers.openai_chat())

    assert post(ask("fast")).status == 200
    assert len(provider.received) == FAILURES + 2


COUNTS: list[Any] = [None, -1, "many", 1e400, [], {}, True]


@pytest.mark.parametrize("value", COUNTS)
def test_an_invalid_count_is_zero_and_the_answer_is_kept(value: Any, provider: Upstream) -> None:
    usage = {
        "prompt_tokens": value,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": value},
        "completion_tokens_details": None,
        "cost": value,
    }
    provider.script = reply(answers.openai_chat(usage=usage, cost=value))
    openai = post(ask("openrouter/v/m"))
    provider.script = reply(answers.ollama_chat(prompt_eval_count=value))
    ollama = post(ask("llama3.2"))

    for result in (openai, ollama):
        counts = result.json["input_tokens"], result.json["output_tokens"]
        assert (result.status, result.json["content"], counts) == (200, "Hello!", (0, 7))


@pytest.mark.parametrize("usage", [None, {}])
def test_a_null_usage_is_accepted(usage: Any, provider: Upstream) -> None:
    provider.script = reply(answers.openai_chat(usage=usage))

    assert post(ask("openrouter/v/m")).status == 200


PARTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "2 + 2"}]},
    {"type": "text", "text": "fo"},
    {"type": "reference", "reference_ids": [1]},
    {"type": "text", "text": "ur"},
]


def test_content_as_a_list_of_parts_is_read(provider: Upstream) -> None:
    message = {"role": "assistant", "content": PARTS}
    provider.script = reply({"choices": [{"message": message, "finish_reason": "stop"}]})
    whole = post(ask("openrouter/v/m"))
    provider.script = chunked(
        openai_events({"index": 0, "delta": {"content": PARTS}, "finish_reason": "stop"})
    )
    streamed = stream(ask("openrouter/v/m"))
    provider.script = reply(answers.ollama_chat(message={"content": PARTS[1:]}))
    ollama = post(ask("llama3.2"))

    assert (whole.json["content"], whole.json["thinking"]) == ("four", "2 + 2")
    assert [event.get("content") for event in streamed.json] == [None, "four", None]
    assert streamed.json[0] == {"thinking": "2 + 2"}
    assert ollama.json["content"] == "four"


def test_null_deltas_choices_and_indexes_are_skipped(provider: Upstream) -> None:
    provider.script = chunked(
        [
            answers.sse({"choices": None, "usage": None, "error": None}),
            answers.sse({"choices": [{"index": None, "delta": None}]}),
            answers.sse(
                {"choices": [{"index": 0, "delta": {"content": "Hi", "tool_calls": None}}]}
            ),
            answers.sse({"choices": [{"delta": None, "finish_reason": "stop"}], "error": ""}),
        ]
    )

    assert post(ask("openrouter/v/m")).json["content"] == "Hi"


ARRAY_ERROR = [{"error": {"code": 400, "message": "no such field", "status": "INVALID_ARGUMENT"}}]
MISTAKES = [
    {"type": "missing", "loc": ["body", "messages"], "msg": "Field required", "input": "SECRET"},
    {"type": "missing", "loc": ["body", "model"], "msg": "Field required"},
]


@pytest.mark.parametrize("model", ["openrouter/v/m", "llama3.2"])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (ARRAY_ERROR, "no such field"),
        ({"detail": "Model not loaded"}, "Model not loaded"),
        ({"detail": MISTAKES}, "body.messages: Field required; body.model: Field required"),
        ({"detail": {"error": {"message": "nested"}}}, "nested"),
        ({"object": "error", "message": "at the top", "code": 400}, "at the top"),
        ({"error": {"message": "an object"}}, "an object"),
    ],
)
def test_the_reason_of_an_error_body_is_read(
    body: Any, words: str, model: str, provider: Upstream
) -> None:
    provider.script = reply(body, 422)
    refused = post(ask(model))
    provider.script = reply(body)
    disguised = post(ask(model))

    assert (refused.status, refused.json["error"]["upstream_status"]) == (400, 422)
    assert refused.json["error"]["message"].endswith(f"it answered 422: {words}")
    assert disguised.json["error"]["message"].endswith(f": {words}")
    assert "SECRET" not in json.dumps([refused.json, disguised.json])


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists) | st.text())
def test_no_error_body_raises_an_exception(value: Any) -> None:
    for body in (value, {"error": value}, {"detail": value}, [{"error": {"message": value}}]):
        found = lenient.refusal(json.dumps(body).encode())

        assert found is None or isinstance(found.words, str)


def test_done_finishes_choices_with_text_but_no_finish_reason(provider: Upstream) -> None:
    provider.script = chunked(
        openai_events(
            {"index": 0, "delta": {"content": "one"}},
            {"index": 1, "delta": {"content": "two"}},
            {"index": 0, "delta": {}, "finish_reason": "stop"},
        )
    )

    whole = post(ask("openrouter/v/m", n=2), OPENAI)
    streamed = stream(ask("openrouter/v/m", n=2), OPENAI)

    choices = [(c["message"]["content"], c["finish_reason"]) for c in whole.json["choices"]]
    assert choices == [("one", "stop"), ("two", "stop")]
    assert streamed.data[-1] == "[DONE]"
    reasons = [event["choices"][0]["finish_reason"] for event in streamed.json]
    assert reasons.count("stop") == 2


def test_ollamas_log_probabilities_have_every_field_of_openais(provider: Upstream) -> None:
    token = {"token": "Hi", "logprob": -0.1}
    other = {"token": "Ho", "logprob": -2, "bytes": [72, 111]}
    given = [token, {**token, "top_logprobs": [token, other]}]
    provider.script = reply(answers.ollama_chat(logprobs=given))

    result = post(ask("llama3.2", logprobs=True), OPENAI)

    first, second = result.json["choices"][0]["logprobs"]["content"]
    assert first == {**token, "bytes": None, "top_logprobs": []}
    assert second["top_logprobs"] == [{**token, "bytes": None}, other]


TOO_LONG = [
    "request (5000 tokens) exceeds the available context size (512 tokens), try increasing it",
    "litellm.ContextWindowExceededError: context window exceeded",
    "Requested tokens (900) exceed context window of 512",
    "prompt too long; exceeded max context length by 12 tokens",
]


@pytest.mark.parametrize("words", TOO_LONG)
@pytest.mark.parametrize("status", [200, 400, 413, 422, 500])
@pytest.mark.parametrize("model", ["openrouter/v/m", "llama3.2"])
def test_a_conversation_that_is_too_long_is_recognised_at_every_status(
    words: str, status: int, model: str, provider: Upstream
) -> None:
    provider.script = reply({"error": {"message": words}}, status)

    result = post(ask(model))

    assert (result.status, result.json["error"]["code"]) == (400, "context_length_exceeded")


def test_a_stream_that_reports_a_too_long_conversation_is_context_length_exceeded(
    provider: Upstream,
) -> None:
    error = {"code": 400, "message": "no", "type": "exceed_context_size_error"}
    for piece in (answers.sse({"error": error}), b"error: " + json.dumps(error).encode() + b"\n\n"):
        provider.script = chunked([piece])

        result = stream(ask("openrouter/v/m"))

        error_code = json.loads(result.body)["error"]["code"]
        assert (result.status, error_code) == (400, "context_length_exceeded")


LISTS: dict[str, tuple[str, Any]] = {
    "a bare list": ("openrouter", [{"id": "a"}, {"id": "b", "type": "chat"}]),
    "other fields": ("openrouter", {"data": [{"name": "a"}, {"id": "b"}, {"id": None}, None, "c"]}),
    "Ollama's other field": ("ollama", {"models": [{"model": "a"}, {"name": "b"}, {}]}),
}


@pytest.mark.parametrize("given", LISTS)
def test_the_valid_names_of_a_list_of_models_are_read(given: str) -> None:
    provider, body = LISTS[given]
    row = CATALOG[provider]
    adapter = load_dialect(row.variants.get(row.dialect, row.dialect))

    assert adapter.models(HttpResponse(200, {}, json.dumps(body).encode())) == ["a", "b"]


@pytest.mark.parametrize("body", [{"data": 1, "models": "x"}, "text", 1])
@pytest.mark.parametrize("provider", ["openrouter", "ollama"])
def test_a_body_without_a_list_of_models_is_an_error(provider: str, body: Any) -> None:
    row = CATALOG[provider]
    adapter = load_dialect(row.variants.get(row.dialect, row.dialect))

    with pytest.raises(UpstreamError, match="list of models"):
        adapter.models(HttpResponse(200, {}, json.dumps(body).encode()))
