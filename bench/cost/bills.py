"""Compute the monthly AWS bill of a workload for each way to host the gateway, in USD."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil

from bench.cost.prices import Free, Prices
from bench.cost.workload import GB, HOURS, SECONDS, STREAM_BYTES_A_TOKEN, Workload

_MB = 1 / 1024  # of memory, in GB
# A chat's fixed amounts; docs/cost.md has the source of each figure.
OWN_SECONDS = 0.005
START_SECONDS = 1.0  # billed like an invocation since August 2025
PROMPT_BYTES = 4_000
LOG_BYTES = 2_000  # the gateway's two lines, about 1 KB, and Lambda's two or three per request
METRICS_A_PROVIDER = 5
AUTHORIZER_MB = 256
AUTHORIZER_SECONDS = 0.005
_CHUNK_MB = 10.0  # of a streamed response that API Gateway bills as one request
_KEY_SECONDS, _CALLERS_SECONDS = 300.0, 60.0
_ALARMS, _DASHBOARDS, _SECRETS = 3, 1, 2
# A container's size, and its concurrent chats with one process for each.
CONTAINER_VCPU, CONTAINER_GB = 0.25, 0.5
CHATS_A_CONTAINER = 12
_BALANCER_ZONES = 2
CHATS_AN_ENVIRONMENT = 64
MIN_INSTANCES = 3


@dataclass(frozen=True, slots=True)
class Bill:
    """The lines of a monthly bill, in USD."""

    lines: Mapping[str, float]

    @property
    def total(self) -> float:
        """Return the sum of the lines in USD."""
        return sum(self.lines.values())


Option = Callable[[Workload, Prices, Free], Bill]


def functions(work: Workload, prices: Prices, free: Free) -> Bill:
    """Return the bill of the stack in template.yaml."""
    return Bill({**_chat_function(work, prices, free), **_api_lines(work, prices, free)})


def functions_with_snapstart(work: Workload, prices: Prices, free: Free) -> Bill:
    """Return the bill of the stack with SnapStart on the chat function and the authorizer."""
    gb = (work.memory + AUTHORIZER_MB) * _MB
    kept = gb * SECONDS * prices.snapshot_gb_second
    restored = work.chats * work.cold * gb * prices.snapshot_restore_gb
    lines = {**functions(work, prices, free).lines, "snapshots": kept, "restores": restored}
    del lines["starts"]
    return Bill(lines)


def container(work: Workload, prices: Prices, free: Free) -> Bill:
    """Return the bill of Fargate containers that run all month, behind a load balancer."""
    tasks = max(1, ceil(work.at_once * work.peak / CHATS_A_CONTAINER))
    size = CONTAINER_VCPU * prices.fargate_vcpu_hour + CONTAINER_GB * prices.fargate_gb_hour
    return Bill(
        {
            "containers": tasks * size * HOURS,
            "load balancer": prices.balancer_hour * HOURS + _balancer_units(work, prices),
            "addresses": (tasks + _BALANCER_ZONES) * prices.address_hour * HOURS,
            **_common_lines(work, prices, free),
        }
    )


def machine(work: Workload, prices: Prices, free: Free) -> Bill:
    """Return the bill of the smallest EC2 instances, without load balancer or management."""
    machines = max(1, ceil(work.at_once * work.peak / CHATS_A_CONTAINER))
    return Bill(
        {
            "machines": machines * prices.t4g_nano_hour * HOURS,
            "addresses": machines * prices.address_hour * HOURS,
            **_common_lines(work, prices, free),
        }
    )


def instances(work: Workload, prices: Prices, free: Free) -> Bill:
    """Return the bill of the stack on Managed Instances (deploy/managed_instances.yaml)."""
    environments = ceil(work.at_once * work.peak / CHATS_AN_ENVIRONMENT)
    count = max(MIN_INSTANCES, environments)  # an instance has room for one environment
    hours = count * HOURS
    return Bill(
        {
            "instances": hours * prices.m7g_large_hour,
            "AWS's fee for them": hours * prices.m7g_large_hour * prices.instance_fee,
            "Lambda requests": work.chats * prices.lambda_request,
            "NAT gateway": prices.nat_hour * HOURS + _provider_traffic(work) * prices.nat_gb,
            **_api_lines(work, prices, replace(free, requests=0.0)),
        }
    )


OPTIONS: Mapping[str, Option] = {
    "functions": functions,
    "functions, SnapStart": functions_with_snapstart,
    "container": container,
    "machine": machine,
    "Managed Instances": instances,
}


def _chat_function(work: Workload, prices: Prices, free: Free) -> dict[str, float]:
    gb_second = {
        "arm64": prices.lambda_gb_second_arm64,
        "x86_64": prices.lambda_gb_second_x86_64,
    }[work.architecture]
    waited = work.chats * work.waited * work.memory * _MB
    own = work.chats * OWN_SECONDS * work.memory * _MB
    starts = work.chats * work.cold * START_SECONDS * work.memory * _MB
    used = waited + own + starts
    paid = max(0.0, used - free.gb_seconds) / (used or 1.0)
    return {
        "waiting for the provider": waited * paid * gb_second,
        "our own work": own * paid * gb_second,
        "starts": starts * paid * gb_second,
        "Lambda requests": max(0.0, work.chats - free.requests) * prices.lambda_request,
    }


def _api_lines(work: Workload, prices: Prices, free: Free) -> dict[str, float]:
    """Return the lines of API Gateway and the authorizer, and those of every option."""
    streamed_mb = work.tokens * STREAM_BYTES_A_TOKEN / 1e6
    counted = max(1, ceil(streamed_mb / _CHUNK_MB))
    authorizer = AUTHORIZER_SECONDS * AUTHORIZER_MB * _MB * prices.lambda_gb_second_arm64
    return {
        "API Gateway": work.chats * counted * prices.api_request,
        "authorizer": work.chats * (prices.lambda_request + authorizer),
        **_common_lines(work, prices, free),
    }


def _common_lines(work: Workload, prices: Prices, free: Free) -> dict[str, float]:
    """Return the lines of every option: traffic, logs, metrics, secrets and DynamoDB."""
    environments = max(1.0, work.at_once)
    lookups = min(work.chats, environments * SECONDS / _KEY_SECONDS)
    lookups += min(work.chats, SECONDS / _CALLERS_SECONDS)
    metrics = max(0.0, work.providers * METRICS_A_PROVIDER - free.metrics)
    busy = min(1.0, work.chats / HOURS)  # a metric is billed only for hours with data
    watched = max(0.0, _ALARMS - free.alarms) * prices.alarm_month
    watched += max(0.0, _DASHBOARDS - free.dashboards) * prices.dashboard_month
    return {
        "traffic": max(0.0, work.gb_out - free.data_out_gb) * prices.data_out_gb,
        "logs": max(0.0, work.chats * LOG_BYTES / GB - free.log_gb) * prices.log_gb,
        "metrics, alarms, dashboard": metrics * busy * prices.metric_month + watched,
        "secrets": _SECRETS * prices.secret_month + lookups * prices.secret_call,
        "DynamoDB": work.chats * work.writes * prices.table_write,
    }


def _provider_traffic(work: Workload) -> float:
    """Return the GB of traffic to and from the providers."""
    return work.gb_out + work.chats * PROMPT_BYTES / GB


def _balancer_units(work: Workload, prices: Prices) -> float:
    """Return the price of the load balancer's capacity units in USD.

    A unit is a GB an hour, 25 new connections a second, or 3,000 active ones, whichever is most:
    https://aws.amazon.com/elasticloadbalancing/pricing/
    """
    units = max(
        (work.gb_out + work.chats * PROMPT_BYTES / GB) / HOURS,
        work.chats / SECONDS / 25,
        work.at_once / 3_000,
    )
    return units * HOURS * prices.balancer_unit_hour
