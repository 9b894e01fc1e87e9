"""What environments tell each other through a table, and what becomes of a chat without it."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from chatd.errors import UpstreamError
from chatd.resilience.circuit_breaker_dynamodb import SharedStore, shared
from chatd.resilience.circuit_breaker_store import MemoryStore
from tests.support.circuits import Clock, Environment, make_table
from tests.support.upstream import Received, Script, reply, silent, upstream

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FUNCTIONS = Path(__file__).parents[3] / "functions"


# Seconds for an answer of the table where there is one: a busy machine may need some.
PATIENCE = 20.0


class Shared(Environment):
    """An environment with a table, which counts what is sent there."""

    store: SharedStore

    def __init__(self, table: str, clock: Clock, patience: float = PATIENCE) -> None:
        config = Config(
            connect_timeout=patience, read_timeout=patience, retries={"total_max_attempts": 1}
        )
        client = boto3.client("dynamodb", config=config)
        super().__init__(SharedStore(table, client, self._warn, clock), clock)
        self.table_warnings: list[str] = []
        self.sent: list[str] = []
        client.meta.events.register("before-send.dynamodb", self._count)

    def close(self) -> None:
        super().close()
        self.store.client.close()

    def _warn(self, sentence: str) -> None:
        self.table_warnings.append(sentence)

    def _count(self, event_name: str, **_: object) -> None:
        self.sent.append(event_name.rpartition(".")[2])


Make = Callable[[], Shared]


@pytest.fixture
def environment(circuits_table: str, clock: Clock) -> Iterator[Make]:
    """Makes environments of one deployment."""
    made: list[Shared] = []

    def make() -> Shared:
        made.append(Shared(circuits_table, clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_every_environment_learns_of_an_open_circuit_within_five_seconds(
    environment: Make, clock: Clock
) -> None:
    here, there = environment(), environment()
    there.chat()
    here.fails(5)
    clock.unix += 5

    assert there.refusal()
    assert environment().refusal()


def test_only_one_environment_probes_at_a_time(environment: Make, clock: Clock) -> None:
    here, there = environment(), environment()
    here.fails(5)
    clock.unix += 15
    refusals: list[object] = []
    here.chat(meanwhile=lambda: refusals.append(there.refusal()))

    assert refusals[0]
    assert there.asked == 0


def test_two_who_would_probe_at_once_are_told_apart_by_the_table(
    environment: Make, clock: Clock
) -> None:
    here, there = environment(), environment()
    here.fails(5)
    clock.unix += 14
    assert there.refusal()
    clock.unix += 1
    refusals: list[object] = []
    # What `there` has read is a second old: only its election shows that `here` was sooner.
    here.chat(meanwhile=lambda: refusals.extend(there.refusal() for _ in range(20)))

    assert all(refusals)
    assert there.sent == ["Query", "PutItem"]


def test_a_probe_that_goes_well_closes_the_circuit_everywhere_within_five_seconds(
    environment: Make, clock: Clock
) -> None:
    here, there = environment(), environment()
    here.fails(5)
    there.refusal()
    clock.unix += 15
    here.chat()
    assert here.refusal() is None
    clock.unix += 5

    assert there.refusal() is None
    assert there.sent.count("PutItem") == 0


def test_a_probe_that_fails_opens_the_circuit_everywhere(environment: Make, clock: Clock) -> None:
    here, there = environment(), environment()
    here.fails(5)
    clock.unix += 15
    here.fails(1)
    clock.unix += 14

    assert there.refusal()


def test_a_probe_is_taken_over_from_an_environment_that_is_gone(
    environment: Make, clock: Clock
) -> None:
    here, there = environment(), environment()
    here.fails(5)
    clock.unix += 15
    here.ends_with(KeyError("the environment dies"))
    assert there.refusal()
    clock.unix += 15

    assert there.refusal() is None


def test_a_probe_that_hung_and_was_overtaken_does_not_open_the_circuit_again(
    environment: Make, clock: Clock
) -> None:
    here, there = environment(), environment()

    def meanwhile() -> None:
        clock.unix += 16
        assert there.refusal() is None

    here.fails(5)
    clock.unix += 15
    with pytest.raises(UpstreamError):
        here.chat(UpstreamError("slow"), meanwhile=meanwhile)
    clock.unix += 5

    assert environment().refusal() is None
    assert here.refusal() is None
    assert here.table_warnings == []


def test_a_circuit_that_closed_elsewhere_closes_here_with_its_count(
    environment: Make, clock: Clock
) -> None:
    here, there = environment(), environment()
    here.chat()
    here.fails(4)
    there.fails(5)
    clock.unix += 5
    assert here.refusal()
    clock.unix += 10
    there.chat()
    clock.unix += 5
    here.fails(4)

    assert here.refusal() is None


def test_a_circuit_that_closed_elsewhere_needs_a_second_request_again(
    environment: Make, clock: Clock
) -> None:
    here, there = environment(), environment()
    here.chat()
    here.fails(4)
    there.fails(5)
    clock.unix += 5
    assert here.refusal()
    clock.unix += 10
    there.chat()
    clock.unix += 5
    here.fails(6, source="one")

    assert here.refusal() is None


def test_twenty_circuits_and_a_thousand_chats_cost_one_read_in_five_seconds(
    environment: Make, clock: Clock
) -> None:
    here = environment()
    for chat in range(1000):
        here.chat(name=f"kimi/k{chat % 20}")
        here.ended(f"kimi/k{chat % 20}")
        clock.unix += 0.01

    assert here.sent == ["Query", "Query"]


def test_reading_never_undoes_what_was_just_written(environment: Make) -> None:
    # moto's every read is consistent, so only the request tells.
    here = environment()
    asked: list[bool] = []
    here.store.client.meta.events.register(
        "provide-client-params.dynamodb.Query",
        lambda params, **_: asked.append(params["ConsistentRead"]),
    )
    here.chat()

    assert asked == [True]


def test_only_transitions_are_written(environment: Make, clock: Clock) -> None:
    here = environment()
    here.fails(4)
    here.chat()
    here.ended()
    here.died()
    assert here.sent == ["Query"]
    here.ended()
    here.fails(5)
    for _ in range(14):
        here.refusal()
        clock.unix += 1
    clock.unix += 1
    here.chat()

    assert [sent for sent in here.sent if sent != "Query"] == ["PutItem", "PutItem", "UpdateItem"]


def test_the_table_holds_names_times_and_when_it_forgets(
    environment: Make, clock: Clock, dynamodb: DynamoDBClient
) -> None:
    environment().fails(5, "kimi/k3")

    (item,) = dynamodb.scan(TableName="circuits")["Items"]

    assert item == {
        "id": {"S": "chatd"},
        "circuit": {"S": "kimi/k3"},
        "state": {"S": "OPEN"},
        "failure_count": {"N": "5"},
        "opened_at": {"N": str(int(clock.unix))},
        "expiration": {"N": str(int(clock.unix) + 15 + 3600)},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"state": {"S": "AJAR"}},
        {"state": {"S": "OPEN"}, "opened_at": {"S": "yesterday"}},
        {"state": {"S": "OPEN"}, "opened_at": {"L": []}},
    ],
)
def test_an_item_that_is_no_circuit_is_passed_over(
    environment: Make, dynamodb: DynamoDBClient, wrong: dict[str, Any]
) -> None:
    environment().fails(5, "kimi/k3")
    key = {"id": {"S": "chatd"}, "circuit": {"S": "ollama"}}
    dynamodb.put_item(TableName="circuits", Item={**key, **wrong})
    here = environment()

    assert here.refusal() is None
    assert here.refusal("kimi/k3")


def denied(action: str = "") -> Script:
    """A DynamoDB that refuses that action, or all, and otherwise has nothing and takes anything."""
    refusal = reply({"__type": "x#AccessDeniedException", "Message": "secret words"}, status=400)

    def script(connection: socket.socket, received: Received) -> None:
        asked = received.headers["x-amz-target"]
        (refusal if asked.endswith(action) else reply({"Items": []}))(connection, received)

    return script


Broken = tuple[Shared, str]


@pytest.fixture(
    params=["missing", "denied", "unwritable", "garbage", "a list", "broken", "down", "black hole"]
)
def broken(
    request: pytest.FixtureRequest,
    dynamodb: DynamoDBClient,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Broken]:
    """An environment whose table fails, and what it says of that."""
    with upstream(denied()) as server:
        faults: dict[str, tuple[str, Script | None]] = {
            "missing": ("read (ResourceNotFoundException)", None),
            "denied": ("read (AccessDeniedException)", denied()),
            "unwritable": ("written (AccessDeniedException)", denied("PutItem")),
            "garbage": ("read (KeyError)", reply(b"<html>")),
            "a list": ("read (AttributeError)", reply([])),
            "broken": (
                "read (InternalServerError)",
                reply({"__type": "x#InternalServerError"}, status=500),
            ),
            "down": ("read (EndpointConnectionError)", None),
            "black hole": ("read (ReadTimeoutError)", silent(server)),
        }
        words, script = faults[request.param]
        if script:
            server.script = script
            monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        if request.param == "down":
            monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
        patience = 0.5 if request.param == "black hole" else PATIENCE
        environment = Shared("no-such-table", clock, patience)
        yield environment, words
        environment.close()


def test_a_broken_table_costs_a_chat_no_more_than_one_bounded_wait(broken: Broken) -> None:
    environment, _ = broken
    started = time.monotonic()
    for _ in range(100):
        assert environment.chat() == "the first event"
        environment.ended()

    assert time.monotonic() - started < 20  # a hundred bounded waits are a minute and more
    assert len(environment.sent) <= 1


def test_a_broken_table_leaves_each_environment_its_own_circuits(
    broken: Broken, clock: Clock
) -> None:
    environment, _ = broken
    environment.fails(5)
    refusal = environment.refusal()
    assert refusal
    assert refusal.retry_after == 15
    clock.unix += 15
    environment.fails(1)
    assert environment.refusal()
    clock.unix += 14
    assert environment.refusal()
    clock.unix += 1
    environment.chat()
    environment.fails(4)

    assert environment.refusal() is None


def test_a_broken_table_is_told_of_in_one_line_and_let_be_for_thirty_seconds(
    broken: Broken, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    environment, words = broken
    environment.fails(5)
    for _ in range(14):
        clock.unix += 2
        environment.refusal()
    told = (
        f"the circuits' table 'no-such-table' could not be {words};"
        " this environment uses its own state for 30 s"
    )
    assert environment.table_warnings == [told]
    clock.unix += 2
    environment.fails(5, "kimi/k3")

    assert environment.table_warnings == [told, told]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_table_that_is_back_is_used_again(
    environment: Make, clock: Clock, dynamodb: DynamoDBClient
) -> None:
    here, there = environment(), environment()
    dynamodb.delete_table(TableName="circuits")
    here.fails(5)
    make_table(dynamodb, "circuits")
    assert there.refusal() is None
    clock.unix += 30
    assert here.refusal() is None
    here.fails(5)

    assert there.refusal()
    assert len(here.table_warnings) == 1


def test_a_client_gives_up_soon_and_does_not_try_again(dynamodb: DynamoDBClient) -> None:
    store = shared("circuits", print)

    assert isinstance(store, SharedStore)
    config: Any = store.client.meta.config  # its attributes are made at run time
    store.client.close()
    assert config.connect_timeout + config.read_timeout <= 1
    assert config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("AWS_DEFAULT_REGION", None, "NoRegionError"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "dynamodb", "ValueError"),
    ],
)
def test_an_environment_that_cannot_have_a_client_has_circuits_of_its_own(
    dynamodb: DynamoDBClient,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str | None,
    reason: str,
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv(variable, value) if value else monkeypatch.delenv(variable)
    warnings: list[str] = []

    assert isinstance(shared("circuits", warnings.append), MemoryStore)
    assert warnings == [f"no client of DynamoDB can be made ({reason}); circuits are not shared"]


def test_an_empty_endpoint_is_unset(
    circuits_table: str, dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", dynamodb.meta.endpoint_url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "")
    warnings: list[str] = []
    store = shared(circuits_table, warnings.append)
    assert isinstance(store, SharedStore)
    store.save_open("ollama", 5, 0)
    store.client.close()

    assert warnings == []
    assert len(dynamodb.scan(TableName=circuits_table)["Items"]) == 1


def test_circuits_of_one_environment_need_no_boto3() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(FUNCTIONS)!r})
from chatd.resilience.circuit_breaker import CircuitBreakers
from chatd.resilience.circuit_breaker_store import MemoryStore
assert not [name for name in sys.modules if name.startswith("aws_lambda_powertools")
            and "circuit_breaker" in name]
circuits = CircuitBreakers(MemoryStore)
assert circuits.guarded("ollama", lambda: 1, lambda error: None) == 1
circuits.died("ollama", "")
raise SystemExit("imports boto3" if "boto3" in sys.modules else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
