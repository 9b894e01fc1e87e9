"""No request, and no answer of a provider, makes the Messages surface raise or break its order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chat.app
from chatd.aws_lambda.streaming import Collected
from tests.chatd.surfaces.anthropic_messages.reading import PATH
from tests.chatd.test_gateway_properties import JSON
from tests.pairs.messages_api import assembled
from tests.support import answers
from tests.support.anthropic_bodies import BODY
from tests.support.functions import LambdaContext, http_event, post, stream
from tests.support.upstream import Upstream, chunked, reply

many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
pytestmark = pytest.mark.usefixtures("keys", "mine")
ASK = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
KINDS = ("text", "image", "document", "thinking", "redacted_thinking", "tool_use", "tool_result")
CHAT = "mine/m"


@pytest.fixture
def mine(provider: Upstream, config: Path) -> None:
    """Add a provider of OpenAI's chat dialect."""
    row = f'dialect = "openai_chat"\nbase_url = "{provider.url}"'
    config.write_text(f"[providers.mine]\n{row}")


BLOCKS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(KINDS) | JSON},
        optional=dict.fromkeys(
            (
                *("text", "source", "title", "thinking", "signature", "data"),
                *("id", "name", "input", "tool_use_id", "content", "is_error"),
            ),
            JSON,
        ),
    ),
    max_size=3,
)
TURNS = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system"]), "content": BLOCKS | JSON}
    ),
    min_size=1,
    max_size=3,
)
REQUESTS = st.fixed_dictionaries(
    {"model": st.sampled_from(["m", CHAT]), "max_tokens": st.just(9), "messages": TURNS},
    optional=dict.fromkeys(
        (
            *("system", "tools", "tool_choice", "thinking", "output_config", "output_format"),
            *("stop_sequences", "temperature", "top_k", "metadata", "stream"),
        ),
        JSON,
    ),
)


@many
@given(body=REQUESTS)
def test_every_body_is_answered(provider: Upstream, body: Any) -> None:
    result: Any = chat.app.lambda_handler(
        http_event("POST", PATH, json.dumps(body)), LambdaContext()
    )

    if not isinstance(result, dict):
        result.write_to(sink := Collected())
        assert checked(bytes(sink.body)) if sink.status == 200 else sink.status < 500
    else:
        assert result["statusCode"] < 500


@many
@given(body=BODY)
@pytest.mark.parametrize("model", ["m", CHAT])
def test_a_valid_body_is_translated_or_refused_by_name(
    provider: Upstream, model: str, body: dict[str, Any]
) -> None:
    result = post({**body, "model": model, "stream": False}, PATH)

    assert result.status in (200, 400)
    assert result.status == 200 or result.json["error"]["code"] != "invalid_json"


def checked(body: bytes) -> bool:
    """Check a stream; return whether it is complete, and not ended by an error."""
    events = []
    for piece in body.decode().split("\n\n")[:-1]:
        name, _, data = piece.partition("\n")
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    if events[-1][0] == "error":
        assert "message_stop" not in dict(events)
        assert events[-1][1]["error"]["code"] != "internal_error"
        return False
    assert assembled(events)["stop_reason"]
    return True


@many
@given(body=st.binary(), cuts=st.lists(st.integers(1, 40), max_size=5))
@pytest.mark.parametrize("model", ["m", CHAT])
def test_every_stream_is_a_message_or_ends_with_an_error(
    provider: Upstream, model: str, body: bytes, cuts: list[int]
) -> None:
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    known = answers.stream_for_path("/api/chat" if model == "m" else "/chat/completions")
    provider.script = chunked([*known[: len(cuts)], *pieces, *known[len(cuts) :]])

    streamed = stream({**ASK, "model": model}, PATH)

    if streamed.status == 200:
        checked(streamed.body)
    else:
        assert json.loads(streamed.body)["error"]["code"] != "internal_error"


CALL = st.fixed_dictionaries(
    {},
    optional={
        "index": st.integers(0, 3) | st.none(),
        "id": st.text(max_size=3) | st.none(),
        "function": st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["f", "", None]),
                "arguments": st.sampled_from(["", "{}", '{"a":', "1}", "x", None]),
            },
        ),
    },
)
DELTA = st.fixed_dictionaries(
    {},
    optional={
        "content": st.text(max_size=3) | st.none(),
        "reasoning_content": st.text(max_size=3) | st.none(),
        "refusal": st.text(max_size=3) | st.none(),
        "tool_calls": st.lists(CALL, max_size=3),
    },
)


@many
@given(deltas=st.lists(DELTA, max_size=8))
def test_whatever_order_a_provider_sends_blocks_come_one_after_another(
    provider: Upstream, deltas: list[dict[str, Any]]
) -> None:
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    provider.script = chunked([*map(answers.sse, chunks), b"data: [DONE]\n\n"])

    streamed = stream({**ASK, "model": CHAT}, PATH)

    events = [json.loads(data) for data in streamed.data]
    kinds = [event["type"] for event in events]
    assert kinds.count("message_start") == 1
    opened: list[int] = []
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == len(opened)
            assert kinds.count("content_block_start") == kinds.count("content_block_stop")
            opened.append(event["index"])
        elif event["type"] == "content_block_delta":
            assert event["index"] == opened[-1]
    assert kinds[-2:] == ["message_delta", "message_stop"]


@many
@given(data=st.data())
@pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions"])
def test_every_altered_answer_is_a_message_or_a_named_error(
    provider: Upstream, path: str, data: st.DataObject
) -> None:
    body = answers.for_path(path)
    field = data.draw(st.sampled_from(sorted(body)))
    body[field] = data.draw(JSON)
    provider.script = reply(body)

    result = post({**ASK, "model": "m" if path == "/api/chat" else CHAT}, PATH)

    assert result.json["type"] in ("message", "error")
    assert result.json.get("error", {}).get("code") != "internal_error"
