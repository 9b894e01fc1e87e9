"""A row on AWS exists where credentials and a region are known, or chatd.toml names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatd.config.aws_rows import on_aws
from chatd.config.provider import AwsAccess, Provider
from tests.support.functions import settings

URL = "https://bedrock-runtime.{region}.amazonaws.com"
ROW = Provider("bedrock", "openai_chat", URL, aws=AwsAccess())
FUNCTION = {"AWS_LAMBDA_FUNCTION_NAME": "chat", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "A"}
OFF = "the stack's parameter BedrockAccess is off"
NO_CREDENTIALS = "no AWS credentials are in the environment; set AWS_PROFILE, for example"
NO_REGION = "it has no region; set AWS_REGION, or its aws.region"


@pytest.mark.parametrize(
    ("environ", "named", "reason"),
    [
        (FUNCTION, False, OFF),
        ({**FUNCTION, "CHATD_BEDROCK_ACCESS": "off"}, False, OFF),
        ({**FUNCTION, "AWS_SAM_LOCAL": "true"}, False, OFF),
        ({**FUNCTION, "CHATD_BEDROCK_ACCESS": "all"}, False, None),
        ({**FUNCTION, "CHATD_BEDROCK_ACCESS": "some"}, False, None),
        (FUNCTION, True, None),
        ({"AWS_REGION": "eu-west-1"}, False, NO_CREDENTIALS),
        ({"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "A"}, False, None),
        ({"AWS_REGION": "eu-west-1", "AWS_PROFILE": "dev"}, False, None),
        (
            {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "dev", "CHATD_BEDROCK_ACCESS": "off"},
            *(False, "CHATD_BEDROCK_ACCESS is off"),
        ),
        ({"AWS_REGION": "eu-west-1", "AWS_BEARER_TOKEN_BEDROCK": "t"}, False, None),
        (
            {"AWS_REGION": "eu-west-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://h"},
            *(False, None),
        ),
        (
            {"AWS_REGION": "eu-west-1", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"},
            *(False, None),
        ),
        ({"AWS_REGION": "eu-west-1"}, True, None),
        ({"AWS_ACCESS_KEY_ID": "A"}, False, NO_REGION),
        ({"AWS_LAMBDA_FUNCTION_NAME": "chat"}, True, NO_REGION),
        ({"AWS_REGION": "h/x"}, True, NO_REGION.replace("no region", "a malformed region")),
    ],
)
def test_a_row_is_excluded_with_its_reason(
    environ: dict[str, str], named: bool, reason: str | None
) -> None:
    environ = {"AWS_CONFIG_FILE": "/dev/null", **environ}

    found = on_aws(ROW, environ, named=named)

    assert found.excluded == reason
    if reason is None:
        assert found.base_url == URL.format(region="eu-west-1")


def test_a_reason_of_the_row_itself_is_kept() -> None:
    off = Provider("bedrock", "openai_chat", URL, aws=AwsAccess(), excluded="it is switched off")

    assert on_aws(off, FUNCTION, named=True) is off


@pytest.mark.parametrize(
    ("profile", "text", "region"),
    [
        ("dev", "[profile dev]\nregion = eu-west-2\n", "eu-west-2"),
        ("default", "[default]\nregion=eu-west-3\n", "eu-west-3"),
        ("dev", "[default]\nregion = eu-west-2\n", None),
        ("dev", "[profile dev]\nregion = %(x)s\n", "%(x)s"),
        ("dev", "[profile dev\n", None),
        ("dev", "\xff", None),
    ],
)
def test_a_profile_has_a_region_on_a_developer_s_machine(
    profile: str, text: str, region: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "config"
    file.write_bytes(text.encode("latin-1"))
    environ = {"AWS_PROFILE": profile, "AWS_CONFIG_FILE": str(file)}

    found = on_aws(ROW, environ, named=False)

    is_region = region is not None and region.startswith("eu-")
    assert (found.excluded is None) == is_region
    assert found.base_url == (URL.format(region=region) if is_region else URL)


def test_chatd_toml_names_a_row_by_its_table(config: Path) -> None:
    config.write_text(f"[providers.mine]\ndialect = 'openai_chat'\nbase_url = '{URL}'\naws = {{}}")

    found = settings(CHATD_CONFIG=str(config), AWS_REGION="eu-west-1").providers["mine"]

    assert found.excluded is None
