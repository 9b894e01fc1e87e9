"""A caller of OpenAI's dialect receives a whole response of that dialect without a loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from chatd import dialects, surfaces
from chatd.canonical.collecting import collected
from chatd.canonical.events import as_frames
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.upstream_http import HttpResponse
from tests.chatd.canonical import wire
from tests.support.functions import ask, invoke, post
from tests.support.upstream import Upstream, reply

few = settings(max_examples=30)
OPENAI = "/v1/chat/completions"
REQUEST = ChatRequest("m", ())


def parsed(body: Any) -> Response:
    response = HttpResponse(200, {}, json.dumps(body).encode())
    return dialects.load_dialect("openai_chat").parse(response)


def written(response: Response, surface: str = "openai_chat") -> Any:
    return surfaces.surface(surface).write(REQUEST, response, Served("p", "m", "request-1"))


@few
@given(wire.completions())
def test_a_caller_receives_the_response_unchanged(sent: dict[str, Any]) -> None:
    assert wire.same(written(parsed(sent))) == wire.same(sent)


@few
@given(wire.completions())
def test_a_response_is_unchanged_after_a_conversion_to_frames(sent: dict[str, Any]) -> None:
    assert wire.same(written(collected(as_frames(parsed(sent))))) == wire.same(sent)


@few
@given(wire.completions())
def test_a_response_without_its_source_is_written_with_every_field(sent: dict[str, Any]) -> None:
    response = parsed(sent)
    response.source = None

    body = written(response)

    # Only the source has the creation time and distinguishes an empty text from null.
    for completion in (body, sent):
        completion["created"] = 0
        for choice in completion["choices"]:
            choice["message"]["content"] = choice["message"]["content"] or None
    assert wire.same(body) == wire.same(sent)


@few
@given(wire.completions())
def test_the_native_surface_receives_no_field_of_the_dialect(sent: dict[str, Any]) -> None:
    assert wire.MARK not in json.dumps(written(parsed(sent), "native"))


@given(wire.completions())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("keys")
def test_a_response_over_a_socket_is_unchanged(provider: Upstream, sent: dict[str, Any]) -> None:
    provider.script = reply(sent)

    received = post(ask("kimi/k3"), OPENAI)
    direct = invoke(ask("kimi/k3"))

    assert wire.same(received.json) == wire.same(sent)
    assert wire.MARK not in json.dumps(direct)
