"""The story of one chat: route → key → build → send → parse → record.

It knows the order of things, and nothing of dialects, surfaces, sockets or events.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import SecretStr

from chatd.adapters import adapter_for
from chatd.chat import Answer, ChatRequest
from chatd.credentials import Credentials, standing
from chatd.deadline import Deadline
from chatd.errors import (
    AnswerTooLargeError,
    ChatdError,
    CredentialsUnavailableError,
    InternalError,
    ModelNotFoundError,
    RequestTooLargeError,
    UpstreamError,
)
from chatd.redaction import redacted
from chatd.routing import Route, routes
from chatd.settings import Settings, is_loopback
from chatd.surfaces import Served, Surface
from chatd.telemetry import Record, Telemetry, place_of
from chatd.transport import Transport

MAX_REQUEST_BYTES = 5 * 1024 * 1024
# A synchronous invocation returns 6 MB at most, and over HTTP the answer is a string within it:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_RETURNED_BYTES = 6 * 1024 * 1024 - 16 * 1024
_SURELY_FITS = MAX_RETURNED_BYTES // 12  # characters: none takes more than 12 bytes escaped twice


@dataclass(frozen=True, slots=True)
class Call:
    """What a door knows of a call: the invocation's id, and when it must have been answered."""

    request_id: str
    deadline: Deadline


class Gateway:
    """Serves chats.

    Args:
        settings: What this deployment serves.
        credentials: Looks up keys.
        transport: Sends.
        telemetry: Is told of every chat, once.

    """

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        transport: Transport,
        telemetry: Telemetry,
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._transport = transport
        self._telemetry = telemetry

    def chat(self, surface: Surface, body: Callable[[], bytes], call: Call) -> Mapping[str, Any]:
        """Serve one chat and tell of it.

        Args:
            surface: How the caller speaks.
            body: Gives what the caller sent, or raises an InvalidRequestError.
            call: Its id and deadline.

        Returns:
            The body to answer with.

        Raises:
            ChatdError: Whatever went wrong, in words that the caller may see.

        """
        record = Record(call.request_id)
        started = time.monotonic()
        try:
            return self._serve(surface, body(), call, record)
        except ChatdError as error:
            record.error = error.default_code
            raise
        except Exception as fault:  # noqa: BLE001  # the last line: logged by place, never by words
            record.error = InternalError.default_code
            record.fault = place_of(fault)
            raise InternalError("a fault of the gateway's own; its log has the place") from None
        finally:
            record.total_ms = _ms_since(started)
            self._telemetry.record(record)

    def _serve(
        self, surface: Surface, body: bytes, call: Call, record: Record
    ) -> Mapping[str, Any]:
        started = time.monotonic()
        if len(body) > MAX_REQUEST_BYTES:
            raise RequestTooLargeError(
                f"the body is larger than {MAX_REQUEST_BYTES // 1024 // 1024} MB"
            )
        request = surface.read(body)
        record.request_model = request.model
        route, key = self._registered(request.model)
        record.provider = route.provider.name
        record.named_model = route.model if route.named else None
        request = replace(request, model=route.model)
        try:
            answer = self._ask(route, key, request, call.deadline, record)
        except ChatdError as error:
            raise _told(error, route, key, request) from None
        record.response_model = answer.model
        record.finish_reason = answer.finish_reason
        record.usage = answer.usage
        served = Served(route.provider.name, route.model, _ms_since(started), call.request_id)
        return _returnable(surface.write(answer, served), answer)

    def _registered(self, model: str) -> tuple[Route, SecretStr | None]:
        """The first route whose provider is registered, and its key."""
        reasons = []
        for route in routes(model, self._settings):
            row = route.provider
            key = self._credentials.key_of(row)
            found = standing(row, key)
            if found.registered and found.reason is None:
                return route, key.value
            if found.registered:
                raise CredentialsUnavailableError(
                    f"the key of {row.name!r} could not be looked up: {found.reason}",
                    provider=row.name,
                )
            reasons.append(f"{row.name!r}, which is not registered ({found.reason})")
        raise ModelNotFoundError(
            f"the model {model!r} leads to {', then to '.join(reasons)};"
            " GET /v1/chat/providers lists what is",
            param="model",
        )

    def _ask(
        self,
        route: Route,
        key: SecretStr | None,
        request: ChatRequest,
        deadline: Deadline,
        record: Record,
    ) -> Answer:
        row = route.provider
        if self._settings.deployed and is_loopback(row.base_url):
            raise UpstreamError(
                f"its address is {row.base_url}, which on Lambda is the function itself;"
                f" set {row.base_url_variable or 'its base_url'} to where it really is"
            )
        adapter = adapter_for(row, request)
        sent = adapter.build(request, row, key)
        asked = time.monotonic()
        try:
            response = self._transport.send(
                sent, deadline.within(route.timeouts.total), route.timeouts.connect
            )
        finally:
            record.upstream_ms = _ms_since(asked)
        return adapter.parse(response)


def _told(
    error: ChatdError, route: Route, key: SecretStr | None, request: ChatRequest
) -> ChatdError:
    """The error under its provider's name, without the key or a quote of the conversation."""
    secrets = [key.get_secret_value()] if key else []
    prompts = [message.content for message in request.messages]
    if request.format not in (None, "json"):
        prompts.append(json.dumps(request.format))
    error.provider = route.provider.name
    error.message = redacted(
        f"{route.provider.name}: {error.message}", secrets=secrets, prompts=prompts
    )
    error.args = (error.message,)
    if error.code != redacted(error.code, secrets=secrets, prompts=prompts):
        error.code = error.default_code
    return error


def _returnable(body: Mapping[str, Any], answer: Answer) -> Mapping[str, Any]:
    """The body, if Lambda can return it."""
    if len(answer.content) + len(answer.thinking or "") > _SURELY_FITS:
        size = len(json.dumps(json.dumps(body, ensure_ascii=False)))
        if size > MAX_RETURNED_BYTES:
            raise AnswerTooLargeError("the answer is larger than the 6 MB that Lambda can return")
    return body


def _ms_since(moment: float) -> float:
    return (time.monotonic() - moment) * 1000
