"""What AWS charges, in US dollars, in one place: us-east-1, without taxes and discounts.

AWS's own pages fill their prices in by script, so these were read where they are quoted, and `seen`
says where. It knows prices and nothing of what is bought.
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
    """A file of prices that cannot be used, as one line."""


def _price(usd: float, what: str, source: str, seen: str) -> Any:
    """A price as a field.

    Args:
        usd: The price of one unit.
        what: The unit, and whose.
        source: AWS's page.
        seen: Where the figure was read.

    """
    return field(default=usd, metadata={"what": what, "source": source, "seen": seen})


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars a unit, each of which its field's metadata names."""

    lambda_request: float = _price(0.20e-6, "Lambda: a request", _LAMBDA, "cloudchipr.com, 2024")
    lambda_gb_second_arm64: float = _price(
        0.0000133334, "Lambda: a GB-second on arm64", _LAMBDA, "cloudchipr.com, 2024"
    )
    lambda_gb_second_x86_64: float = _price(
        0.0000166667, "Lambda: a GB-second on x86_64", _LAMBDA, "cloudchipr.com, 2024"
    )
    snapshot_gb_second: float = _price(
        0.0000015046,
        "SnapStart (Python): a GB-second of a snapshot that is kept, 3 hours at least",
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
        "API Gateway, REST: a request, or each 10 MB that one streams",
        _API,
        "apigatewaycost.com and the AWS Compute Blog, November 2025",
    )
    data_out_gb: float = _price(0.09, "A GB to the internet", _EC2, "apigatewaycost.com, 2026")
    log_gb: float = _price(
        0.50, "CloudWatch: a GB of logs taken in", _CLOUDWATCH, "duckbillgroup.com, May 2025"
    )
    metric_month: float = _price(
        0.30,
        "CloudWatch: a metric for a month, by the hour in which it is sent",
        _CLOUDWATCH,
        "signoz.io, February 2026",
    )
    alarm_month: float = _price(
        0.10, "CloudWatch: an alarm for a month", _CLOUDWATCH, "not seen; it is what it long was"
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
        "an article on LinkedIn; another of 2026 still has the price before November 2024, double",
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
        0.045, "NAT gateway: a GB, either way", _VPC, "cloudburn.io, February 2026"
    )
    m7g_large_hour: float = _price(
        0.0816, "EC2 m7g.large (2 vCPUs, 8 GB): an hour", _EC2, "factualminds.com, June 2026"
    )
    t4g_nano_hour: float = _price(
        0.0042, "EC2 t4g.nano (0.5 GB): an hour", _EC2, "egresscost.com, March 2026"
    )


@dataclass(frozen=True, slots=True)
class Free:
    """What each account has for nothing every month, always; none of it unless asked for.

    Lambda's, CloudWatch's and the internet's; new accounts have more for a time.
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
    """Prices with those of another region: a TOML file of names and dollars.

    Raises:
        PricesError: If it cannot be read, or names what is no price.

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
            raise PricesError(f"{path}: {name}: is no price; there are {', '.join(sorted(known))}")
        if isinstance(usd, bool) or not isinstance(usd, int | float) or usd < 0:
            raise PricesError(f"{path}: {name}: must be a number of dollars")
    return replace(Prices(), **table)
