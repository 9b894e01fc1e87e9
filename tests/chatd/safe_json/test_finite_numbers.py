"""JSON has no NaN and no Infinity: chatd refuses a caller's, and writes a provider's as null."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from chatd.errors import InvalidRequestError
from tests.chatd.conftest import Emitted
from tests.support import answers
from tests.support.functions import ask, http_event, invoke, post, stream
from tests.support.upstream import Upstream, chunked, reply

NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"]
# Each place accepts a number or any JSON.
OPENAI_PLACES = {
    "temperature": '"temperature":%s',
    "x": '"x":%s',
    "x.0.a": '"x":[{"a":%s}]',
    "logit_bias.7": '"logit_bias":{"7":%s}',
    "tools.0.function.parameters.a": (
        '"tools":[{"type":"function","function":{"name":"f","parameters":{"a":%s}}}]'
    ),
    "response_format.json_schema.schema.a": (
        '"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"a":%s}}}'
    ),
}


def refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is no JSON")


def strict(text: str | bytes) -> Any:
    """Parse JSON strictly: RFC 8259 has no NaN and no Infinity."""
    return json.loads(text, parse_constant=refuse)


def request(model: str, field: str, **more: Any) -> str:
    return json.dumps(ask(model, **more))[:-1] + f",{field}}}"


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("place", OPENAI_PLACES)
@pytest.mark.parametrize("model", ["kimi/k3", "m", "ollama_cloud/m"])
def test_a_callers_non_finite_number_is_refused_by_field(
    provider: Upstream, keys: str, model: str, place: str, number: str
) -> None:
    body = request(model, OPENAI_PLACES[place] % number)

    result = post(body, "/v1/chat/completions")

    assert result.status == 400
    refused_as_a_field = result.json["error"]["code"] == "unsupported_parameter"
    assert result.json["error"]["param"] == place or refused_as_a_field
    assert not refused_as_a_field or model != "kimi/k3"
    assert provider.received == []


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("param", "field"), [("temperature", '"temperature":%s'), ("format.a", '"format":{"a":%s}')]
)
@pytest.mark.parametrize("model", ["kimi/k3", "m", "ollama_cloud/m"])
def test_a_callers_non_finite_number_is_refused_on_the_native_surface(  # noqa: PLR0917  # the cases of three parametrizations
    provider: Upstream, keys: str, model: str, param: str, field: str, number: str
) -> None:
    result = post(request(model, field % number))

    assert (result.status, result.json["error"]["param"]) == (400, param)
    assert provider.received == []


@pytest.mark.parametrize("field", ['"stream":true,"x":%s', '"metadata":{"a":%s}'])
def test_a_callers_nan_is_refused_in_a_stream_or_an_unsent_field(
    provider: Upstream, keys: str, field: str
) -> None:
    result = post(request("m", field % "NaN"), "/v1/chat/completions")

    assert result.status == 400
    assert result.json["error"]["param"] in ("x", "metadata.a")


def test_a_text_may_contain_nan_and_infinity(provider: Upstream, keys: str) -> None:
    body = ask("kimi/k3", "NaN and Infinity", x="NaN", tools=[])

    assert post(body, "/v1/chat/completions").status == 200


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_direct_invocation_with_a_non_finite_number_fails_by_field(
    provider: Upstream, keys: str, number: float
) -> None:
    with pytest.raises(InvalidRequestError) as failed:
        invoke(ask("m", format={"a": number}))

    assert failed.value.param == "format.a"


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_tool_arguments_with_a_non_finite_number_are_refused_for_ollama(
    provider: Upstream, keys: str, number: str
) -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": f'{{"a": {number}}}'}}
    body = ask("m")
    body["messages"].append({"role": "assistant", "tool_calls": [call]})

    result = post(body, "/v1/chat/completions")

    param = "messages.1.tool_calls.0.function.arguments.a"
    assert (result.status, result.json["error"]["param"]) == (400, param)


def openai_answer(number: str) -> bytes:
    body: dict[str, Any] = json.loads(json.dumps(answers.for_path("/chat/completions")))
    body["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": "?"}]}
    body["choices"][0]["message"]["x"] = ["?", {"y": "?"}]
    body["cost"] = "?"
    body["usage"]["cost"] = "?"
    return json.dumps(body).replace('"?"', number).encode()


def ollama_answer(number: str) -> bytes:
    body: dict[str, Any] = json.loads(json.dumps(answers.for_path("/api/chat")))
    body["logprobs"] = [{"token": "a", "logprob": "?"}]
    body["message"]["tool_calls"] = [{"function": {"name": "f", "arguments": {"a": "?"}}}]
    return json.dumps(body).replace('"?"', number).encode()


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions"])
@pytest.mark.parametrize("model", ["kimi/k3", "openrouter/v/m", "m"])
def test_a_providers_non_finite_number_is_null_in_a_whole_answer(  # noqa: PLR0917  # the cases of three parametrizations
    provider: Upstream,
    keys: str,
    emitted: Callable[[], Emitted],
    model: str,
    path: str,
    number: str,
) -> None:
    provider.script = reply((ollama_answer if model == "m" else openai_answer)(number))

    result = served(json.dumps(ask(model, logprobs=True) if "comp" in path else ask(model)), path)

    assert result["statusCode"] == 200
    body = strict(result["body"])
    if path == "/v1/chat/completions":
        token = body["choices"][0]["logprobs"]["content"][0]
        assert (token["token"], token["logprob"]) == ("a", None)
        if model == "m":
            call = body["choices"][0]["message"]["tool_calls"][0]
            assert strict(call["function"]["arguments"]) == {"a": None}
        else:
            assert body["choices"][0]["message"]["x"] == [None, {"y": None}]
            assert body["usage"].get("cost") is None
    for line in emitted().text.splitlines():
        strict(line)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions"])
def test_a_providers_non_finite_number_is_null_in_a_stream(
    provider: Upstream, keys: str, emitted: Callable[[], Emitted], path: str, number: str
) -> None:
    choice = (
        f'{{"index":0,"delta":{{"content":"a","x":{number}}},"logprobs":{{"content":[{number}]}}}}'
    )
    end = f'{{"index":0,"delta":{{}},"finish_reason":"stop","usage":{{"cost":{number}}}}}'
    events = [f'data: {{"choices":[{one}]}}\n\n'.encode() for one in (choice, end)]
    provider.script = chunked([*events, b"data: [DONE]\n\n"])

    streamed = stream(ask("kimi/k3"), path)

    for data in streamed.data:
        assert data == "[DONE]" or strict(data)
    if path == "/v1/chat/completions":
        first = streamed.json[0]["choices"][0]
        assert first["delta"]["x"] is None
        assert first["logprobs"] == {"content": [None]}
    for line in emitted().text.splitlines():
        strict(line)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_providers_non_finite_number_is_null_in_ollamas_stream(
    provider: Upstream, keys: str, number: str
) -> None:
    provider.script = chunked([ollama_answer(number) + b"\n"], "application/x-ndjson")

    streamed = stream(ask("m"), "/v1/chat/completions")

    assert [strict(data) for data in streamed.data[:-1]]
    assert streamed.data[-1] == "[DONE]"


@pytest.mark.parametrize("number", NUMBERS)
def test_a_direct_invocation_returns_valid_json(provider: Upstream, keys: str, number: str) -> None:
    provider.script = reply(openai_answer(number))

    strict(json.dumps(invoke(ask("kimi/k3"))))


def test_a_count_of_thousands_of_digits_is_written_as_json(
    provider: Upstream, keys: str, emitted: Callable[[], Emitted]
) -> None:
    """Python refuses to write an integer as long as the sum of two such counts: a status 500."""
    body = answers.for_path("/chat/completions")
    body["usage"] = {"prompt_tokens": "?", "completion_tokens": "?", "cost": "?"}
    provider.script = reply(json.dumps(body).replace('"?"', "9" * 4300).encode())

    result = served(json.dumps(ask("kimi/k3")), "/v1/chat/completions")

    assert result["statusCode"] == 200
    assert strict(result["body"])["usage"]["total_tokens"] == 2 * (2**53 - 1)
    for line in emitted().text.splitlines():
        strict(line)


def served(body: str, path: str) -> Any:
    import chat.app  # noqa: PLC0415  # the test reads the result as text, which no helper returns
    from tests.support.functions import LambdaContext  # noqa: PLC0415  # as above

    return chat.app.lambda_handler(http_event("POST", path, body), LambdaContext())
