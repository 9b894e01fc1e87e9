"""A guardrail of a row elsewhere than on Bedrock has a region and a URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatd.config.provider import Guardrail, Provider
from tests.support.functions import settings

ARN = "arn:aws:bedrock:eu-central-1:123456789012:guardrail/gr1"


def row_of(config: Path, table: str, **environ: str) -> Provider:
    config.write_text(f"[providers.kimi]\n{table}\n")
    return settings(CHATD_CONFIG=str(config), KIMI_API_KEY="k", **environ).providers["kimi"]


def guardrail_of(config: Path, table: str, **environ: str) -> Guardrail:
    guardrail = row_of(config, table, **environ).gateway_guardrail
    assert guardrail is not None
    return guardrail


@pytest.mark.parametrize(
    ("table", "region"),
    [
        ('{ id = "gr1", region = "us-west-2" }', "us-west-2"),
        ('{ id = "gr1" }', "eu-west-1"),
        (f'{{ id = "{ARN}" }}', "eu-central-1"),
    ],
)
def test_the_region_is_the_guardrails_own_or_the_environments(
    table: str, region: str, config: Path
) -> None:
    found = guardrail_of(config, f"guardrail = {table}", AWS_REGION="eu-west-1")

    assert (found.region, found.url) == (region, f"https://bedrock-runtime.{region}.amazonaws.com")


def test_another_partition_has_its_own_domain(config: Path) -> None:
    found = guardrail_of(config, 'guardrail = { id = "gr1", region = "cn-north-1" }')

    assert found.url == "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"


def test_the_sdks_variable_names_another_endpoint(config: Path) -> None:
    found = guardrail_of(
        config,
        'guardrail = { id = "gr1", region = "us-west-2" }',
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME="https://vpce-1.example/",
    )

    assert found.url == "https://vpce-1.example"


def test_a_row_whose_guardrail_has_no_region_is_not_registered(config: Path) -> None:
    row = row_of(config, 'guardrail = { id = "gr1" }')

    assert row.excluded == ("its guardrail has no region; set AWS_REGION, or its guardrail.region")


def test_bedrock_itself_applies_the_guardrail_of_its_models(config: Path) -> None:
    url = "https://bedrock-runtime.{region}.amazonaws.com/openai/v1"
    table = f'base_url = "{url}"\naws = {{ region = "us-west-2" }}\nguardrail = {{ id = "gr1" }}'

    assert row_of(config, table).gateway_guardrail is None


@pytest.mark.parametrize("more", ['input = "some"', 'unavailable = "maybe"', 'stream = "later"'])
def test_a_wrong_choice_stops_the_start(more: str, config: Path) -> None:
    with pytest.raises(Exception, match=rf"guardrail.{more.split(maxsplit=1)[0]}"):
        row_of(config, f'guardrail = {{ id = "gr1", {more} }}')
