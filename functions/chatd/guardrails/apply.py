"""Write requests to Bedrock's ApplyGuardrail, and read its verdicts.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

from pydantic_core import from_json

from chatd.config.provider import Guardrail
from chatd.upstream_http import HttpRequest, HttpResponse

Source = Literal["INPUT", "OUTPUT"]
_MAX_BODY = 1024 * 1024  # bytes of a response
_REPEATABLE = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of a guardrail on some texts.

    Attributes:
        blocked: Whether the guardrail blocks the texts.
        message: The guardrail's message in place of blocked texts; empty if it has none.
        masked: The texts with masks in them, as many as were checked; empty if the guardrail gives
            another number of texts back; None if none is masked.
        units: The text units that AWS bills, over all policies.

    """

    blocked: bool = False
    message: str = field(default="", repr=False)
    masked: tuple[str, ...] | None = field(default=None, repr=False)
    units: int = 0


class RefusedCheckError(Exception):
    """ApplyGuardrail gave no verdict; the message is the name of AWS's exception or our own.

    Args:
        message: The name.
        status: The HTTP status; None for a malformed verdict.

    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.repeatable = status in _REPEATABLE
        self.unauthorized = status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def request_of(guardrail: Guardrail, source: Source, texts: Sequence[str]) -> HttpRequest:
    """Write a request that checks texts; it has no signature and no token yet."""
    place = f"/guardrail/{quote(guardrail.id, safe='')}/version/{guardrail.version}/apply"
    content = [{"text": {"text": text}} for text in texts]
    body = json.dumps({"source": source, "content": content}).encode()
    return HttpRequest(f"{guardrail.url}{place}", {"content-type": "application/json"}, body)


def verdict_of(response: HttpResponse, texts: Sequence[str]) -> Verdict:
    """Read a verdict on the texts.

    Raises:
        RefusedCheckError: If the response holds no verdict.

    """
    if response.status != HTTPStatus.OK:
        raise RefusedCheckError(_name_of(response), response.status)
    try:
        body = from_json(response.body if len(response.body) <= _MAX_BODY else b"")
        acts = body["action"] != "NONE"
        outputs = tuple(output["text"] for output in body.get("outputs") or ())
        units = _units(body.get("usage") or {})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RefusedCheckError("malformed verdict") from None
    if not all(isinstance(text, str) for text in outputs):
        raise RefusedCheckError("malformed verdict")
    if not acts:
        return Verdict(units=units)
    actions = set(_actions(body.get("assessments")))
    if "ANONYMIZED" not in actions or "BLOCKED" in actions:
        return Verdict(blocked=True, message=outputs[0] if outputs else "", units=units)
    if len(texts) == 1:
        outputs = ("".join(outputs),)
    return Verdict(masked=outputs if len(outputs) == len(texts) else (), units=units)


def _name_of(response: HttpResponse) -> str:
    """Return the name of AWS's exception, without its message, which may hold an ARN."""
    name = response.headers.get("x-amzn-errortype", "").partition(":")[0]
    return name if name.isalnum() and name.isascii() else f"status {response.status}"


def _units(usage: Mapping[str, Any]) -> int:
    """Add the billed units of all policies."""
    counts = (
        count
        for name, count in usage.items()
        if name.endswith("PolicyUnits") and type(count) is int
    )
    return sum(counts)


def _actions(assessments: Any) -> Iterator[str]:
    """Yield each `action` in the assessments, at any depth."""
    waiting = [assessments]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("action"), str):
                yield value["action"]
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
