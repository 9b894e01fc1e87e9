"""The table's client has short timeouts; without a client circuits are not shared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from chatd.resilience.circuit_breaker_dynamodb import SharedStore, shared
from chatd.resilience.circuit_breaker_store import MemoryStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


FUNCTIONS = Path(__file__).parents[3] / "functions"


def test_the_client_waits_a_second_at_most_and_does_not_retry(dynamodb: DynamoDBClient) -> None:
    store = shared("circuits", print)

    assert isinstance(store, SharedStore)
    config: Any = store.client.meta.config  # its attributes are created at run time
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
def test_an_environment_without_a_client_does_not_share_its_circuits(
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


def test_an_empty_endpoint_variable_counts_as_unset(
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


def test_circuits_in_memory_import_no_boto3() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(FUNCTIONS)!r})
from chatd.resilience.circuit_breaker import CircuitBreakers
from chatd.resilience.circuit_breaker_store import MemoryStore
assert not [name for name in sys.modules if name.startswith("aws_lambda_powertools")
            and "circuit_breaker" in name]
circuits = CircuitBreakers(MemoryStore)
assert circuits.guarded("ollama", lambda: 1, lambda error: None) == 1
circuits.record_failure("ollama", "")
raise SystemExit("imports boto3" if "boto3" in sys.modules else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
