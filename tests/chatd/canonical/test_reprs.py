"""The repr of a canonical or HTTP object contains no text of a chat.

Tracebacks, logs and debuggers print objects.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import pytest

MODULES = (
    *("canonical.content", "canonical.extra", "canonical.request", "canonical.response"),
    *("canonical.events", "canonical.served", "upstream_http", "idempotency.stored_answer"),
)
CLASSES = [
    kind
    for name in MODULES
    for kind in vars(import_module(f"chatd.{name}")).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == f"chatd.{name}"
]
# Fields that hold texts of the caller, the model or a provider, in any class.
SECRET = {
    *("text", "content", "thinking", "signature", "redacted", "arguments", "extra", "title"),
    *("description", "parameters", "format", "stop", "body", "packed", "read", "fields", "nested"),
    *("schema_description", "format_extra", "source"),
}


def shown(kind: Any, name: str) -> bool:
    """Return whether the repr of an object of this class contains this field."""
    one = object.__new__(kind)
    for field in fields(kind):
        object.__setattr__(one, field.name, "a canary" if field.name == name else None)
    return "a canary" in repr(one)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_repr_of_an_object_contains_no_text(kind: Any) -> None:
    for field in fields(kind):
        if field.name in SECRET:
            assert not shown(kind, field.name), field.name


def test_the_repr_of_a_request_to_a_provider_contains_neither_headers_nor_body() -> None:
    kind = import_module("chatd.upstream_http").HttpRequest

    assert [name for name in ("url", "headers", "body") if shown(kind, name)] == ["url"]


@pytest.mark.parametrize("name", ["Image", "Document"])
def test_the_repr_of_an_image_or_document_contains_no_url(name: str) -> None:
    assert not shown(getattr(import_module("chatd.canonical.content"), name), "url")


def test_the_repr_of_an_answer_contains_no_log_probabilities() -> None:
    assert not shown(import_module("chatd.canonical.response").Choice, "logprobs")
    assert not shown(import_module("chatd.canonical.events").Delta, "logprobs")
