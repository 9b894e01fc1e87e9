"""Set the region and URL of the guardrail of a row outside Amazon Bedrock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chatd.config.aws_region import in_region, region_of
from chatd.config.provider import Provider

# The AWS SDKs' variable, such as for a VPC endpoint:
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"
_URL = "https://bedrock-runtime.{region}.amazonaws.com"
_ARN_REGION = 3


def guarded(row: Provider, env: Mapping[str, str]) -> Provider:
    """Return the row with the place of its guardrail, or an excluded row with the reason.

    Args:
        row: A row.
        env: The environment, without empty values.

    """
    guardrail = row.gateway_guardrail
    if guardrail is None:
        return row
    parts = guardrail.id.split(":")
    region = guardrail.region or (parts[_ARN_REGION] if len(parts) > 1 else region_of(env))
    if region is None:
        reason = "its guardrail has no region; set AWS_REGION, or its guardrail.region"
        return replace(row, excluded=row.excluded or reason)
    url = env.get(ENDPOINT_VARIABLE) or in_region(_URL, region)
    return replace(row, guardrail=replace(guardrail, region=region, url=url.rstrip("/")))
