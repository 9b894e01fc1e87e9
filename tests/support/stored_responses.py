"""Stores of responses for the tests, and requests to the chat function that use a store."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import chat.app
from chatd.aws_lambda.streaming import Collected
from chatd.stored_responses import RowKey, Rows, StoreUnavailableError
from tests.support.functions import HttpResult, LambdaContext, http_event

TABLE = "responses"


class ManualClock:
    """Seconds since 1970, as the test sets them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class MemoryRows:
    """Hold rows in memory; count the calls, and fail on demand."""

    def __init__(self) -> None:
        self.rows: dict[RowKey, bytes] = {}
        self.expires: dict[RowKey, int] = {}
        self.calls: list[str] = []
        self.fail = False

    def read(self, keys: Sequence[RowKey]) -> Mapping[RowKey, bytes]:
        self._called("read")
        return {key: self.rows[key] for key in keys if key in self.rows}

    def write(self, rows: Mapping[RowKey, bytes], expires: int) -> None:
        self._called("write")
        self.rows.update(rows)
        self.expires.update(dict.fromkeys(rows, expires))

    def delete(self, keys: Sequence[RowKey]) -> None:
        self._called("delete")
        for key in keys:
            self.rows.pop(key, None)

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.fail:
            raise StoreUnavailableError("the table is away")


_: Rows = MemoryRows()


PATH = "/v1/responses"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request of `/v1/responses`, whole or streamed.

    Attributes:
        status: The status.
        headers: The headers by lower-case name.
        json: The body; of a stream the response object of the last event.

    """

    status: int
    headers: Mapping[str, str]
    json: Any


def respond(sink: Collected | None = None, caller: str = "me", **body: Any) -> Reply:
    """Send a request to the chat function, with an id of its own as on Lambda."""
    context = LambdaContext(aws_request_id=str(uuid.uuid4()))
    event = http_event("POST", PATH, json.dumps({"input": "Hello", **body}))
    event["requestContext"]["authorizer"] = {"principalId": caller}
    answer: Any = chat.app.lambda_handler(event, context)
    if isinstance(answer, dict):
        headers = {name.lower(): values[0] for name, values in answer["multiValueHeaders"].items()}
        return Reply(answer["statusCode"], headers, json.loads(answer["body"]))
    sink = sink or Collected()
    answer.write_to(sink)
    headers = {name.lower(): value for name, value in sink.headers.items()}
    _, _, data = bytes(sink.body).rstrip().rpartition(b"data: ")
    return Reply(sink.status, headers, json.loads(data).get("response"))


def stored(name: str, caller: str = "me", method: str = "GET") -> HttpResult:
    """GET or DELETE a stored response."""
    resource = f"{PATH}/{{id}}"
    event = http_event(method, f"{PATH}/{name}", resource=resource, pathParameters={"id": name})
    event["requestContext"]["authorizer"] = {"principalId": caller}
    answer: Any = chat.app.lambda_handler(event, LambdaContext())
    return HttpResult(answer["statusCode"], {}, json.loads(answer["body"]))
