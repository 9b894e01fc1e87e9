"""A field of a row in chatd.toml changes the request that its provider gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import answers
from tests.support.functions import ask, post
from tests.support.upstream import Upstream, reply

OPENAI = "/v1/chat/completions"
FUNCTION = {"type": "function", "function": {"name": "f"}}
pytestmark = pytest.mark.usefixtures("keys")


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def row(name: str, url: str, **fields: Any) -> str:
    values = "".join(f"{key} = {toml(value)}\n" for key, value in fields.items())
    return f'[providers.{name}]\ndialect = "openai_chat"\nbase_url = "{url}"\n{values}'


@pytest.mark.parametrize(("as_system", "role"), [(True, "system"), (False, "developer")])
def test_a_row_can_turn_developer_turns_into_system_turns(
    as_system: bool, role: str, provider: Upstream, config: Path
) -> None:
    config.write_text(row("mine", provider.url, developer_as_system=as_system))
    turns = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]

    assert post({"model": "mine/m", "messages": turns}, OPENAI).status == 200
    assert [turn["role"] for turn in provider.last.json["messages"]] == [role, "user"]


def test_a_row_can_declare_that_its_provider_ignores_a_format(
    provider: Upstream, config: Path
) -> None:
    config.write_text(row("mine", provider.url, honours_format=False))
    schema = {"type": "object", "required": ["x"]}
    provider.script = reply(answers.openai_chat("not JSON"))

    refused = post(ask("mine/m", format=schema))
    provider.script = reply(answers.openai_chat('{"x": 1}'))
    held = post(ask("mine/m", format=schema))

    assert (refused.status, refused.json["error"]["code"]) == (502, "format_not_met")
    assert held.json["content"] == '{"x": 1}'
    assert "JSON Schema" in provider.last.json["messages"][0]["content"]
    assert len(provider.received) == 3


def test_a_table_can_declare_that_a_catalog_row_honours_a_format(
    provider: Upstream, config: Path
) -> None:
    config.write_text("[providers.ollama_cloud]\nhonours_format = true")

    assert post(ask("ollama_cloud/m", format="json")).json["content"] == "Hello!"
    assert (len(provider.received), provider.last.json["format"]) == (1, "json")


@pytest.mark.parametrize("path", [OPENAI, "/v1/chat"])
def test_a_row_can_drop_fields_that_its_provider_refuses(
    path: str, provider: Upstream, config: Path
) -> None:
    config.write_text(row("mine", provider.url, drops=["temperature", "seed"]))

    dropped = post(ask("mine/m", temperature=0), path)
    kept = post(ask("mine/m"), path)

    assert "temperature" not in provider.received[0].json
    assert dropped.headers["x-chatd-dropped-params"] == "temperature"
    assert "x-chatd-dropped-params" not in kept.headers


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("returned", ["reasoning", "reasoning_content", None])
def test_a_row_can_name_the_field_that_takes_reasoning_back(
    name: str, returned: str | None, provider: Upstream, config: Path
) -> None:
    fields = {} if returned is None else {"returns_reasoning": returned}
    config.write_text(row("mine", provider.url, **fields))
    turns = [{"role": "assistant", "content": "4", name: "Hm."}]

    assert post({"model": "mine/m", "messages": turns}, OPENAI).status == 200
    assert provider.last.json["messages"] == [
        {"role": "assistant", "content": "4", returned or name: "Hm."}
    ]


def test_an_effort_is_merged_into_the_reasoning_of_openrouter(
    provider: Upstream,
) -> None:
    request = ask("openrouter/v/m", reasoning={"exclude": True}, reasoning_effort="low")

    assert post(request, OPENAI).status == 200
    assert provider.last.json["reasoning"] == {"exclude": True, "effort": "low"}
    assert "reasoning_effort" not in provider.last.json


CORRECTIONS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"renames": {"seed": "random_seed"}}, {"seed": 7}, {"random_seed": 7}),
    ({"max_tokens_name": "max_tokens"}, {"max_completion_tokens": 9}, {"max_tokens": 9}),
    ({"max_tokens_name": "max_tokens"}, {"max_tokens": 9}, {"max_tokens": 9}),
    (
        {"max_tokens_name": "max_completion_tokens"},
        {"max_tokens": 9, "max_completion_tokens": 8},
        {"max_completion_tokens": 8},
    ),
    ({"max_tokens_name": "max_tokens"}, {}, {}),
    (
        {"tools_only_functions": True},
        {"tools": [{"type": "web_search"}, FUNCTION], "tool_choice": "auto"},
        {"tools": [FUNCTION], "tool_choice": "auto"},
    ),
    (
        {"tools_only_functions": True},
        {"tools": [{"type": "web_search"}], "tool_choice": "auto"},
        {},
    ),
]


@pytest.mark.parametrize(("fields", "sent", "got"), CORRECTIONS)
def test_a_row_corrects_the_fields_of_a_request(
    fields: dict[str, Any],
    sent: dict[str, Any],
    got: dict[str, Any],
    provider: Upstream,
    config: Path,
) -> None:
    config.write_text(row("mine", provider.url, **fields))

    result = post(ask("mine/m", **sent), OPENAI)

    body = provider.last.json
    assert {name: body[name] for name in body.keys() - {"model", "messages"}} == got
    lost = "tools.web_search" if "tools_only_functions" in fields else None
    assert result.headers.get("x-chatd-dropped-params") == lost


@pytest.mark.parametrize(("kind", "joined"), [("text", True), ("thing", False)])
def test_a_row_can_convert_text_parts_to_one_text(
    kind: str, joined: bool, provider: Upstream, config: Path
) -> None:
    config.write_text(row("mine", provider.url, content_as_text=True))
    parts = [{"type": "text", "text": "One. "}, {"type": kind, "text": "Two."}]
    turns = [{"role": "user", "content": parts}, {"role": "user", "content": "Three."}]

    assert post({"model": "mine/m", "messages": turns}, OPENAI).status == 200
    expected = "One. Two." if joined else parts
    assert provider.last.json["messages"] == [{"role": "user", "content": expected}, turns[1]]
