"""botocore reads what the tests' encoder of event streams writes."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from botocore.eventstream import EventStreamBuffer

from tests.support.bedrock import event_stream


def _read(data: bytes) -> list[Any]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return list(buffer)


def test_botocore_reads_an_event_an_exception_and_an_error() -> None:
    data = (
        event_stream.event("contentBlockDelta", {"delta": {"text": "é"}, "contentBlockIndex": 0})
        + event_stream.exception("throttlingException", "too many")
        + event_stream.error("InternalFailure", "broken")
    )

    event, exception, error = _read(data)

    assert event.headers == {
        ":event-type": "contentBlockDelta",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert json.loads(event.payload) == {"delta": {"text": "é"}, "contentBlockIndex": 0}
    assert exception.headers[":exception-type"] == "throttlingException"
    assert exception.headers[":message-type"] == "exception"
    assert json.loads(exception.payload) == {"message": "too many"}
    assert error.headers == {
        ":error-code": "InternalFailure",
        ":error-message": "broken",
        ":message-type": "error",
    }
    assert error.payload == b""


def test_botocore_reads_headers_of_each_type() -> None:
    headers: dict[str, event_stream.HeaderValue] = {
        "yes": True,
        "no": False,
        "n": -7,
        "raw": b"\x00\xff",
        "text": "ü",
        "id": UUID(int=5),
    }

    (message,) = _read(event_stream.message(headers, b"payload"))

    assert message.headers == {**headers, "id": UUID(int=5).bytes}
    assert message.payload == b"payload"
