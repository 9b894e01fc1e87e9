"""Chunks of an upstream of the same dialect are forwarded with the fields that clients need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import answers
from tests.support.functions import Streamed, ask, post, stream
from tests.support.upstream import Received, Upstream, chunked

if TYPE_CHECKING:
    import socket

PATH = "/v1/chat/completions"
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "x_usage": 1}
pytestmark = pytest.mark.usefixtures("provider", "keys")


def chunk(delta: dict[str, Any] | None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    head = {"id": "up-1", "object": "chat.completion.chunk", "created": 5, "model": "up-model"}
    return {**head, "choices": [choice], **more}


def sent(*chunks: dict[str, Any]) -> list[bytes]:
    return [*map(answers.sse, chunks), b"data: [DONE]\n\n"]


def received(provider: Upstream, *chunks: dict[str, Any], **more: Any) -> list[Any]:
    """Return the chunks that a caller receives for the upstream's chunks."""
    provider.script = chunked(sent(*chunks))
    streamed = stream(ask("kimi/k3", **more), PATH)
    assert streamed.data[-1] == "[DONE]"
    return streamed.json


def deltas(chunks: list[Any]) -> list[Any]:
    return [choice["delta"] for each in chunks for choice in each["choices"]]


END = chunk({}, "stop")


def test_a_chunk_that_ends_with_an_error_is_not_forwarded(provider: Upstream) -> None:
    provider.script = chunked(sent(chunk({"content": "Hi"}), chunk({"content": "SECRET"}, "error")))

    streamed = stream(ask("kimi/k3"), PATH)

    assert "SECRET" not in streamed.body.decode()
    assert streamed.json[-1]["error"]["code"] == "upstream_stream_error"


def test_a_chunk_with_only_a_role_does_not_start_an_answer(
    provider: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nt = ["openrouter/a", "kimi/b"]')
    role = chunk({"role": "assistant", "content": "", "refusal": None}, x_first=1)

    def script(connection: socket.socket, request: Received) -> None:
        failure = chunk(None, "error")
        chunks = sent(role, failure) if request.json["model"] == "a" else sent(role, SAYS, END)
        chunked(chunks)(connection, request)

    provider.script = script
    streamed = stream(ask("t"), PATH)

    assert streamed.status == 200
    assert streamed.json == [
        {**role, "choices": [{**role["choices"][0]}]},
        SAYS,
        END,
    ]
    assert streamed.headers["x-chatd-attempts"].startswith("openrouter: upstream_error")


SAYS = chunk({"content": "Hi"})


def test_a_role_is_sent_once(provider: Upstream) -> None:
    role = {"role": "assistant", "content": "Hi"}

    found = deltas(
        received(provider, chunk(role), chunk(role), chunk({"role": "assistant"}, "stop"))
    )

    assert found == [role, {"content": "Hi"}, {}]


def test_a_missing_role_is_added_to_the_first_chunk(provider: Upstream) -> None:
    found = deltas(received(provider, SAYS, END))

    assert found == [{"content": "Hi", "role": "assistant"}, {}]


def test_reasoning_is_kept_and_reasoning_content_added(provider: Upstream) -> None:
    details = [{"type": "reasoning.text", "text": "Hm"}]
    thought = {"reasoning": "Hm", "reasoning_details": details}

    first, *_ = deltas(received(provider, chunk(thought), SAYS, END))

    assert first == {**thought, "reasoning_content": "Hm", "role": "assistant"}


def test_content_as_a_list_of_parts_is_written_as_text(provider: Upstream) -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "2 + 2"}]},
        {"type": "text", "text": "four"},
    ]

    first, *_ = deltas(received(provider, chunk({"content": parts}), END))

    assert (first["content"], first["reasoning_content"]) == ("four", "2 + 2")


@pytest.mark.parametrize("reason", ["eos", "end_turn", "STOP", 1, 1.5])
def test_an_unknown_finish_reason_is_stop(provider: Upstream, reason: Any) -> None:
    end = chunk({}, reason)
    end["choices"][0]["native_finish_reason"] = reason

    last = received(provider, SAYS, end)[-1]["choices"][0]

    assert (last["finish_reason"], last["native_finish_reason"]) == ("stop", reason)


@pytest.mark.parametrize("reason", [[1], {"a": 1}])
def test_a_list_or_an_object_is_no_finish_reason(provider: Upstream, reason: Any) -> None:
    chunks = received(provider, SAYS, chunk({"content": "Hi"}, reason))

    reasons = [choice["finish_reason"] for each in chunks for choice in each["choices"]]
    assert reasons == [None, None, "stop"]


def test_the_extra_content_of_a_tool_call_without_an_index_is_forwarded(provider: Upstream) -> None:
    signed = {"extra_content": {"google": {"thought_signature": "sig"}}}
    calls = [
        {"id": f"c{n}", "function": {"name": "f", "arguments": {"x": n}}, **signed}
        for n in range(2)
    ]

    first, *_ = deltas(received(provider, chunk({"tool_calls": calls}), chunk({}, "tool_calls")))

    assert first["tool_calls"] == [
        {
            "index": n,
            "id": f"c{n}",
            "type": "function",
            "function": {"name": "f", "arguments": f'{{"x": {n}}}'},
            **signed,
        }
        for n in range(2)
    ]


def test_usage_is_removed_from_a_chunk_with_a_choice(provider: Upstream) -> None:
    found = received(provider, SAYS, {**END, "usage": USAGE, "service_tier": "flex"})

    assert found[-1] == {**END, "service_tier": "flex"}


def test_a_chunk_with_only_usage_or_cost_is_dropped(provider: Upstream) -> None:
    alone = {**END, "choices": []}
    found = received(provider, SAYS, END, {**alone, "usage": USAGE}, {**alone, "cost": "0.1"})

    assert len(found) == 2


def test_usage_in_every_chunk_is_forwarded_and_not_repeated(provider: Upstream) -> None:
    options = {"include_usage": True, "continuous_usage_stats": True}
    first, last = {**SAYS, "usage": USAGE}, {**END, "usage": {**USAGE, "x_usage": 2}}

    found = received(provider, first, last, stream_options=options)

    assert [each["usage"]["x_usage"] for each in found] == [1, 2]


def test_usage_inside_a_choice_is_sent_in_a_separate_chunk(provider: Upstream) -> None:
    end = chunk({}, "stop")
    end["choices"][0]["usage"] = USAGE

    *_, last = received(provider, SAYS, end, stream_options={"include_usage": True})

    assert (last["choices"], last["usage"], last["id"]) == ([], USAGE, "up-1")


def test_a_carriage_return_between_values_does_not_break_an_event(provider: Upstream) -> None:
    raw = b'data: {"choices":\r[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    provider.script = chunked([raw, *sent(END)])

    assert deltas(stream(ask("kimi/k3"), PATH).json)[0]["content"] == "Hi"


def test_unknown_chunks_are_forwarded_and_empty_chunks_are_dropped(provider: Upstream) -> None:
    filters = {**END, "choices": [], "id": "", "prompt_filter_results": [{"index": 0}]}
    empty = {**END, "choices": []}

    first, *others = received(provider, filters, empty, SAYS, empty, END)

    assert first["prompt_filter_results"] == [{"index": 0}]
    assert first["id"].startswith("chatcmpl-")
    assert len(others) == 2


def test_held_chunks_may_have_600000_values(provider: Upstream) -> None:
    many = {**END, "choices": [], "x": [0] * 299_995}
    provider.script = chunked([answers.sse(many), answers.sse({**many, "x": [1] * 299_995})])

    streamed = stream(ask("kimi/k3"), PATH)

    assert json.loads(streamed.body)["error"]["code"] == "answer_too_large"


TIER = '[tiers]\nt = ["openrouter/a", "kimi/b"]\n[providers.kimi]\nprefill = {prefill}\n'


def failed_over(provider: Upstream, config: Path, *chunks: dict[str, Any]) -> Streamed:
    """Stream a model that breaks off after "The sky", then a second model with these chunks."""
    config.write_text(TIER.replace("{prefill}", "false"))

    def script(connection: socket.socket, request: Received) -> None:
        if request.json["model"] == "a":
            first = chunk({"content": "The sky"}, x_first=1)
            chunked([answers.sse(first), b"data: {broken\n\n"])(connection, request)
        else:
            chunked(sent(*chunks))(connection, request)

    provider.script = script
    return stream(ask("t"), PATH)


def second(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    return chunk(delta, reason, **{"id": "up-2", "created": 9, "model": "b-model", **more})


def test_chunks_after_a_failover_keep_their_id_and_name_both_models(
    provider: Upstream, config: Path
) -> None:
    streamed = failed_over(
        provider,
        config,
        second({"role": "assistant", "content": ""}),
        second({"content": "The "}),
        second({"content": "sky is"}, x_joint=1),
        second({"content": " blue."}, x_later=2),
        second({}, "stop", x_end=3),
    )

    first, joint, later, end = streamed.json
    assert [each["delta"] for each in (joint["choices"] + later["choices"])] == [
        {"content": " is"},
        {"content": " blue."},
    ]
    assert {(c["id"], c["created"], c["model"]) for c in streamed.json} == {("up-1", 5, "up-model")}
    assert (first["x_first"], later["x_later"], end["x_end"]) == (1, 2, 3)
    rescued = {"from": ["openrouter/a"], "by": "kimi/b"}
    assert [each.get("rescued") for each in streamed.json] == [None, rescued, rescued, rescued]
    assert sum("role" in delta for delta in deltas(streamed.json)) == 1


PREFILL = "A text that is long enough to be an echo. "


def test_the_echo_of_a_prefill_is_not_forwarded(provider: Upstream, config: Path) -> None:
    config.write_text(TIER.replace("{prefill}", "true"))

    def script(connection: socket.socket, request: Received) -> None:
        if request.json["model"] == "a":
            broken = [answers.sse(chunk({"content": PREFILL})), b"data: {broken\n\n"]
            chunked(broken)(connection, request)
        else:
            echo, new = second({"content": PREFILL}), second({"content": "This is new to it."})
            chunked(sent(echo, new, second({"content": " More."}), second({}, "stop")))(
                connection, request
            )

    provider.script = script
    streamed = stream(ask("t"), PATH)

    text = "".join(delta.get("content", "") for delta in deltas(streamed.json))
    assert text == f"{PREFILL}This is new to it. More."
    assert {each["id"] for each in streamed.json} == {"up-1"}


def test_a_tool_call_after_a_failover_is_forwarded(provider: Upstream, config: Path) -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    streamed = failed_over(
        provider,
        config,
        second({"content": "The sky is"}),
        second({"tool_calls": [call]}),
    )

    sent_calls = [delta["tool_calls"] for delta in deltas(streamed.json) if "tool_calls" in delta]
    assert sent_calls == [[{**call, "type": "function"}]]
    assert {each["id"] for each in streamed.json} == {"up-1"}


def test_a_whole_response_collected_from_a_stream_has_its_further_fields(
    provider: Upstream, config: Path
) -> None:
    config.write_text("[providers.kimi]\nupstream_stream = true\n")
    provider.script = chunked(
        sent({**SAYS, "citations": ["u"]}, END, {**END, "choices": [], "usage": USAGE})
    )

    body = post(ask("kimi/k3"), PATH).json

    assert (body["id"], body["citations"], body["usage"]) == ("up-1", ["u"], USAGE)


@pytest.mark.usefixtures("config")
def test_a_part_that_only_another_dialect_has_is_no_chunk(provider: Upstream) -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    start, text, *rest = answers.anthropic_events("Hi")
    begun = {"type": "content_block_start", "index": 1, "content_block": search}
    provider.script = chunked([start, answers.named_sse(begun), text, *rest])

    streamed = stream(ask("anthropic/claude-opus-5"), PATH)

    assert deltas(streamed.json) == [{"role": "assistant", "content": "Hi"}, {}]
