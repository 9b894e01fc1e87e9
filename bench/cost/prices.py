"""List AWS's prices in USD: us-east-1, without taxes and discounts.

AWS's own pages insert prices by script, so each price was read on a page that quotes AWS's; `seen`
names the page.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

READ = "November 2026"
_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_API = "https://aws.amazon.com/api-gateway/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_EC2 = "https://aws.amazon.com/ec2/pricing/on-demand/"
_VPC = "https://aws.amazon.com/vpc/pricing/"


class PricesError(Exception):
    """A file of prices is invalid; the message is one line with the reason."""


def _price(usd: float, unit: str, source: str, seen: str) -> Any:
    """Return a dataclass field for a price.

    Args:
        usd: The price of one unit in USD.
        unit: The service and the unit.
        source: AWS's page.
        seen: The page that quotes the price, and its date.

    """
    return field(default=usd, metadata={"unit": unit, "source": source, "seen": seen})


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in USD per unit; each field's metadata names the unit and the source."""

    lambda_request: float = _price(0.20e-6, "Lambda: a request", _LAMBDA, "cloudchipr.com, 2024")
    lambda_gb_second_arm64: float = _price(
        0.0000133334, "Lambda: a GB-second on arm64", _LAMBDA, "cloudchipr.com, 2024"
    )
    lambda_gb_second_x86_64: float = _price(
        0.0000166667, "Lambda: a GB-second on x86_64", _LAMBDA, "cloudchipr.com, 2024"
    )
    snapshot_gb_second: float = _price(
        0.0000015046,
        "SnapStart (Python): a GB-second of a cached snapshot, 3 hours at least",
        _LAMBDA,
        "awsnegotiations.com, May 2026",
    )
    snapshot_restore_gb: float = _price(
        0.0001397998,
        "SnapStart (Python): a GB of memory restored",
        _LAMBDA,
        "awsnegotiations.com, May 2026",
    )
    instance_fee: float = _price(
        0.15,
        "Managed Instances: AWS's fee, as a share of the instance's on-demand price",
        _LAMBDA,
        "edjgeek.com, 2026",
    )
    api_request: float = _price(
        3.50e-6,
        "API Gateway, REST: a request, or each 10 MB of a streamed response",
        _API,
        "apigatewaycost.com and the AWS Compute Blog, November 2025",
    )
    data_out_gb: float = _price(0.09, "A GB to the internet", _EC2, "apigatewaycost.com, 2026")
    log_gb: float = _price(
        0.50, "CloudWatch: a GB of ingested logs", _CLOUDWATCH, "duckbillgroup.com, May 2025"
    )
    metric_month: float = _price(
        0.30,
        "CloudWatch: a metric for a month, billed by the hour with data",
        _CLOUDWATCH,
        "signoz.io, February 2026",
    )
    alarm_month: float = _price(
        0.10,
        "CloudWatch: an alarm for a month",
        _CLOUDWATCH,
        "not found; as in earlier years",
    )
    dashboard_month: float = _price(
        3.00, "CloudWatch: a dashboard for a month", _CLOUDWATCH, "factualminds.com, June 2026"
    )
    secret_month: float = _price(
        0.40,
        "Secrets Manager: a secret for a month",
        "https://aws.amazon.com/secrets-manager/pricing/",
        "hivebook.wiki, 2026",
    )
    secret_call: float = _price(
        0.05 / 10_000,
        "Secrets Manager: a call",
        "https://aws.amazon.com/secrets-manager/pricing/",
        "hivebook.wiki, 2026",
    )
    table_write: float = _price(
        0.625e-6,
        "DynamoDB, on demand: a write of 1 KB",
        "https://aws.amazon.com/dynamodb/pricing/on-demand/",
        "an article on LinkedIn; another of 2026 quotes double, the price before November 2024",
    )
    fargate_vcpu_hour: float = _price(
        0.03238,
        "Fargate on arm64: a vCPU for an hour",
        "https://aws.amazon.com/fargate/pricing/",
        "vantage.sh, 2026",
    )
    fargate_gb_hour: float = _price(
        0.00356,
        "Fargate on arm64: a GB for an hour",
        "https://aws.amazon.com/fargate/pricing/",
        "vantage.sh, 2026",
    )
    balancer_hour: float = _price(
        0.0225,
        "Application Load Balancer: an hour",
        "https://aws.amazon.com/elasticloadbalancing/pricing/",
        "awsnegotiations.com, May 2026",
    )
    balancer_unit_hour: float = _price(
        0.008,
        "Application Load Balancer: a capacity unit for an hour",
        "https://aws.amazon.com/elasticloadbalancing/pricing/",
        "awsnegotiations.com, May 2026",
    )
    address_hour: float = _price(
        0.005, "A public IPv4 address for an hour", _VPC, "cloudburn.io, February 2026"
    )
    nat_hour: float = _price(0.045, "NAT gateway: an hour", _VPC, "cloudburn.io, February 2026")
    nat_gb: float = _price(
        0.045, "NAT gateway: a GB in either direction", _VPC, "cloudburn.io, February 2026"
    )
    m7g_large_hour: float = _price(
        0.0816, "EC2 m7g.large (2 vCPUs, 8 GB): an hour", _EC2, "factualminds.com, June 2026"
    )
    t4g_nano_hour: float = _price(
        0.0042, "EC2 t4g.nano (0.5 GB): an hour", _EC2, "egresscost.com, March 2026"
    )


@dataclass(frozen=True, slots=True)
class Free:
    """The always-free monthly amounts of Lambda, CloudWatch and data transfer; none by default.

    New accounts have further free amounts for a limited time.
    """

    requests: float = 0.0
    gb_seconds: float = 0.0
    data_out_gb: float = 0.0
    log_gb: float = 0.0
    metrics: float = 0.0
    alarms: float = 0.0
    dashboards: float = 0.0


# https://aws.amazon.com/lambda/pricing/ and https://aws.amazon.com/cloudwatch/pricing/
ALWAYS_FREE = Free(
    requests=1_000_000,
    gb_seconds=400_000,
    data_out_gb=100,
    log_gb=5,
    metrics=10,
    alarms=10,
    dashboards=3,
)


def read(path: Path) -> Prices:
    """Return the prices with those of a TOML file (names and USD) in place of us-east-1's.

    Raises:
        PricesError: If the file cannot be read, or names an unknown price.

    """
    try:
        table: Mapping[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise PricesError(f"{path}: cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise PricesError(f"{path}: is not TOML: {error}") from None
    known = {price.name for price in fields(Prices)}
    for name, usd in table.items():
        if name not in known:
            raise PricesError(f"{path}: {name}: unknown price; known: {', '.join(sorted(known))}")
        if isinstance(usd, bool) or not isinstance(usd, int | float) or usd < 0:
            raise PricesError(f"{path}: {name}: must be a number of USD, at least 0")
    return replace(Prices(), **table)
