"""The context of one chat: the call, the request and the record."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Protocol

from chatd.call import Call
from chatd.canonical.request import ChatRequest
from chatd.deadline import Deadline
from chatd.routing.model_target import ModelTarget
from chatd.telemetry.record import ChatRecord

_KEY_BYTES = 32
_DIGEST_BYTES = 16


class AttemptContext(Protocol):
    """Give the attempts at a model their call, record, deadline and request fingerprint."""

    @property
    def call(self) -> Call:
        """The id, the deadline and the cancellation."""

    @property
    def record(self) -> ChatRecord:
        """Collects usage and times."""

    def deadline(self, target: ModelTarget) -> Deadline:
        """The deadline of the call, if this target answers."""

    @property
    def fingerprint(self) -> str:
        """A keyed hash of the caller and the request."""


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """The result of the check of a chat's request by a guardrail.

    Attributes:
        refusal: The message in place of an answer; None: the request may pass.
        masks: The texts with masks, by the caller's texts.

    """

    refusal: str | None = field(default=None, repr=False)
    masks: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True, eq=False)
class ChatContext:
    """The context of one chat over all its attempts.

    Attributes:
        call: The id, the deadline and the cancellation; each attempt registers its own.
        record: Collects usage and times.
        request: The caller's request, with the caller's name for the model.
        streamed: Whether the caller gets a stream.
        inspections: The results of guardrails that have checked the request, by guardrail.

    """

    call: Call
    record: ChatRecord
    request: ChatRequest
    streamed: bool
    inspections: dict[tuple[str, ...], Inspection] = field(default_factory=dict, repr=False)
    _fingerprint: str | None = field(default=None, init=False, repr=False)

    def deadline(self, target: ModelTarget) -> Deadline:
        """The deadline of the chat, if this target answers."""
        return target.deadline(self.call, streamed=self.streamed)

    @property
    def fingerprint(self) -> str:
        """A keyed hash of the caller and the request, computed on first use.

        The key is random and stays in this process, so that the hash cannot be matched with a
        guessed prompt.
        """
        if self._fingerprint is None:
            # A stream and a whole answer to one request share a fingerprint; the source repeats
            # the request.
            request = replace(self.request, stream=False, stream_usage=False, source=None)
            self._fingerprint = fingerprint_of(self.call, request)
        return self._fingerprint


def fingerprint_of(call: Call, request: Any) -> str:
    """Return a keyed hash of the caller and a request; its parts are slotted dataclasses."""
    text = json.dumps([call.caller, request], default=_fields)
    return hashlib.blake2b(text.encode(), key=_key(), digest_size=_DIGEST_BYTES).hexdigest()


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of a part of a request; `asdict` would copy their content."""
    return {name: getattr(value, name) for name in value.__slots__}


@cache
def _key() -> bytes:
    return os.urandom(_KEY_BYTES)
