"""Send the chats of the contract run through the gateway to the strict fakes, and judge each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chatd.aws_lambda.streaming import Collected
from chatd.aws_lambda.streaming_chat import StreamingChat
from chatd.call import Call
from chatd.composition import Composition, compose
from chatd.deadline import Deadline
from chatd.errors import ChatdError
from chatd.surfaces import surface
from tests.support.bedrock import signatures
from tests.support.bedrock.fake import FakeBedrock, fake_bedrock
from tests.support.bedrock.signatures import Key
from tests.support.upstream import upstream
from tests.support.vendors.fake import FakeVendors, Sent, environment

Json = Mapping[str, Any]
# Seconds for one chat; far more than a chat takes.
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a chat.

    Attributes:
        status: The status of the response.
        body: The response; of a stream, its events.
        dropped: The fields that the gateway names as left out.
        sent: The chats that reached the fake.
        refused: The refusals of the fake.

    """

    status: int
    body: Any
    dropped: tuple[str, ...]
    sent: tuple[Sent, ...]
    refused: tuple[str, ...]

    @property
    def error(self) -> Json:
        """The error of a refused chat; empty otherwise."""
        found: Json = self.body["error"] if self.status != 200 else {}
        return found

    def is_refused(self) -> bool:
        """Return whether the gateway refused the chat.

        Raises:
            AssertionError: If the vendor refused the request, or the gateway's refusal is late or
                without a type.

        """
        assert not self.refused, f"the vendor refuses the request: {self.refused[0]}"
        if self.status == 200:
            return False
        assert self.status == 400, f"{self.status}: {self.error}"
        assert not self.sent, f"refused after {len(self.sent)} requests: {self.error}"
        assert self.error["type"] == "invalid_request_error", self.error
        return True


@dataclass(frozen=True, slots=True)
class Run:
    """A gateway in this process, and the fakes behind it; Amazon Bedrock has its own."""

    parts: Composition
    fakes: FakeVendors
    bedrock: FakeBedrock

    def ask(self, model: str, body: Json, api: str = "openai_chat") -> Outcome:
        """Send a chat on a surface.

        Args:
            model: The model, with the provider's prefix.
            body: The request without the model.
            api: The surface's name.

        """
        self.fakes.forget()
        self.bedrock.log.clear()
        self.bedrock.refused.clear()
        call = Call("contract", Deadline.after(_PATIENCE))
        chosen = surface(api)
        text = json.dumps({**body, "model": model}).encode()
        try:
            request = self.parts.gateway.read(chosen, {}, lambda: text, call)
            if request.stream:
                sink = Collected()
                StreamingChat(self.parts.gateway, chosen, request, call).write_to(sink)
                return self._outcome(sink.status, _events(sink), sink.headers)
            reply = self.parts.gateway.chat(chosen, request, call)
        except ChatdError as error:
            refused = chosen.error(error, call.request_id)
            return self._outcome(refused.status, refused.body, {})
        return self._outcome(200, reply.body, reply.headers)

    def _outcome(self, status: int, body: Any, headers: Mapping[str, str]) -> Outcome:
        named = {name.lower(): value for name, value in headers.items()}
        dropped = named.get("x-chatd-dropped-params", "")
        return Outcome(
            status,
            json.loads(body) if isinstance(body, str | bytes) else body,
            tuple(dropped.split(", ")) if dropped else (),
            (
                *self.fakes.sent,
                *(Sent("bedrock", logged.path, logged.body) for logged in self.bedrock.chats()),
            ),
            (*self.fakes.refused, *self.bedrock.refused),
        )


def _events(sink: Collected) -> Any:
    text = bytes(sink.body).decode()
    if sink.status != 200:
        return text
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


@contextmanager
def running() -> Iterator[Run]:
    """Compose a gateway with every provider, each in front of its fake."""
    fakes = FakeVendors()
    with upstream(fakes.answer) as server, fake_bedrock() as bedrock:
        signed = signatures.environment(Key(), bedrock.access.region)
        addresses = {**environment(server.url), "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.url}
        parts = compose({"CHATD_CONFIG": os.devnull, **signed, **addresses})
        yield Run(parts, fakes, bedrock)
        parts.transport.forget()
