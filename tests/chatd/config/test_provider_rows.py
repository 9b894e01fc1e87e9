"""A field of a row in chatd.toml changes the request that its provider gets."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from chatd.config.settings import ConfigError
from tests.support import answers
from tests.support.functions import ask, post, settings
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


AWS_ROW = "[providers.mine]\ndialect = 'openai_chat'\nbase_url = '{url}'\naws = {aws}\n"
RUNTIME = "https://bedrock-runtime.{region}.amazonaws.com/openai/v1"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "bedrock-runtime.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "bedrock-runtime.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "bedrock-runtime.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "bedrock-runtime.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_a_region_is_filled_in_with_the_domain_of_its_partition(
    region: str, host: str, config: Path
) -> None:
    config.write_text(AWS_ROW.format(url=RUNTIME, aws=toml({"region": region})))

    found = settings(CHATD_CONFIG=str(config), AWS_REGION="us-east-1").providers["mine"]

    assert found.base_url == f"https://{host}/openai/v1"
    assert found.aws is not None
    assert found.aws.region == region


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
    ],
)
def test_the_region_is_the_environments_by_default(
    environ: dict[str, str], region: str, config: Path
) -> None:
    config.write_text(AWS_ROW.format(url=RUNTIME, aws="{}"))

    found = settings(CHATD_CONFIG=str(config), **environ).providers["mine"]

    assert (found.base_url, found.excluded) == (RUNTIME.format(region=region), None)


def test_a_row_on_aws_without_a_region_is_not_registered(config: Path) -> None:
    config.write_text(AWS_ROW.format(url=RUNTIME, aws="{}"))

    found = settings(CHATD_CONFIG=str(config)).providers["mine"]

    assert found.excluded == "it has no region; set AWS_REGION, or its aws.region"


def test_a_table_like_a_row_has_all_but_its_suffix_and_address_variable(config: Path) -> None:
    config.write_text("[providers.other]\nlike = 'ollama_cloud'\nprefill = true")
    rows = settings(CHATD_CONFIG=str(config), OLLAMA_CLOUD_BASE_URL="http://elsewhere").providers

    made, model = rows["other"], rows["ollama_cloud"]

    assert (made.name, made.prefill, made.endpoint, made.key_variable) == (
        *("other", True, "auto"),
        model.key_variable,
    )
    assert (made.base_url, made.suffix, made.base_url_variable) == (
        "https://ollama.com",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("[providers.a]\nlike = 'b'", "providers.a.like: 'b' is none of 'ollama'"),
        ("[providers.kimi]\nlike = 'openai'", "providers.kimi.like: 'kimi' is a row of the cat"),
        ("[providers.kimi.aws]\nregion = 'h/x'", "providers.kimi.aws.region: String should match"),
        ("[providers.kimi.aws]\nrole_arn = 'x'", "providers.kimi.aws.role_arn: String should mat"),
        ("[providers.kimi.aws]\nkey = 'x'", "providers.kimi.aws.key: there is no such key"),
        ("[providers.kimi.guardrail]\nid = 'a b'", "providers.kimi.guardrail.id: String should"),
        ("[providers.kimi.guardrail]\nversion = '1'", "providers.kimi.guardrail.id: Field requ"),
        ("[providers.kimi]\nservice_tier = 'a b'", "providers.kimi.service_tier: String should"),
    ],
)
def test_a_mistake_in_a_table_on_aws_is_named(table: str, line: str, config: Path) -> None:
    config.write_text(table)

    with pytest.raises(ConfigError) as caught:
        settings(CHATD_CONFIG=str(config))

    assert line in str(caught.value)


def test_a_guardrail_a_tier_and_metadata_are_fields_of_a_row(config: Path) -> None:
    table = {"id": "gr1", "version": "3", "trace": "enabled", "stream": "async"}
    table |= {"input": "all", "unavailable": "pass", "region": "eu-west-1"}
    fields = {"guardrail": table, "service_tier": "flex", "caller_metadata": True}
    config.write_text(row("mine", "http://h", **fields))

    found = settings(CHATD_CONFIG=str(config)).providers["mine"]

    assert found.guardrail is not None
    url = "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert asdict(found.guardrail) == {**table, "url": url}
    assert (found.service_tier, found.caller_metadata) == ("flex", True)
