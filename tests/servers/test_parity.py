"""The gateway's answer equals the real server's own."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.servers.programs import CALL, GREETING, Server
from tests.support.functions import post, stream

OPENAI = "/v1/chat/completions"
TEXT = "abcdefghijklmnopqrstuvwxyz-é€😀."
pytestmark = pytest.mark.usefixtures("config")


def direct(server: Server, body: Mapping[str, Any], key: str | None = None) -> tuple[int, str]:
    """Send a request to the server itself; return status and body."""
    headers = {
        "Authorization": f"Bearer {key or server.key}",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(
        f"{server.url}/chat/completions", json.dumps(body).encode(), headers
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def events_of(text: str) -> list[dict[str, Any]]:
    """Return the events of a stream before the final `[DONE]`."""
    found = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    assert found.pop() == "[DONE]"
    return [json.loads(event) for event in found]


def logprobs_of(given: Any) -> Any:
    return given and [(token["token"], token["bytes"]) for token in given["content"]]


def whole(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the compared fields of a whole answer."""
    choices = [
        {
            "content": choice["message"]["content"] or "",
            "tool_calls": choice["message"].get("tool_calls", []),
            "finish_reason": choice["finish_reason"],
            "logprobs": logprobs_of(choice.get("logprobs")),
        }
        for choice in answer["choices"]
    ]
    usage = answer["usage"]
    return {"choices": choices, "usage": (usage["prompt_tokens"], usage["completion_tokens"])}


def joined(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the compared fields of a stream, joined as by a client."""
    contents: dict[int, str] = {}
    reasons: dict[int, Any] = {}
    logprobs: list[Any] = []
    usage = None
    for event in events:
        if event.get("usage"):
            usage = (event["usage"]["prompt_tokens"], event["usage"]["completion_tokens"])
        for choice in event["choices"]:
            index = choice["index"]
            contents[index] = contents.get(index, "") + (choice["delta"].get("content") or "")
            reasons[index] = reasons.get(index) or choice.get("finish_reason")
            logprobs += logprobs_of(choice.get("logprobs")) or []
    return {"contents": contents, "reasons": reasons, "logprobs": logprobs, "usage": usage}


USER = [{"role": "user", "content": "Say it."}]
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}},
    },
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama, plain": ("llama/alphabet", {}),
    "llama, max_tokens": ("llama/alphabet", {"max_tokens": 5}),
    "llama, cut within a character": ("llama/alphabet", {"max_tokens": 28}),
    "llama, stop": ("llama/alphabet", {"stop": ["f"]}),
    "llama, two choices": ("llama/alphabet", {"n": 2, "max_tokens": 4}),
    "llama, log probabilities": (
        "llama/alphabet",
        {"logprobs": True, "top_logprobs": 2},
    ),
    "llama, a JSON schema": (
        "llama/alphabet",
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"enum": ["é", 1]}},
            },
            "max_tokens": 20,
        },
    ),
    "llama, tools": ("llama/alphabet", {"tools": [TOOL], "max_tokens": 5}),
    "litellm, plain": ("litellm/greeting", {}),
    "litellm, two choices": ("litellm/greeting", {"n": 2}),
    "litellm, tools": ("litellm/calling", {"tools": [TOOL]}),
}


@pytest.fixture
def servers(llama: Server, litellm: Server) -> dict[str, Server]:
    return {"llama": llama, "litellm": litellm}


@pytest.mark.parametrize("case", CASES)
def test_a_whole_answer_is_the_servers_own(case: str, servers: dict[str, Server]) -> None:
    model, more = CASES[case]
    name, _, upstream_model = model.partition("/")
    body = {"messages": USER, "temperature": 0, **more}

    status, text = direct(servers[name], {**body, "model": upstream_model})
    ours = post({**body, "model": model}, OPENAI)

    assert (ours.status, status) == (200, 200), (ours.json, text)
    assert whole(ours.json) == whole(json.loads(text))


@pytest.mark.parametrize("case", CASES)
def test_a_stream_is_the_servers_own(case: str, servers: dict[str, Server]) -> None:
    model, more = CASES[case]
    name, _, upstream_model = model.partition("/")
    body = {
        "messages": USER,
        "temperature": 0,
        "stream_options": {"include_usage": True},
        **more,
    }

    _, text = direct(servers[name], {**body, "model": upstream_model, "stream": True})
    ours = stream({**body, "model": model}, OPENAI)

    expected = joined(events_of(text))
    # [DONE] alone ends LiteLLM's later choices.
    expected["reasons"] = {index: reason or "stop" for index, reason in expected["reasons"].items()}
    assert joined(events_of(ours.body.decode())) == expected


def test_the_servers_return_their_configured_texts() -> None:
    llama = post({"model": "llama/alphabet", "messages": USER})
    litellm = post({"model": "litellm/greeting", "messages": USER})
    calling = post({"model": "litellm/calling", "messages": USER}, OPENAI)

    assert (llama.json["content"], llama.json["output_tokens"]) == (TEXT, len(TEXT.encode()) + 1)
    assert litellm.json["content"] == GREETING
    assert calling.json["choices"][0]["message"]["tool_calls"] == [CALL]


LONG = [{"role": "user", "content": "x" * 600}]
REFUSALS: dict[str, tuple[str, dict[str, Any], int, tuple[int, str]]] = {
    "llama, too long": (
        *("llama/alphabet", {"messages": LONG}),
        *(400, (400, "context_length_exceeded")),
    ),
    "llama, invalid": (
        *("llama/alphabet", {"messages": USER, "logit_bias": "x", "grammar": "::="}),
        *(400, (400, "invalid_request")),
    ),
    "litellm, too long": (
        *("litellm/too_long", {"messages": USER}),
        *(400, (400, "context_length_exceeded")),
    ),
    "litellm, limited": (
        *("litellm/limited", {"messages": USER}),
        *(429, (429, "rate_limit_exceeded")),
    ),
    "litellm, broken": ("litellm/broken", {"messages": USER}, 500, (502, "upstream_error")),
    "litellm, no such model": (
        *("litellm/missing", {"messages": USER}),
        *(400, (400, "invalid_request")),
    ),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_has_the_servers_reason(
    case: str, streamed: bool, servers: dict[str, Server]
) -> None:
    model, body, theirs, ours = REFUSALS[case]
    name, _, upstream_model = model.partition("/")

    status, text = direct(servers[name], {**body, "model": upstream_model, "stream": streamed})
    if streamed:
        result = stream({**body, "model": model}, OPENAI)
        found = result.status, json.loads(result.body)["error"]
    else:
        plain = post({**body, "model": model}, OPENAI)
        found = plain.status, plain.json["error"]

    assert (status, (found[0], found[1]["code"])) == (theirs, ours)
    reason = " ".join(json.loads(text)["error"]["message"].split())
    assert reason[:200] in found[1]["message"]
    assert found[1]["upstream_status"] == theirs


@pytest.mark.parametrize(
    ("model", "theirs", "ours"),
    [
        ("llama/alphabet", 401, (502, "upstream_auth_error")),
        # Without a database LiteLLM cannot look up the key, and returns 400.
        ("litellm/greeting", 400, (400, "no_db_connection")),
    ],
)
def test_a_wrong_key_is_an_upstream_auth_error_and_stays_secret(
    model: str,
    theirs: int,
    ours: tuple[int, str],
    servers: dict[str, Server],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, _, upstream_model = model.partition("/")
    wrong = "sk-another-made-up-key-987"
    monkeypatch.setenv("SERVERS_API_KEY", wrong)

    status, _ = direct(servers[name], {"model": upstream_model, "messages": USER}, wrong)
    result = post({"model": model, "messages": USER}, OPENAI)

    assert (status, (result.status, result.json["error"]["code"])) == (theirs, ours)
    assert wrong not in json.dumps(result.json)


def test_the_servers_models_are_listed(config: Path) -> None:
    from tests.support.functions import get  # noqa: PLC0415  # imports the providers function

    ids = {model["id"] for model in get("/v1/models").json["data"]}

    assert {"llama/alphabet", "litellm/greeting", "litellm/calling"} <= ids
