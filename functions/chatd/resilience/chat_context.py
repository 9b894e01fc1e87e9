"""One chat while it is answered: the request, its limits and its record."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from chatd.call import Call
from chatd.canonical.request import ChatRequest
from chatd.deadline import Deadline
from chatd.routing.targets import Target
from chatd.telemetry.record import ChatRecord

_KEY_BYTES = 32
_DIGEST_BYTES = 16


@dataclass(slots=True, eq=False)
class ChatContext:
    """One chat on its way through the providers.

    Attributes:
        call: Its id and deadline; each attempt sets how it is broken off.
        record: Collects what it took.
        request: What the caller sent, with the caller's name for the model.
        live: Whether the caller gets the answer while it is made.

    """

    call: Call
    record: ChatRecord
    request: ChatRequest
    live: bool
    _fingerprint: str | None = field(default=None, init=False, repr=False)

    def deadline(self, target: Target) -> Deadline:
        """When the chat must have ended, if this model answers."""
        return target.deadline(self.call, live=self.live)

    @property
    def fingerprint(self) -> str:
        """A keyed hash of the caller and the request; it is computed when a failure needs it.

        The key is random and stays in this process, so that the hash cannot be matched with a
        guessed prompt.
        """
        if self._fingerprint is None:
            # A stream and a whole answer are of one request, and the source repeats the request.
            request = replace(self.request, stream=False, stream_usage=False, source=None)
            text = json.dumps([self.call.caller, request], default=_fields)
            digest = hashlib.blake2b(text.encode(), key=_key(), digest_size=_DIGEST_BYTES)
            self._fingerprint = digest.hexdigest()
        return self._fingerprint


def _fields(value: Any) -> dict[str, Any]:
    """The fields of a part of a request; `asdict` would copy all that is in them."""
    return {name: getattr(value, name) for name in value.__slots__}


@cache
def _key() -> bytes:
    return os.urandom(_KEY_BYTES)
