"""No prompt, answer or key reaches a log, a metric or an error in any failure.

The tests put a canary into every input and search every output for the canary.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from chatd.errors import ChatdError
from tests.support import answers
from tests.support.functions import ask, get, invoke, post, stream
from tests.support.upstream import Received, Script, Upstream, chunked, raw, reply, then_close

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

PROMPT = "CANARY-PROMPT-4f1c9a"
ANSWER = "CANARY-ANSWER-77b2d0"
MODELS = ["m", "ollama_cloud/m", "m:cloud", "openrouter/v/m", "opencode/m", "kimi/m"]


def canaries(keys: str) -> tuple[str, ...]:
    return (PROMPT, ANSWER, keys)


def echo_in_error(status: int) -> Script:
    """Return the script of a provider that quotes the whole request in its error."""

    def script(connection: socket.socket, received: Received) -> None:
        words = f"no: {received.headers.get('authorization')} {received.body.decode()}"
        error = {"message": words, "code": PROMPT, "type": PROMPT}
        body = {"error": words if "/api/" in received.path else error}
        reply(body, status, {"Retry-After": PROMPT, "X-Echo": PROMPT})(connection, received)

    return script


def answer_with_canary(connection: socket.socket, received: Received) -> None:
    body = json.dumps(answers.for_path(received.path)).replace("Hello!", ANSWER)
    reply(body.encode())(connection, received)


REFUSALS = (200, 400, 401, 404, 422, 429, 500, 503)
BREAKS: dict[str, Script] = {
    "answers": answer_with_canary,
    "half an answer": then_close(
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + ANSWER.encode())
    ),
    "malformed": reply(f"<html>{ANSWER}</html>".encode()),
    "wrong shape": reply({"message": ANSWER, "choices": [ANSWER], "error": 7}),
    "no http": then_close(raw(ANSWER.encode() + b"\r\n\r\n")),
    "redirect": reply(b"", 302, {"Location": f"http://{PROMPT}.invalid/"}),
    **{
        f"echo {status}": echo_in_error(status)
        for status in (200, 400, 401, 404, 422, 429, 500, 503)
    },
}


def stream_with_canary(connection: socket.socket, received: Received) -> None:
    pieces = [
        piece.replace(b"Hello", ANSWER.encode()) for piece in answers.stream_for_path(received.path)
    ]
    chunked(pieces)(connection, received)


STREAMS: dict[str, Script] = {
    **BREAKS,
    "streams": stream_with_canary,
    "ends early": chunked([f"data: {ANSWER}\n\n".encode()]),
    "an error event": chunked([f'data: {{"error": {{"message": "{PROMPT}"}}}}\n\n'.encode()]),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fault", STREAMS)
def test_no_ending_of_a_stream_leaks_its_text(
    provider: Upstream, keys: str, emitted: Callable[[], Emitted], model: str, fault: str
) -> None:
    provider.script = STREAMS[fault]
    function = {"name": "f", "description": PROMPT, "parameters": {"title": PROMPT}}
    request = {
        **ask(model, PROMPT),
        "tools": [{"type": "function", "function": function}],
        "stop": [PROMPT],
        "user": PROMPT,
    }

    returned = stream(request, "/v1/chat/completions")

    written = emitted().text
    assert not [canary for canary in canaries(keys) if canary in written]
    assert PROMPT not in returned.body.decode()
    assert keys not in returned.body.decode()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fault", BREAKS)
def test_no_ending_of_a_chat_leaks_its_text(
    provider: Upstream, keys: str, emitted: Callable[[], Emitted], model: str, fault: str
) -> None:
    provider.script = BREAKS[fault]
    request = {
        "model": model,
        "messages": [
            {"role": "system", "content": f"system {PROMPT}"},
            {"role": "user", "content": PROMPT},
        ],
        "format": {"title": PROMPT},
    }

    returned = post(request)

    written = emitted().text
    assert not [canary for canary in canaries(keys) if canary in written]
    assert PROMPT not in str(returned)
    assert keys not in str(returned)


LONG = "CANARY-LONG-4f1c9a-77b2d0"
FIELDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "system": lambda canary: turn(canary, role="system"),
    "developer": lambda canary: turn(canary, role="developer"),
    "text part": lambda canary: turn([{"type": "text", "text": canary}]),
    "field of a text part": lambda canary: turn([{"type": "text", "text": "Hi", "x": [canary]}]),
    "picture": lambda canary: turn([picture(f"https://x.example/{LONG}{canary}.png")]),
    "data of a picture": lambda canary: turn([picture(f"data:image/png;base64,{LONG}{canary}")]),
    "field of a picture": lambda canary: turn([picture("https://x.example/", detail=canary)]),
    "sound": lambda canary: turn([{"type": "input_audio", "input_audio": {"data": canary}}]),
    "kind of a part": lambda canary: turn([{"type": canary}]),
    "name": lambda canary: turn("Hi", name=canary),
    "field of a message": lambda canary: turn("Hi", x={"y": canary}),
    "key in a message": lambda canary: turn("Hi", x={canary: 1}),
    "thinking": lambda canary: turn("Hi", role="assistant", reasoning_content=canary),
    "tool result": lambda canary: turn(canary, role="tool", tool_call_id="c1"),
    "id of a tool result": lambda canary: turn("Hi", role="tool", tool_call_id=canary),
    "id of a call": lambda canary: turn(None, role="assistant", tool_calls=[call(id=canary)]),
    "name of a call": lambda canary: turn(None, role="assistant", tool_calls=[call(canary)]),
    "arguments of a call": lambda canary: turn(
        None, role="assistant", tool_calls=[call(arguments=json.dumps({"city": canary}))]
    ),
    "name of a tool": lambda canary: {"tools": [tool(name=canary)]},
    "description of a tool": lambda canary: {"tools": [tool(description=canary)]},
    "parameters of a tool": lambda canary: {"tools": [tool(parameters={"const": canary})]},
    "property of a tool": lambda canary: {"tools": [tool(parameters={"properties": {canary: {}}})]},
    "tool of another kind": lambda canary: {"tools": [{"type": "custom", "custom": {"x": canary}}]},
    "tool choice": lambda canary: {
        "tools": [tool(name="f")],
        "tool_choice": {"type": "function", "function": {"name": canary}},
    },
    "schema": lambda canary: {"response_format": form({"const": canary})},
    "name of a schema": lambda canary: {"response_format": form({}, name=canary)},
    "stop": lambda canary: {"stop": ["a", canary]},
    "user": lambda canary: {"user": canary},
    "metadata": lambda canary: {"metadata": {"customer": canary}},
    "key of the metadata": lambda canary: {"metadata": {canary: "x"}},
    "another field": lambda canary: {"x": [{"y": canary}]},
    "field beside a picture": lambda canary: turn([{**picture("https://x.example/"), "x": canary}]),
    "data of a file": lambda canary: turn([document(f"data:application/pdf;base64,{canary}")]),
    "name of a file": lambda canary: turn([document("data:,", filename=canary)]),
    "field of a file": lambda canary: turn([document("data:,", x=canary)]),
    "text beside a picture": lambda canary: turn(
        [{**picture("https://x.example/"), "text": canary}]
    ),
    "field of a call": lambda canary: turn(
        None, role="assistant", tool_calls=[call(extra_content={"google": canary})]
    ),
    "field of a called function": lambda canary: turn(
        None, role="assistant", tool_calls=[with_function(call(), canary)]
    ),
    "custom call": lambda canary: turn(None, role="assistant", tool_calls=[custom(input=canary)]),
    "name of a custom call": lambda canary: turn(
        None, role="assistant", tool_calls=[custom(name=canary)]
    ),
    "field of a custom call": lambda canary: turn(
        None, role="assistant", tool_calls=[custom(x=canary)]
    ),
    "part of a tool result": lambda canary: turn(
        [{"type": "text", "text": canary}], role="tool", tool_call_id="c1"
    ),
    "field of a tool": lambda canary: {"tools": [{**tool(), "x": canary}]},
    "field of a function": lambda canary: {"tools": [tool(x=canary)]},
    "tool choice of another kind": lambda canary: {"tool_choice": {"type": "x", "x": canary}},
    "kind of a tool choice": lambda canary: {"tool_choice": {"type": canary}},
    "description of a schema": lambda canary: {"response_format": form({}, description=canary)},
    "field of a schema's name": lambda canary: {"response_format": form({}, x=canary)},
    "field of a format": lambda canary: {"response_format": {**form({}), "x": canary}},
    "stream option": lambda canary: {"stream_options": {"x": canary}},
    "id beside another role": lambda canary: turn("Hi", tool_call_id=canary),
    "second thinking": lambda canary: turn(
        "Hi", role="assistant", reasoning_content="Hm.", reasoning=canary
    ),
}


def turn(content: Any, role: str = "user", **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content, **more}]}


def picture(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def call(name: str = "f", **more: Any) -> dict[str, Any]:
    kept = {key: value for key, value in more.items() if key != "arguments"}
    function = {"name": name, "arguments": more.get("arguments", "{}")}
    return {"id": "c1", "type": "function", "function": function, **kept}


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", **function}}


def form(schema: Any, name: str = "s", **more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, **more}}


def document(data: str, **more: Any) -> dict[str, Any]:
    return {"type": "file", "file": {"file_data": data, **more}}


def custom(**fields: Any) -> dict[str, Any]:
    return {"id": "c1", "type": "custom", "custom": {"name": "f", "input": "", **fields}}


def with_function(call: dict[str, Any], canary: str) -> dict[str, Any]:
    return {**call, "function": {**call["function"], "x": canary}}


@pytest.mark.parametrize("canary", [LONG, "c4n-7"])
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.usefixtures("keys")
def test_no_field_of_a_request_is_quoted(
    provider: Upstream, emitted: Callable[[], Emitted], field: str, canary: str
) -> None:
    if "picture" in field or "data of" in field:  # a short part of a longer text can remain
        canary = LONG + canary
    escaped = "".join(f"\\u{ord(sign):04X}" for sign in canary)
    words = f"bad value '{canary}' here, that is {escaped}"
    provider.script = reply({"error": {"message": words, "code": canary}}, 400)
    request = {**ask("openrouter/v/m", "Hi"), **FIELDS[field](canary)}

    returned = post(request, "/v1/chat/completions")

    assert returned.status == 400
    assert "bad value" in returned.json["error"]["message"]
    assert canary not in str(returned) + emitted().text
    assert escaped not in str(returned)


@pytest.mark.parametrize("before", range(350, 420, 3))
def test_a_key_across_the_length_limit_is_not_shown(
    provider: Upstream, keys: str, before: int
) -> None:
    provider.script = reply({"error": {"message": "." * before + keys}}, 400)

    message = post(ask("kimi/k3")).json["error"]["message"]
    assert keys[:8] not in message


@pytest.mark.parametrize("path", ["/v1/chat/providers", "/v1/models"])
def test_the_secrets_arn_is_written_only_to_the_log(
    monkeypatch: pytest.MonkeyPatch, emitted: Callable[[], Emitted], path: str
) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:keys"
    monkeypatch.setenv("CHATD_SECRET_ID", arn)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    returned = str(get(path)) + str(post(ask("kimi/k3")))

    assert "123456789012" not in returned
    assert "Secrets Manager could not be reached for the secret" in returned
    assert arn in emitted().text


@pytest.mark.usefixtures("keys")
def test_a_prompt_of_one_ordinary_word_leaves_the_reason_readable(provider: Upstream) -> None:
    provider.script = reply({"error": {"message": "the model is not loaded"}}, 400)

    message = post(ask("kimi/k3", "model")).json["error"]["message"]
    assert message == "kimi: it answered 400: the model is not loaded"


MISTAKES: list[Any] = [
    PROMPT,
    {"model": PROMPT},
    {"model": "m", "messages": PROMPT},
    {"model": "m", "messages": [PROMPT]},
    {"model": "m", "messages": [{"role": PROMPT, "content": PROMPT}]},
    {"model": "m", "messages": [{"role": "user", "content": [PROMPT]}]},
    ask("m", temperature=PROMPT),
    ask("m", max_tokens=PROMPT),
    ask("m", format=PROMPT),
    ask("m", think=PROMPT),
    ask("m", stream=PROMPT),
    ask("", PROMPT),
    ask("kimi/", PROMPT),
    ask("m" * 300, PROMPT),
]


@pytest.mark.parametrize("body", MISTAKES)
def test_a_refused_request_leaks_none_of_its_text(
    provider: Upstream, emitted: Callable[[], Emitted], body: Any
) -> None:
    returned = post(body)

    assert returned.status == 400
    assert PROMPT not in str(returned) + emitted().text


@pytest.mark.parametrize("body", MISTAKES)
def test_a_refused_direct_invocation_leaks_none_of_its_text(provider: Upstream, body: Any) -> None:
    with pytest.raises(ChatdError) as caught:
        invoke(body)

    assert PROMPT not in "".join(str(part) for part in (caught.value, caught.value.__context__))


@pytest.mark.parametrize("model", MODELS)
def test_the_exception_of_a_direct_invocation_contains_no_prompt_or_key(
    provider: Upstream, keys: str, model: str
) -> None:
    provider.script = echo_in_error(400)

    with pytest.raises(ChatdError) as caught:
        invoke(ask(model, PROMPT))

    assert PROMPT not in str(caught.value)
    assert keys not in str(caught.value)


@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_key_that_cannot_be_used_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, emitted: Callable[[], Emitted], place: str
) -> None:
    key = "sk-CANARY-é"
    if place == "environment":
        monkeypatch.setenv("KIMI_API_KEY", key)
    else:
        (tmp_path / ".env").write_text(f"KIMI_API_KEY={key}\n")

    returned = str(post(ask("kimi/k3"))) + str(get("/v1/chat/providers"))

    assert "CANARY" not in returned + emitted().text
