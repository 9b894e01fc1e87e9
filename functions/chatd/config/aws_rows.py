"""Decide which rows on AWS a deployment has, and give each its region."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from chatd.config.aws_region import REGION, in_region, region_of
from chatd.config.provider import Provider

_ACCESS = "CHATD_BEDROCK_ACCESS"
# Each holds credentials, or names their source:
# https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
CREDENTIAL_VARIABLES = (
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)


def on_aws(row: Provider, env: Mapping[str, str], *, named: bool) -> Provider:
    """Give a row on AWS its region, or exclude it with the reason.

    Args:
        row: A row with `aws`.
        env: The environment, without empty values.
        named: Whether chatd.toml names the row.

    """
    if row.aws is None or row.excluded is not None:
        return row
    reason = None if named else _unwanted(env)
    if reason is not None:
        return replace(row, excluded=reason)
    region = row.aws.region or region_of(env)
    if region is None or not re.fullmatch(REGION, region):
        fault = "no region" if region is None else "a malformed region"
        return replace(row, excluded=f"it has {fault}; set AWS_REGION, or its aws.region")
    url = in_region(row.base_url, region)
    return replace(row, aws=replace(row.aws, region=region), base_url=url)


def _unwanted(env: Mapping[str, str]) -> str | None:
    """Return the reason to exclude a row that chatd.toml does not name; None to keep the row."""
    if "AWS_LAMBDA_FUNCTION_NAME" in env:
        allowed = env.get(_ACCESS, "off") != "off"
        return None if allowed else "the stack's parameter BedrockAccess is off"
    if env.get(_ACCESS) == "off":
        return f"{_ACCESS} is off"
    if any(variable in env for variable in CREDENTIAL_VARIABLES):
        return None
    return "no AWS credentials are in the environment; set AWS_PROFILE, for example"
