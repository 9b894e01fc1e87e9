"""Compose the parts of a function from the environment and chatd.toml: the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING

from chatd.config.settings import Settings, load
from chatd.credentials.provider_keys import Credentials
from chatd.credentials.secrets_manager import JsonSecret, SecretsManager
from chatd.dialects import DIALECTS
from chatd.gateway import Gateway
from chatd.resilience.attempt import AttemptRunner
from chatd.resilience.circuit_breaker import CircuitBreakers
from chatd.resilience.circuit_breaker_store import MemoryStore, Store
from chatd.routing.target_selection import TargetSelector
from chatd.telemetry.writer import Telemetry
from chatd.transport.http_client import Urllib3Transport

if TYPE_CHECKING:
    from chatd.embeddings.gateway import EmbeddingGateway
    from chatd.idempotency import Records
    from chatd.idempotency.execution import IdempotentExecution
    from chatd.resilience.guards import Guards
    from chatd.stored_responses import Rows
    from chatd.stored_responses.store import ResponseStore
    from chatd.token_counter import TokenCounter


@dataclass(frozen=True, slots=True, eq=False)
class Composition:
    """The parts of a running function."""

    settings: Settings
    credentials: Credentials
    gateway: Gateway
    transport: Urllib3Transport
    warn: Callable[[str], None]
    manager: SecretsManager
    circuits: CircuitBreakers

    def prepare(self) -> None:
        """Load the code that a first chat needs, without a key lookup or a connection."""
        from chatd.aws_lambda import warmup  # noqa: PLC0415  # only for copies
        from chatd.aws_lambda.warm_boto3 import dry_call  # noqa: PLC0415  # as above

        warmup.warm_up(self.settings)
        # The first lookup of a host name loads this codec.
        "localhost".encode("idna")
        if self.settings.secret_id:
            dry_call("secretsmanager", "get_secret_value", SecretId="none")
        tables = (
            (self.settings.circuits_table, ("resilience.circuit_breaker_dynamodb",)),
            (self.settings.idempotency_table, ("idempotency.execution", "idempotency.dynamodb")),
            (
                self.settings.responses_table,
                ("stored_responses.store", "stored_responses.dynamodb"),
            ),
        )
        for table, modules in tables:
            if table:
                for module in modules:
                    import_module(f"chatd.{module}")
                dry_call(
                    "dynamodb",
                    "delete_item",
                    TableName="none",
                    Key={"id": {"S": "none"}},
                )

    def forget(self) -> None:
        """Drop the state that a snapshot must not carry: connections, keys, circuit breakers."""
        self.transport.forget()
        self.credentials.forget()
        self.manager.forget()
        self.circuits.forget()


def compose(environ: Mapping[str, str]) -> Composition:
    """Build the parts of a function.

    Raises:
        ConfigError: If chatd.toml or the environment is invalid.

    """
    settings = load(environ, DIALECTS)
    telemetry = Telemetry(settings.metrics_namespace)
    manager = SecretsManager(environ)
    secret = JsonSecret(settings.secret_id, manager.fetch) if settings.secret_id else None
    transport = Urllib3Transport()
    credentials = Credentials(environ, secret, telemetry.warn, transport=transport)
    selector = TargetSelector(settings, credentials)
    circuits = CircuitBreakers(partial(_store, settings, telemetry.warn), telemetry.warn)
    guards = _guards(settings, credentials, transport)
    runner = AttemptRunner(selector, transport, circuits, guards)
    gateway = Gateway(selector, runner, telemetry)
    return Composition(settings, credentials, gateway, transport, telemetry.warn, manager, circuits)


def _guards(
    settings: Settings, credentials: Credentials, transport: Urllib3Transport
) -> Guards | None:
    """Make the guards; import the modules only where a row has a guardrail."""
    if not any(row.gateway_guardrail for row in settings.providers.values()):
        return None
    from chatd.guardrails.guards import BedrockGuards  # noqa: PLC0415  # see above

    return BedrockGuards(credentials, transport)


def _store(settings: Settings, warn: Callable[[str], None]) -> Store:
    """Make the store of the circuit breakers: the deployment's table, or memory."""
    if settings.circuits_table is None:
        return MemoryStore()
    from chatd.resilience.circuit_breaker_dynamodb import shared  # noqa: PLC0415  # it imports boto3

    return shared(settings.circuits_table, warn)


def token_counter(parts: Composition) -> TokenCounter:
    """Build the counter of `/v1/messages/count_tokens`, whose modules are imported on first use."""
    from chatd.token_counter import TokenCounter  # noqa: PLC0415  # for one route only

    selector = TargetSelector(parts.settings, parts.credentials)
    return TokenCounter(selector, parts.transport, Telemetry())


def embedding_gateway(parts: Composition) -> EmbeddingGateway:
    """Build the gateway of `/v1/embeddings`, whose modules are imported on first use."""
    from chatd.embeddings.batches import BatchRunner  # noqa: PLC0415  # for one route only
    from chatd.embeddings.gateway import EmbeddingGateway  # noqa: PLC0415  # as above
    from chatd.routing.embedding_targets import EmbeddingTargets  # noqa: PLC0415  # as above

    selector = TargetSelector(parts.settings, parts.credentials)
    targets = EmbeddingTargets(parts.settings, selector)
    runner = BatchRunner(targets, parts.transport, parts.circuits)
    return EmbeddingGateway(targets, runner, parts.gateway.finish)


def once(environ: Mapping[str, str], settings: Settings) -> IdempotentExecution:
    """Build the execution of requests with an `Idempotency-Key`.

    Most requests have no key, so the modules are imported on the first use.
    """
    from chatd.idempotency.execution import IdempotentExecution  # noqa: PLC0415  # see above

    return IdempotentExecution(_records(environ, settings), Telemetry())


def _records(environ: Mapping[str, str], settings: Settings) -> Records | None:
    if settings.idempotency_table:
        from chatd.idempotency.dynamodb import DynamoDB  # noqa: PLC0415  # it imports boto3

        return DynamoDB(settings.idempotency_table, environ)
    if settings.idempotency_file:
        from chatd.idempotency.sqlite import Sqlite  # noqa: PLC0415  # never needed on Lambda

        return Sqlite(settings.idempotency_file)
    return None


def stored_responses(environ: Mapping[str, str], settings: Settings) -> ResponseStore | None:
    """Build the store of the responses of `/v1/responses`; None if the deployment has none.

    The store opens its table or file on the first use.
    """
    if not (settings.responses_table or settings.responses_file):
        return None
    from chatd.stored_responses.store import ResponseStore  # noqa: PLC0415  # for one surface only

    rows = cache(partial(_response_rows, environ, settings))
    return ResponseStore(rows, settings.responses_days, Telemetry().warn)


def _response_rows(environ: Mapping[str, str], settings: Settings) -> Rows:
    if settings.responses_table:
        from chatd.stored_responses.dynamodb import DynamoDB  # noqa: PLC0415  # it imports boto3

        return DynamoDB(settings.responses_table, environ)
    from chatd.stored_responses.sqlite import Sqlite  # noqa: PLC0415  # never needed on Lambda

    return Sqlite(str(settings.responses_file))
