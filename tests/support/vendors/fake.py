"""Serve every provider of the catalog on one socket, by path, as strictly as its vendor."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from tests.clients import stub_anthropic, stub_ollama, stub_openai, stub_responses
from tests.clients.stub_model import RefusalError, form_in_words, reply, require
from tests.support.upstream import Received, Script, chunked
from tests.support.upstream import reply as http_reply
from tests.support.vendors import vendor_of
from tests.support.vendors.vendor import Vendor
from tests.support.vendors.writing import streamed, whole

Json = Mapping[str, Any]
# The stub that reads and answers a path, and its dialect.
_STUBS: Mapping[str, tuple[str, ModuleType]] = {
    "messages": ("anthropic_messages", stub_anthropic),
    "responses": ("openai_responses", stub_responses),
    "completions": ("openai_chat", stub_openai),
}


def key_of(row: Provider) -> str | None:
    """Return the key that the fake of a row expects; None for one that needs none."""
    return f"sk-made-up-{row.name}" if row.key_variable else None


def path_of(row: Provider) -> str:
    """Return the beginning of the paths of a row: its name, and the path of its base URL."""
    return f"/{row.name}{urlsplit(row.base_url).path or row.base_path}"


def environment(url: str) -> dict[str, str]:
    """Return the variables that point the gateway to the fakes at `url`, with their keys."""
    found = {}
    for row in CATALOG.values():
        if row.base_url_variable:
            found[row.base_url_variable] = url + path_of(row)
        if row.key_variable:
            found[row.key_variable] = str(key_of(row))
    return found


@dataclass(frozen=True, slots=True)
class Sent:
    """A chat that reached a fake."""

    row: str
    path: str
    body: Json


@dataclass(slots=True)
class FakeVendors:
    """The vendors, the chats that reached them, and their refusals."""

    sent: list[Sent] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """Clear both logs."""
        self.sent.clear()
        self.refused.clear()

    def answer(self, connection: socket.socket, received: Received) -> None:
        """Answer one request, as a script of `tests.support.upstream`."""
        name = received.path.split("/")[1]
        row = CATALOG[name]
        path = received.path.removeprefix(path_of(row))
        vendor = vendor_of(name)
        try:
            self._admit(row, path, received)
            script = self._chat(row, vendor, path, received)
        except (RefusalError, KeyError, TypeError, ValueError) as error:
            self.refused.append(f"{name} {path}: {error!r}")
            script = _refusal(vendor, path, error)
        script(connection, received)

    def _admit(self, row: Provider, path: str, received: Received) -> None:
        dialect, _ = _STUBS.get(path.rpartition("/")[2], (row.dialect, None))
        name = row.key_headers.get(dialect, "Authorization").lower()
        key = key_of(row)
        expected = f"Bearer {key}" if key and name == "authorization" else key
        if received.headers.get(name) != expected:
            raise RefusalError(401, "wrong key")

    def _chat(self, row: Provider, vendor: Vendor, path: str, received: Received) -> Script:
        body = received.json
        self.sent.append(Sent(row.name, path, body))
        if path.startswith("/api/"):
            return _ollama(row, path, body)
        dialect, stub = _STUBS[path.rpartition("/")[2]]
        if dialect == "openai_chat":
            return _openai(row, vendor, body, received)
        if stub is stub_anthropic and not body["model"].startswith("claude"):
            body = _in_claudes_terms(body)
        request = stub.parse_request(row.name, body, received.headers)
        if request.stream:
            return chunked(stub.stream(request, reply(request)))
        return http_reply(stub.whole(request, reply(request)))


def _openai(row: Provider, vendor: Vendor, body: Json, received: Received) -> Script:
    for refusal in vendor.refusals:
        for fault in refusal.faults(body):
            raise RefusalError(vendor.status, f"{fault} [{refusal.source}]")
    request = stub_openai.parse_request(row.name, _in_openais_terms(body), received.headers)
    described = None if isinstance(request.form, Mapping) else form_in_words(request.turns)
    request = replace(request, thinks=vendor.thinks(body), form=described or request.form)
    answer = reply(request)
    if not request.stream:
        return http_reply(whole(vendor.form, stub_openai.whole(request, answer)))
    return chunked(streamed(vendor.form, stub_openai.stream(request, answer)))


def _in_openais_terms(body: Json) -> Json:
    """Return a body with the vendors' other names for OpenAI's values."""
    choice = body.get("tool_choice")
    reasoning = body.get("reasoning")
    changed = {**body, "tool_choice": "required"} if choice == "any" else dict(body)
    require(reasoning is None or isinstance(reasoning, Mapping), "reasoning is no object")
    return changed


def _in_claudes_terms(body: Json) -> Json:
    """Return a body for another maker's model in terms that Claude takes.

    Thinking has the maker's own signature, and an unfinished turn is continued.
    """
    turns = []
    for turn in body["messages"]:
        blocks = turn["content"]
        if isinstance(blocks, list):
            blocks = [
                {**block, "signature": stub_anthropic.SIGNATURE}
                if block["type"] == "thinking"
                else block
                for block in blocks
            ]
        turns.append({**turn, "content": blocks})
    if turns[-1]["role"] == "assistant":
        turns.append({"role": "user", "content": "Continue."})
    return {**body, "messages": turns}


def _ollama(row: Provider, path: str, body: Json) -> Script:
    request = stub_ollama.parse_request(row.name, path, body, honours_format=row.honours_format)
    if not request.stream:
        return http_reply(stub_ollama.whole(path, request, reply(request)))
    return chunked(stub_ollama.stream(path, request, reply(request)), "application/x-ndjson")


def _refusal(vendor: Vendor, path: str, error: Exception) -> Script:
    refusal = error if isinstance(error, RefusalError) else RefusalError(400, repr(error))
    if path.startswith("/api/"):
        return http_reply(stub_ollama.error_body(refusal), refusal.status)
    if path.endswith("/messages"):
        return http_reply(stub_anthropic.error_body(refusal), refusal.status)
    return http_reply(vendor.error(refusal.status, refusal.message), refusal.status)
