"""What a month of chats costs: on functions, in a container, on a small machine, on instances.

Every bill is a list of lines in dollars. It knows what is bought and how much of it, and takes the
prices from prices.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil

from bench.cost.prices import Free, Prices

HOURS = 730.0
SECONDS = HOURS * 3600
_GB = 1e9  # of traffic and of logs
_MB = 1 / 1024  # of memory, in GB
# What a chat is beside its answer; docs/cost.md says where each figure comes from.
OWN_SECONDS = 0.005
START_SECONDS = 1.0  # since August 2025 the start of an environment is paid like the rest
STREAM_BYTES_A_TOKEN = 200
PROMPT_BYTES = 4_000
LOG_BYTES = 2_000  # our two lines, about 1 KB, and Lambda's own two or three a request
METRICS_A_PROVIDER = 5
AUTHORIZER_MB = 256
AUTHORIZER_SECONDS = 0.005
_CHUNK_MB = 10.0  # of a stream that API Gateway counts as a request
_KEY_SECONDS, _CALLERS_SECONDS = 300.0, 60.0
_ALARMS, _DASHBOARDS, _SECRETS = 3, 1, 2
# A container of this size, and how many chats it can have at once with a process for each.
CONTAINER_VCPU, CONTAINER_GB = 0.25, 0.5
CHATS_A_CONTAINER = 12
_BALANCER_ZONES = 2
CHATS_AN_ENVIRONMENT = 64
MIN_INSTANCES = 3


@dataclass(frozen=True, slots=True)
class Work:
    """A month's chats.

    Attributes:
        chats: How many.
        tokens: Of an answer.
        rate: Tokens a second that the provider makes.
        first: Seconds until the first of them.
        memory: Megabytes of the chat function.
        architecture: Its processor.
        peak: How many times as many chats there are at the busiest as on average.
        cold: The share of chats that meet an environment which has to start.
        providers: How many are in use: each has metrics of its own.
        writes: Writes to a DynamoDB table a chat, where one is in use.

    """

    chats: float = 1_000_000
    tokens: float = 500
    rate: float = 60.0
    first: float = 0.8
    memory: int = 512
    architecture: str = "arm64"
    peak: float = 4.0
    cold: float = 0.01
    providers: int = 2
    writes: float = 0.0

    @property
    def waited(self) -> float:
        """Seconds that a chat waits for its provider."""
        return self.first + self.tokens / self.rate

    @property
    def at_once(self) -> float:
        """Chats at once, on average."""
        return self.chats * self.waited / SECONDS

    @property
    def gb_out(self) -> float:
        """GB of answers."""
        return self.chats * self.tokens * STREAM_BYTES_A_TOKEN / _GB


@dataclass(frozen=True, slots=True)
class Bill:
    """Dollars for a month, line by line."""

    lines: Mapping[str, float]

    @property
    def total(self) -> float:
        """Their sum."""
        return sum(self.lines.values())


Option = Callable[[Work, Prices, Free], Bill]


def functions(work: Work, prices: Prices, free: Free) -> Bill:
    """The stack as template.yaml has it."""
    return Bill({**_chat_function(work, prices, free), **_front(work, prices, free)})


def functions_with_snapstart(work: Work, prices: Prices, free: Free) -> Bill:
    """The same with SnapStart on the chat function and the authorizer."""
    gb = (work.memory + AUTHORIZER_MB) * _MB
    kept = gb * SECONDS * prices.snapshot_gb_second
    restored = work.chats * work.cold * gb * prices.snapshot_restore_gb
    lines = {**functions(work, prices, free).lines, "snapshots": kept, "restores": restored}
    del lines["starts"]
    return Bill(lines)


def container(work: Work, prices: Prices, free: Free) -> Bill:
    """Containers of Fargate that are always there, behind a load balancer."""
    tasks = max(1, ceil(work.at_once * work.peak / CHATS_A_CONTAINER))
    size = CONTAINER_VCPU * prices.fargate_vcpu_hour + CONTAINER_GB * prices.fargate_gb_hour
    return Bill(
        {
            "containers": tasks * size * HOURS,
            "load balancer": prices.balancer_hour * HOURS + _balanced(work, prices),
            "addresses": (tasks + _BALANCER_ZONES) * prices.address_hour * HOURS,
            **_around(work, prices, free),
        }
    )


def machine(work: Work, prices: Prices, free: Free) -> Bill:
    """The smallest machines of EC2, with nothing before them: to be looked after by hand."""
    machines = max(1, ceil(work.at_once * work.peak / CHATS_A_CONTAINER))
    return Bill(
        {
            "machines": machines * prices.t4g_nano_hour * HOURS,
            "addresses": machines * prices.address_hour * HOURS,
            **_around(work, prices, free),
        }
    )


def instances(work: Work, prices: Prices, free: Free) -> Bill:
    """The stack with the chat function on Managed Instances (deploy/instances.yaml)."""
    environments = ceil(work.at_once * work.peak / CHATS_AN_ENVIRONMENT)
    count = max(MIN_INSTANCES, environments)  # an instance holds one, and the system
    hours = count * HOURS
    return Bill(
        {
            "instances": hours * prices.m7g_large_hour,
            "AWS's fee for them": hours * prices.m7g_large_hour * prices.instance_fee,
            "Lambda requests": work.chats * prices.lambda_request,
            "NAT gateway": prices.nat_hour * HOURS + _through_nat(work) * prices.nat_gb,
            **_front(work, prices, replace(free, requests=0.0)),
        }
    )


OPTIONS: Mapping[str, Option] = {
    "functions": functions,
    "functions, SnapStart": functions_with_snapstart,
    "container": container,
    "machine": machine,
    "Managed Instances": instances,
}
_MOST_CHATS = 1e9
_STEPS = 400


def break_even(option: Option, work: Work, prices: Prices, free: Free) -> float | None:
    """The fewest chats a month from which an option stays cheaper than functions.

    Returns:
        The number, or None if functions are cheaper, or level, up to a thousand million chats.

    """

    def dearer(chats: float) -> bool:
        month = replace(work, chats=chats)
        return option(month, prices, free).total >= functions(month, prices, free).total

    grid: list[float] = [_MOST_CHATS ** (step / _STEPS) for step in range(_STEPS + 1)]
    last = next((step for step in range(_STEPS, -1, -1) if dearer(grid[step])), None)
    if last is None:
        return 1.0
    if last == _STEPS:
        return None
    low, high = grid[last], grid[last + 1]
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (middle, high) if dearer(middle) else (low, middle)
    return high


def _chat_function(work: Work, prices: Prices, free: Free) -> dict[str, float]:
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


def _front(work: Work, prices: Prices, free: Free) -> dict[str, float]:
    """API Gateway, the authorizer, and what every option has around it."""
    streamed_mb = work.tokens * STREAM_BYTES_A_TOKEN / 1e6
    counted = max(1, ceil(streamed_mb / _CHUNK_MB))
    authorizer = AUTHORIZER_SECONDS * AUTHORIZER_MB * _MB * prices.lambda_gb_second_arm64
    return {
        "API Gateway": work.chats * counted * prices.api_request,
        "authorizer": work.chats * (prices.lambda_request + authorizer),
        **_around(work, prices, free),
    }


def _around(work: Work, prices: Prices, free: Free) -> dict[str, float]:
    """Logs, metrics, secrets and traffic."""
    environments = max(1.0, work.at_once)
    looks = min(work.chats, environments * SECONDS / _KEY_SECONDS)
    looks += min(work.chats, SECONDS / _CALLERS_SECONDS)
    metrics = max(0.0, work.providers * METRICS_A_PROVIDER - free.metrics)
    busy = min(1.0, work.chats / HOURS)  # a metric is paid in the hours in which it is sent
    watched = max(0.0, _ALARMS - free.alarms) * prices.alarm_month
    watched += max(0.0, _DASHBOARDS - free.dashboards) * prices.dashboard_month
    return {
        "traffic": max(0.0, work.gb_out - free.data_out_gb) * prices.data_out_gb,
        "logs": max(0.0, work.chats * LOG_BYTES / _GB - free.log_gb) * prices.log_gb,
        "metrics, alarms, dashboard": metrics * busy * prices.metric_month + watched,
        "secrets": _SECRETS * prices.secret_month + looks * prices.secret_call,
        "DynamoDB": work.chats * work.writes * prices.table_write,
    }


def _through_nat(work: Work) -> float:
    """GB to and from the providers."""
    return work.gb_out + work.chats * PROMPT_BYTES / _GB


def _balanced(work: Work, prices: Prices) -> float:
    """The load balancer's capacity units: of all that it counts, a GB an hour is the most here.

    https://aws.amazon.com/elasticloadbalancing/pricing/: or 25 new connections a second, or 3,000
    open ones.
    """
    units = max(
        (work.gb_out + work.chats * PROMPT_BYTES / _GB) / HOURS,
        work.chats / SECONDS / 25,
        work.at_once / 3_000,
    )
    return units * HOURS * prices.balancer_unit_hour
