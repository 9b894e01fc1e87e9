"""Warm every code path of a chat before a SnapStart snapshot.

A warm-up chat passes through a surface, the gateway and a provider's dialect as any other. Its
transport answers with the dialect's example: no key is looked up and nothing is sent or logged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any

from chatd.aws_lambda.embeddings import response
from chatd.aws_lambda.streaming import Collected
from chatd.aws_lambda.streaming_chat import StreamingChat
from chatd.call import Call
from chatd.config.provider import Provider, Timeouts
from chatd.config.settings import Settings
from chatd.credentials.provider_keys import Credentials
from chatd.deadline import Deadline
from chatd.dialects import Example, dialect_for, takes_completions
from chatd.dialects.embeddings import load_embedding_dialect
from chatd.embeddings.batches import BatchRunner
from chatd.embeddings.gateway import EmbeddingGateway
from chatd.errors import ChatdError
from chatd.gateway import Gateway
from chatd.resilience.attempt import AttemptRunner
from chatd.resilience.circuit_breaker import CircuitBreakers
from chatd.resilience.circuit_breaker_store import MemoryStore
from chatd.routing.embedding_targets import EmbeddingTargets
from chatd.routing.target_selection import TargetSelector
from chatd.surfaces import SURFACES, Surface, surface
from chatd.telemetry.record import ChatRecord
from chatd.telemetry.writer import Telemetry
from chatd.transport.http_client import RegisterCancel
from chatd.upstream_http import HttpRequest, HttpResponse

_SECONDS = 30.0
_KEY = "no-key"
_MODEL = "m"


class _SilentTelemetry(Telemetry):
    """Write no metrics and no log line for warm-up chats."""

    def record(self, record: ChatRecord) -> None:
        """Discard the record."""


@dataclass(frozen=True, slots=True)
class _ExampleStream:
    """A streamed answer in one chunk."""

    response: HttpResponse
    body: bytes
    caller_was_slow = False

    def chunks(self) -> Iterator[bytes]:
        yield self.body

    def note_first_event(self) -> None:
        """Ignore the call: no limit applies."""

    def note_end(self) -> None:
        """Ignore the call: no limit applies."""

    def close(self) -> None:
        """Do not close any connection: none is open."""


@dataclass(frozen=True, slots=True)
class _ExampleTransport:
    """A transport that answers every request with a dialect's example."""

    example: Example

    def send(
        self,
        request: HttpRequest,  # noqa: ARG002  # the protocol's
        deadline: Deadline,  # noqa: ARG002  # as above
        connect: float,  # noqa: ARG002  # as above
        register_cancel: RegisterCancel = lambda _cancel: None,  # noqa: ARG002  # as above
    ) -> HttpResponse:
        return HttpResponse(200, {"content-type": "application/json"}, self.example.whole)

    def open(
        self,
        _request: HttpRequest,
        _deadline: Deadline,
        _limits: Timeouts,
        _register_cancel: RegisterCancel,
    ) -> _ExampleStream:
        headers = {"content-type": self.example.media_type}
        return _ExampleStream(HttpResponse(200, headers, b""), self.example.stream)


def warm_up(settings: Settings) -> list[ChatdError]:
    """Send each surface's examples to one provider of each group that uses the same code.

    Returns:
        The failures. A failed chat loads the code for failures, and does not stop a start.

    """
    providers = {name: _without_role(row) for name, row in settings.providers.items()}
    settings = replace(settings, tiers={}, providers=providers)
    by_code = {_code_of(row): row for row in settings.providers.values() if row.excluded is None}
    rows = by_code.values()
    keys = {row.key_variable: _KEY for row in rows if row.key_variable}
    keys |= {"AWS_ACCESS_KEY_ID": _KEY, "AWS_SECRET_ACCESS_KEY": _KEY}
    selector = TargetSelector(settings, Credentials(keys, None, lambda _sentence: None))
    if any(row.dialect == "ollama" for row in rows):
        import_module("chatd.routing.context_limit")  # only for a model with a known context
    failures = []
    for row in rows:
        for name in SURFACES:
            for body in surface(name).examples:
                try:
                    _chat(selector, surface(name), row, body)
                except ChatdError as failure:
                    failures.append(failure)
        try:
            _embeddings(settings, selector, row)
        except ChatdError as failure:
            failures.append(failure)
    return failures


def _without_role(row: Provider) -> Provider:
    """Return the row without the role to assume, which needs a request to AWS STS."""
    if row.aws is None or row.aws.role_arn is None:
        return row
    import_module("chatd.credentials.aws_sts")
    return replace(row, aws=replace(row.aws, role_arn=None))


def _code_of(row: Provider) -> tuple[object, ...]:
    """Return the fields of a row that decide which modules its chats use."""
    variants = tuple(sorted(row.variants.items()))
    rest = (row.aws is not None, row.embeddings_api is not None)
    return (row.dialect, row.endpoint, row.own_dialects, row.honours_format, variants, *rest)


def _chat(selector: TargetSelector, api: Surface, row: Provider, body: Mapping[str, Any]) -> None:
    text = json.dumps({**body, "model": f"{row.prefix}{_MODEL}"}).encode()
    call = Call("warm-up", Deadline.after(_SECONDS))
    request = api.read({}, text)
    if request.completion is not None and not takes_completions(row, request):
        return
    # A row may take the dialect of the surface.
    dialect = dialect_for(row, request.to(_MODEL, stream=request.stream))
    runner = AttemptRunner(
        selector, _ExampleTransport(dialect.example), CircuitBreakers(MemoryStore)
    )
    gateway = Gateway(selector, runner, _SilentTelemetry())
    if request.stream:
        StreamingChat(gateway, api, request, call).write_to(Collected())
    else:
        gateway.chat(api, request, call)


def _embeddings(settings: Settings, selector: TargetSelector, row: Provider) -> None:
    """Send a request for embeddings in each dialect of a row."""
    api = row.embeddings_api
    if api is None:
        return
    for name in filter(None, (api.dialect, *(name for _, name in api.model_dialects))):
        own = replace(row, embeddings=replace(api, dialect=name, model_dialects=()))
        targets = EmbeddingTargets(replace(settings, providers={row.name: own}), selector)
        answer = _ExampleTransport(Example(load_embedding_dialect(name).example, b""))
        runner = BatchRunner(targets, answer, CircuitBreakers(MemoryStore))
        gateway = EmbeddingGateway(targets, runner, lambda _record, _call: None)
        call = Call("warm-up", Deadline.after(_SECONDS))
        body = json.dumps({"model": f"{row.prefix}{_MODEL}", "input": "Hello"}).encode()
        response(gateway.embed(partial(bytes, body), call), call)
