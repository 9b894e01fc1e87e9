"""Read, run and write golden cases. README.md beside this file describes their format."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatd.surfaces import SURFACES
from tests.golden.volatile import Masked
from tests.support import functions
from tests.support.bedrock import event_stream
from tests.support.upstream import Received, Script, Upstream, chunked, reply

FOLDER = Path(__file__).parent
KEY = "sk-golden-0123456789"
KEY_VARIABLE = "GOLDEN_API_KEY"
_INPUTS = ("about", "config", "row", "request", "upstream_response")
# Headers that every request to a provider has, or every response to a caller.
_USUAL_UPSTREAM = {
    *("accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"),
}
_USUAL_RESPONSE = {"cache-control", "content-type", "request-id", "x-request-id"}
_FRAME = re.compile(rb"(?:event: (?P<event>[^\n]+)\n)?data: (?P<data>\{[^\n]*\})\n\n")
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Case:
    """A golden file.

    Attributes:
        path: The file.
        content: Its JSON.

    """

    path: Path
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        """`<surface>--<dialect>/<case>`."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def surface(self) -> str:
        return self.path.parent.name.partition("--")[0]

    @property
    def dialect(self) -> str:
        return self.path.parent.name.partition("--")[2]

    @property
    def row(self) -> Mapping[str, Any]:
        row: Mapping[str, Any] = self.content["row"]
        return row

    def config(self, url: str) -> str:
        """Write the chatd.toml that puts the row's provider at this address."""
        table = {"base_url": url, "key_variable": KEY_VARIABLE, **self.row}
        name = table.pop("name")
        lines = [*_toml(self.content.get("config", {})), f"[providers.{name}]", *_toml(table)]
        return "\n".join(lines)

    def run(self, server: Upstream) -> dict[str, Any]:
        """Run the case against a provider; return the observed `expected` half of the file."""
        server.received.clear()
        server.script = _script(self.content["upstream_response"])
        response = self._response()
        sent = [_upstream_request(received) for received in server.received]
        masked = Masked()
        return {
            "upstream_request": masked.of(sent[0] if len(sent) == 1 else sent or None),
            "response": masked.of(response),
        }

    def _response(self) -> dict[str, Any]:
        request = self.content["request"]
        headers = request.get("headers", {})
        more = {
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
        }
        path, body = SURFACES[self.surface].path, request["body"]
        if not body.get("stream"):
            whole = functions.post(body, path, **more)
            return _response(whole.status, whole.headers, "body", whole.json)
        stream = functions.stream(body, path, **more)
        if stream.headers["content-type"] != "text/event-stream":
            return _response(stream.status, stream.headers, "body", json.loads(stream.body))
        return _response(stream.status, stream.headers, "frames", frames(stream.body))

    def with_expected(self, expected: Mapping[str, Any]) -> str:
        """Write the file's text with this `expected` half."""
        inputs = {name: self.content[name] for name in _INPUTS if name in self.content}
        return written({**inputs, "expected": expected}) + "\n"


def cases() -> Iterator[Case]:
    """Read every golden file."""
    for path in sorted(FOLDER.glob("*--*/*.json")):
        yield Case(path, json.loads(path.read_text("utf-8")))


def frames(body: bytes) -> list[Any]:
    """Split a stream into frames.

    Returns:
        The object of a frame with JSON alone, `[event, object]` of a named one, and the text of
        any other frame, such as `data: [DONE]`.

    """
    pieces = re.findall(rb".*?\n\n|.+", body, flags=re.DOTALL)
    return [_frame(piece) for piece in pieces]


def written(value: Any, indent: int = 0, used: int = 0) -> str:
    """Write JSON, with each value that fits into 100 columns on one line.

    Args:
        value: The JSON value.
        indent: Columns of the line that the value begins on.
        used: Columns before and after the value on that line.

    """
    text = json.dumps(value, ensure_ascii=False)
    if indent + used + len(text) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return text
    margin = " " * (indent + 2)
    if isinstance(value, dict):
        items = [
            f"{margin}{(key := json.dumps(name, ensure_ascii=False))}: "
            + written(item, indent + 2, len(key) + 3)
            for name, item in value.items()
        ]
        opening, closing = "{", "}"
    else:
        items = [margin + written(item, indent + 2, 1) for item in value]
        opening, closing = "[", "]"
    return f"{opening}\n" + ",\n".join(items) + f"\n{' ' * indent}{closing}"


def _toml(table: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {json.dumps(value)}" for name, value in table.items()]


def _frame(piece: bytes) -> Any:
    found = _FRAME.fullmatch(piece)
    if found is None:
        return piece.decode()
    data = json.loads(found["data"])
    return data if found["event"] is None else [found["event"].decode(), data]


def _script(response: Mapping[str, Any]) -> Script:
    headers = response.get("headers", {})
    if "stream" not in response:
        return reply(response["body"], response.get("status", 200), headers)

    def script(connection: socket.socket, received: Received) -> None:
        content_type, encoded = _encoding(received.path)
        pieces = [
            item.encode() if isinstance(item, str) else encoded(item) for item in response["stream"]
        ]
        chunked(pieces, content_type, headers)(connection, received)

    return script


def _encoding(path: str) -> tuple[str, Callable[[Any], bytes]]:
    """Return the content type of a provider's stream, and what encodes one item of it."""
    if path.startswith("/api/"):
        return "application/x-ndjson", _line
    if path.endswith("/converse-stream"):
        return event_stream.CONTENT_TYPE, _message
    return "text/event-stream", _event


def _line(data: Any) -> bytes:
    return f"{json.dumps(data, ensure_ascii=False)}\n".encode()


def _event(item: Any) -> bytes:
    name, data = item if isinstance(item, list) else (None, item)
    return (f"event: {name}\n" if name else "").encode() + b"data: " + _line(data) + b"\n"


def _message(item: Any) -> bytes:
    """Write an event or an exception of Bedrock as a binary message."""
    name, data = item
    if name.endswith("Exception"):
        return event_stream.exception(name, data["message"])
    return event_stream.event(name, data)


def _upstream_request(received: Received) -> dict[str, Any]:
    request: dict[str, Any] = {"path": received.path}
    if headers := _without(received.headers, _USUAL_UPSTREAM):
        request["headers"] = {
            name: value.replace(KEY, "<key>") for name, value in sorted(headers.items())
        }
    return {**request, "body": received.json}


def _response(status: int, headers: Mapping[str, str], kind: str, content: Any) -> dict[str, Any]:
    response: dict[str, Any] = {"status": status}
    if headers := _without(headers, _USUAL_RESPONSE):
        response["headers"] = dict(sorted(headers.items()))
    return {**response, kind: content}


def _without(headers: Mapping[str, str], usual: set[str]) -> Mapping[str, str]:
    return {name: value for name, value in headers.items() if name not in usual}
