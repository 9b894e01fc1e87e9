"""No input makes the gateway raise or answer with an internal error."""

from __future__ import annotations

import json
import socket
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chat.app
import providers.app
from chatd.aws_lambda.streaming import Collected, StreamingResponse
from chatd.errors import ChatdError
from tests.support import answers
from tests.support.functions import LambdaContext, http_event, stream
from tests.support.upstream import Received, Upstream, chunked, reply

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
# Mostly well-formed, so that the search gets past the first check.
ROLES = st.sampled_from(["system", "user", "assistant", "tool", ""])
TURNS = st.lists(st.fixed_dictionaries({"role": ROLES, "content": st.text() | JSON}), max_size=4)
MODELS = st.text(max_size=20) | st.sampled_from(
    ["m", "ollama/m", "m:cloud", "ollama_cloud/m", "openrouter/v/m", "opencode/gpt-5", "kimi/k3"]
)
REQUESTS = st.fixed_dictionaries(
    {"model": MODELS | JSON, "messages": TURNS | JSON},
    optional={
        "temperature": st.floats() | JSON,
        "max_tokens": st.integers() | JSON,
        "format": st.just("json") | JSON,
        "think": st.booleans() | JSON,
        "stream": st.booleans() | JSON,
    },
)
# Fixtures last for all examples of a test; no example changes their state.
many = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
STATUSES = {200, 204, 400, 404, 413, 429, 502, 503, 504}


# The answer to requests that may have a format: valid for `"json"`.
OBJECT = '{"said": "Hello!"}'


@pytest.fixture
def objects(all_keys: Upstream) -> Upstream:
    """Serve every provider with an answer that is a JSON object."""

    def answer(connection: socket.socket, received: Received) -> None:
        if received.json.get("stream"):
            chunked(answers.stream_for_path(received.path, OBJECT))(connection, received)
        else:
            reply(answers.for_path(received.path, OBJECT))(connection, received)

    all_keys.script = answer
    return all_keys


def schema_may_reject(body: Any, code: str) -> bool:
    """Return whether a schema of the request may reject `OBJECT`."""
    return code == "format_not_met" and isinstance(body, dict) and isinstance(body["format"], dict)


@pytest.fixture
def all_keys(provider: Upstream, keys: str) -> Upstream:
    return provider


def answered(event: Any, handler: Any = chat.app.lambda_handler) -> dict[str, Any]:
    result: Any = handler(event, LambdaContext())
    if not isinstance(result, dict):
        return read_stream(result)
    assert result["statusCode"] in STATUSES
    assert isinstance(json.loads(result["body"] or "{}"), dict)
    json.dumps(result).encode()
    return result


def read_stream(live: StreamingResponse) -> dict[str, Any]:
    """Read a streamed answer; return a complete answer as 200, or an error with its status."""
    live.write_to(sink := Collected())
    body = sink.body.decode()
    if sink.status == HTTPStatus.OK:
        assert body.split("\n\n")[-2].startswith('data: {"done":true,')
        assert '"error"' not in body
        return {"statusCode": 200, "body": "{}"}
    assert sink.status in STATUSES
    assert isinstance(json.loads(body), dict)
    return {"statusCode": sink.status, "body": body}


@many
@given(body=REQUESTS | JSON)
def test_every_json_body_is_answered(objects: Upstream, body: Any) -> None:
    result = answered(http_event("POST", "/v1/chat", json.dumps(body)))

    code = json.loads(result["body"]).get("error", {}).get("code")
    assert result["statusCode"] < 500 or schema_may_reject(body, code)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wanted", ["json", {"type": "array"}])
def test_a_json_answer_is_200_or_format_not_met_by_the_requested_format(
    objects: Upstream, wanted: Any, stream: bool
) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    body = {"model": "m:cloud", "messages": messages, "format": wanted, "stream": stream}

    result = answered(http_event("POST", "/v1/chat", json.dumps(body)))

    assert result["statusCode"] == (200 if wanted == "json" else 502)
    assert wanted == "json" or schema_may_reject(body, json.loads(result["body"])["error"]["code"])


PARTS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "image_url", "input_audio"])},
        optional={"text": st.text() | JSON, "image_url": JSON | st.just({"url": "data:,"})},
    ),
    max_size=3,
)
OPENAI_TURNS = st.lists(
    st.fixed_dictionaries(
        {"role": ROLES, "content": st.text() | PARTS | st.none()},
        optional={"tool_calls": JSON, "tool_call_id": st.text(), "name": st.text()},
    ),
    min_size=1,
    max_size=3,
)
OPENAI_REQUESTS = st.fixed_dictionaries(
    {"model": MODELS, "messages": OPENAI_TURNS | JSON},
    optional=dict.fromkeys(
        (
            "temperature",
            "stop",
            "n",
            "tools",
            "tool_choice",
            "response_format",
            "reasoning_effort",
            "stream_options",
            "logit_bias",
            "logprobs",
        ),
        JSON,
    ),
)


@many
@given(body=OPENAI_REQUESTS)
def test_every_body_on_openais_surface_is_answered(all_keys: Upstream, body: Any) -> None:
    result = answered(http_event("POST", "/v1/chat/completions", json.dumps(body)))

    assert result["statusCode"] < 500


@many
@given(body=st.binary(), cuts=st.lists(st.integers(1, 40), max_size=5))
@pytest.mark.parametrize("model", ["m", "kimi/k3"])
def test_every_stream_ends_with_done_or_an_error_event(
    all_keys: Upstream, model: str, body: bytes, cuts: list[int]
) -> None:
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    path = "/api/chat" if model == "m" else "/chat/completions"
    known = answers.stream_for_path(path)
    all_keys.script = chunked([*known[: len(cuts)], *pieces, *known[len(cuts) :]])
    request = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}

    streamed = stream(request, "/v1/chat/completions")

    ended = streamed.data[-1:] == ["[DONE]"]
    died = b'"error"' in streamed.body
    assert ended != died
    assert b"internal_error" not in streamed.body


@many
@given(body=st.text() | st.none(), encoded=st.booleans())
def test_every_text_body_is_answered(all_keys: Upstream, body: str | None, encoded: bool) -> None:
    result = answered(http_event("POST", "/v1/chat", body, isBase64Encoded=encoded))

    assert result["statusCode"] < 500


@many
@given(event=REQUESTS | JSON)
def test_every_direct_invocation_returns_an_answer_or_a_named_exception(
    objects: Upstream, event: Any
) -> None:
    failed: type[ChatdError] | None
    try:
        answer = chat.app.lambda_handler(event, LambdaContext())
    except ChatdError as error:
        failed = type(error)
    else:
        failed = None

    assert failed is None or failed.status < 500 or schema_may_reject(event, failed.default_code)
    assert failed is not None or answer["content"] == OBJECT


@many
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS"]),
    path=st.text(),
    more=st.fixed_dictionaries(
        {
            "headers": st.none() | st.dictionaries(st.text(), st.text(), max_size=4),
            "resource": st.none() | st.text(),
        }
    ),
)
@pytest.mark.parametrize("handler", [chat.app.lambda_handler, providers.app.lambda_handler])
def test_every_http_event_is_answered(
    handler: Any, method: str, path: str, more: dict[str, Any]
) -> None:
    result = answered(http_event(method, path, "{}", **more), handler)

    assert result["statusCode"] < 500


@many
@given(
    body=st.binary() | JSON.map(lambda value: json.dumps(value).encode()),
    status=st.integers(100, 599),
)
@pytest.mark.parametrize("model", ["m", "ollama_cloud/m", "kimi/k3"])
def test_every_response_of_a_provider_is_an_answer_or_a_named_error(
    all_keys: Upstream, model: str, body: bytes, status: int
) -> None:
    def script(connection: socket.socket, _received: Received) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)

    all_keys.script = script
    request = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hi"}]})

    result = answered(http_event("POST", "/v1/chat", request))

    assert json.loads(result["body"]).get("error", {}).get("code") != "internal_error"


@many
@given(st.data())
@pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions"])
def test_every_altered_answer_is_an_answer_or_a_named_error(
    all_keys: Upstream, path: str, data: st.DataObject
) -> None:
    body = answers.for_path(path)
    field = data.draw(st.sampled_from(sorted(body)))
    body[field] = data.draw(JSON)
    all_keys.script = reply(body)
    model = "m" if path == "/api/chat" else "kimi/k3"
    request = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hi"}]})

    result = answered(http_event("POST", "/v1/chat", request))

    assert json.loads(result["body"]).get("error", {}).get("code") != "internal_error"
