"""Find the AWS region of a deployment, and fill in the region of a URL."""

from __future__ import annotations

from collections.abc import Mapping

# Such as eu-central-1, us-gov-west-1, us-isob-east-1 and eusc-de-east-1:
# https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
REGION = r"^[a-z]{2,4}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$"
# https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints.html
_DOMAINS = (("cn-", "amazonaws.com.cn"), ("eusc-", "amazonaws.eu"))


def in_region(url: str, region: str) -> str:
    """Fill in `{region}` in a URL, with the domain of the region's partition."""
    for beginning, domain in _DOMAINS:
        if region.startswith(beginning):
            url = url.replace("{region}.amazonaws.com", f"{{region}}.{domain}")
    return url.replace("{region}", region)


def region_of(env: Mapping[str, str]) -> str | None:
    """Return the region of the environment, else the profile's region; None without one.

    Args:
        env: The environment, without empty values.

    """
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
    if region is not None or "AWS_LAMBDA_FUNCTION_NAME" in env:
        return region
    return _profile_region(env)


def _profile_region(env: Mapping[str, str]) -> str | None:
    """Read the region of the profile in AWS's file of profiles.

    https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
    """
    from configparser import ConfigParser, Error  # noqa: PLC0415  # only on a developer's machine
    from pathlib import Path  # noqa: PLC0415  # as above

    profile = env.get("AWS_PROFILE", "default")
    section = "default" if profile == "default" else f"profile {profile}"
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(Path(env.get("AWS_CONFIG_FILE", "~/.aws/config")).expanduser(), "utf-8")
        return parser.get(section, "region", fallback=None)
    except (Error, OSError, UnicodeDecodeError, RuntimeError):
        return None
