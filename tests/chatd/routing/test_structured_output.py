"""For Ollama Cloud, chatd adds the format to the prompt, checks the answer and retries once."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatd.call import Call
from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message
from chatd.canonical.response import Choice, Response, Usage
from chatd.config.provider import Provider
from chatd.deadline import Deadline
from chatd.dialects import load_dialect
from chatd.errors import InvalidRequestError
from chatd.json_schema.budget import Budget
from chatd.routing import structured_output
from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import Received, Upstream, reply

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

PATH = "/v1/chat/completions"
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
GOOD, BAD = '{"city": "Bonn"}', "Bonn, of course."
pytestmark = pytest.mark.usefixtures("keys")


def answer_with(provider: Upstream, *contents: str) -> None:
    """Let the provider send these contents, one for each request."""
    left = list(contents)

    def script(connection: socket.socket, received: Received) -> None:
        reply(answers.ollama_generate(left.pop(0)))(connection, received)

    provider.script = script


def test_the_schema_is_added_to_the_system_text(provider: Upstream) -> None:
    answer_with(provider, GOOD)
    post(ask("m:cloud", format=CITY))

    assert json.dumps(CITY) in provider.last.json["system"]


def test_the_format_instruction_follows_the_callers_system_text(provider: Upstream) -> None:
    answer_with(provider, "{}")
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    post({"model": "m:cloud", "messages": turns, "format": "json"})

    assert provider.last.json["system"].startswith("Be brief.\n\nAnswer with one JSON object")


@pytest.mark.parametrize("contents", [(GOOD,), (BAD, GOOD), ('{"city": 7}', GOOD)])
def test_the_first_valid_answer_is_returned(provider: Upstream, contents: tuple[str, ...]) -> None:
    answer_with(provider, *contents)
    result = post(ask("m:cloud", response_format=FORMAT), PATH)

    assert result.json["choices"][0]["message"]["content"] == GOOD
    assert len(provider.received) == len(contents)


def test_both_attempts_are_counted(provider: Upstream, emitted: Callable[[], Emitted]) -> None:
    answer_with(provider, BAD, GOOD)
    post(ask("m:cloud", format=CITY))

    (blob,) = emitted().metrics
    assert (blob["InputTokens"], blob["OutputTokens"]) == (22, 14)


def test_two_invalid_answers_are_format_not_met(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    answer_with(provider, BAD, BAD)
    result = post(ask("m:cloud", format=CITY))

    assert (result.status, result.json["error"]["code"]) == (502, "format_not_met")
    assert emitted().metrics[0]["InputTokens"] == 22


def answer_or_fail_with(provider: Upstream, *steps: str | int) -> None:
    """Let the provider send these contents and error statuses, one for each request."""
    left = list(steps)

    def script(connection: socket.socket, received: Received) -> None:
        step = left.pop(0)
        if isinstance(step, int):
            reply({"error": "busy"}, step)(connection, received)
        else:
            reply(answers.ollama_generate(step))(connection, received)

    provider.script = script


def test_a_failed_second_request_is_retried_without_losing_the_first_answer(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    answer_or_fail_with(provider, BAD, 500, GOOD)
    result = post(ask("m:cloud", format=CITY))

    assert result.json["content"] == GOOD
    assert (result.json["input_tokens"], result.json["output_tokens"]) == (22, 14)
    read = emitted()
    assert read.log[-1]["gen_ai.usage.input_tokens"] == 22
    assert sum(blob.get("InputTokens", 0) for blob in read.metrics) == 22


def test_at_most_two_complete_answers_are_requested(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    answer_or_fail_with(provider, BAD, 500, BAD, GOOD, GOOD, GOOD)
    result = post(ask("m:cloud", format=CITY))

    assert result.json["error"]["code"] == "format_not_met"
    assert len(provider.received) == 3
    assert emitted().log[-1]["gen_ai.usage.input_tokens"] == 22


def test_an_answer_is_counted_when_every_later_request_fails(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    answer_or_fail_with(provider, BAD, 500, 500, 500)
    result = post(ask("m:cloud", format=CITY))

    assert result.status == 502
    assert len(provider.received) == 4
    assert emitted().log[-1]["gen_ai.usage.input_tokens"] == 11


def test_an_uncounted_answer_is_estimated_each_time(provider: Upstream) -> None:
    left = [BAD, GOOD]

    def script(connection: socket.socket, received: Received) -> None:
        uncounted = {"prompt_eval_count": 0, "eval_count": 0}
        reply(answers.ollama_generate(left.pop(0), **uncounted))(connection, received)

    provider.script = script
    result = post(ask("m:cloud", format=CITY)).json

    assert result["usage_estimated"]
    assert result["output_tokens"] == (len(BAD) + len(GOOD)) // 4


def test_json_without_a_schema_must_be_an_object(provider: Upstream) -> None:
    answer_with(provider, "[1]", '{"a": 1}')

    assert post(ask("m:cloud", format="json")).json["content"] == '{"a": 1}'


def test_a_truncated_answer_is_not_requested_again(provider: Upstream) -> None:
    provider.script = reply(answers.ollama_generate('{"ci', done_reason="length"))

    assert post(ask("m:cloud", format=CITY)).json["finish_reason"] == "length"


@pytest.mark.parametrize(
    "form",
    [
        {"type": "nothing"},
        {"$ref": "https://x.example/schema.json"},
        {"$ref": "#/$defs/none"},
        {"$ref": "#"},
        {"$schema": 7},
        {"$schema": "urn:mine"},
        {"$dynamicRef": "#node"},
        {"multipleOf": 0},
        {"multipleOf": -(10**400)},
        {"pattern": "("},
    ],
)
def test_an_invalid_schema_is_refused_without_an_upstream_request(
    provider: Upstream, form: Any
) -> None:
    result = post(ask("m:cloud", format=form))

    error = result.json["error"]
    assert (result.status, error["param"], error["code"]) == (400, "format", "invalid_request")
    assert provider.received == []


def test_a_tier_skips_a_model_without_checkable_answers(provider: Upstream, config: Path) -> None:
    config.write_text('[tiers]\nfast = ["m:cloud", "openrouter/v/m"]\nlow = ["m:cloud", "x:cloud"]')
    form = {"$dynamicRef": "#node"}

    assert post(ask("fast", format=form)).json["provider"] == "openrouter"
    refused = post(ask("low", format=form))
    assert (refused.status, refused.json["error"]["param"]) == (400, "format")


def test_an_error_on_openais_surface_names_openais_parameter(provider: Upstream) -> None:
    format_ = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nothing"}}}
    result = post(ask("m:cloud", response_format=format_), PATH)

    assert result.status == 400
    assert result.json["error"]["param"] == "response_format.json_schema.schema"


def doubling(times: int) -> dict[str, Any]:
    parts: dict[str, Any] = {"d0": {"type": "string"}}
    for n in range(1, times + 1):
        parts[f"d{n}"] = {"allOf": [{"$ref": f"#/$defs/d{n - 1}"}] * 2}
    return {"$defs": parts, "$ref": f"#/$defs/d{times}"}


def test_a_too_complex_schema_is_refused_without_an_upstream_request(provider: Upstream) -> None:
    result = post(ask("m:cloud", format=doubling(40)))

    assert (result.status, result.json["error"]["code"]) == (400, "schema_too_complex")
    assert provider.received == []


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ({"items": {"not": {"pattern": "^(a+)+$"}}}, json.dumps(["a" * 5000 + "!"] * 100)),
        ({"uniqueItems": True}, json.dumps([{"a": [n]} for n in range(200_000)])),
        ({"uniqueItems": True}, "[" * 500 + "]" * 500),
        ({"items": {"$ref": "#"}}, "[" * 500 + "]" * 500),
    ],
)
def test_an_answer_that_takes_too_long_to_check_is_schema_too_complex(
    provider: Upstream, form: Any, content: str, emitted: Callable[[], Emitted]
) -> None:
    answer_with(provider, content, content)
    result = post(ask("m:cloud", format=form))

    error = result.json["error"]
    assert (result.status, error["code"], error["param"]) == (400, "schema_too_complex", "format")
    assert len(provider.received) == 1
    assert emitted().log[-1]["gen_ai.usage.input_tokens"] == 11


def test_a_check_ends_at_the_deadline_of_the_call(provider: Upstream) -> None:
    compiled = {"items": {"not": {"pattern": "^(a+)+$"}}}
    call = Call("r", Deadline.after(0))
    request = ChatRequest("m", (Message("user", (Text("x"),)),), format=compiled)
    answer = Response((Choice((Text(json.dumps(["a" * 5000 + "!"])),)),), Usage())

    with pytest.raises(InvalidRequestError, match="too complex"):
        structured_output.has_format(answer, request, Budget(call.is_over))


@pytest.mark.parametrize("content", ['{"a": NaN}', '{"a": Infinity}', "9" * 5000])
def test_an_answer_other_than_json_is_format_not_met(provider: Upstream, content: str) -> None:
    answer_with(provider, content, content)

    assert post(ask("m:cloud", format={})).json["error"]["code"] == "format_not_met"


def test_a_streamed_answer_is_checked_before_the_first_chunk(provider: Upstream) -> None:
    answer_with(provider, BAD, GOOD)

    *pieces, last = stream(ask("m:cloud", format=CITY)).json
    assert pieces == [{"content": GOOD}]
    assert last["done"]


def test_a_provider_that_honours_a_format_gets_no_format_instruction(provider: Upstream) -> None:
    post(ask("llama3.2", format=CITY))

    assert [turn["role"] for turn in provider.last.json["messages"]] == ["user"]


@pytest.mark.parametrize(
    ("dialect", "format_", "enforced"),
    [
        *(("openai_chat", "json", True), ("ollama", "json", True), ("openai_chat", CITY, True)),
        *(("anthropic_messages", "json", False), ("anthropic_messages", CITY, True)),
        ("anthropic_messages", None, True),
    ],
)
def test_a_dialect_may_enforce_schemas_alone(dialect: str, format_: Any, enforced: bool) -> None:
    request = ChatRequest("m", (), format=format_)
    chosen = load_dialect(dialect)
    honest, other = (Provider("p", dialect, "http://h", honours_format=it) for it in (True, False))

    assert structured_output.is_enforced(request, honest, chosen) == enforced
    assert structured_output.is_enforced(request, other, chosen) == (format_ is None)


@pytest.mark.parametrize(("model", "enforced"), [("small-1", False), ("large-1", True)])
def test_a_format_may_be_enforced_for_some_models_alone(model: str, *, enforced: bool) -> None:
    row = Provider("some", "openai_chat", "", formatless="small")
    request = ChatRequest(model, (Message("user", (Text("Hi"),)),), format=CITY)

    found = structured_output.is_enforced(request, row, load_dialect("openai_chat"))

    assert found is enforced
