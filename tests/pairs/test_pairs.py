"""Every surface carries every feature through every dialect, whole and streamed."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chatd.canonical.maker import untagged
from chatd.dialects import DIALECTS
from chatd.surfaces import SURFACES
from tests.pairs.callers import CALLERS, CHAT_SURFACES, Caller
from tests.pairs.chats import SCENARIOS, Answer, Call, Chat, Scenario, Turn, as_offered
from tests.pairs.providers import PROVIDERS, Provider, model_at
from tests.support import functions
from tests.support.upstream import Received, Script, Upstream, chunked, reply

# Features of a request that a dialect without them refuses, since the answer would be another.
_REFUSED = frozenset({"document", "stop"})
# Features of an answer: a dialect without them never gives such an answer.
_ANSWERED = frozenset({"refusal", "cache"})
_EVENT = re.compile(r"(?:event: (?P<name>.+)\n)?data: (?P<data>\{.*\})\n\n")

Pair = tuple[str, str, Scenario]


def pairs() -> Iterator[Pair]:
    """List the pairs and the scenarios that the caller's API can express."""
    for surface in CHAT_SURFACES:
        for dialect in DIALECTS:
            for scenario in SCENARIOS:
                lacking = scenario.needs - PROVIDERS[dialect].features
                if scenario.needs <= CALLERS[surface].features and not lacking & _ANSWERED:
                    yield surface, dialect, scenario


def _id(value: object) -> str:
    return value.name if isinstance(value, Scenario) else str(value)


def test_every_surface_and_dialect_has_its_place_in_the_table() -> None:
    assert CALLERS.keys() >= set(CHAT_SURFACES)
    assert PROVIDERS.keys() >= DIALECTS.keys()


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("surface", "dialect", "scenario"), list(pairs()), ids=_id)
def test_a_pair_carries_a_feature(
    surface: str, dialect: str, scenario: Scenario, streamed: bool, provider: Upstream
) -> None:
    pair = Paired(surface, PROVIDERS[dialect], model_at(dialect), streamed)
    check_pair(pair, scenario, provider)


@dataclass(frozen=True, slots=True)
class Paired:
    """A surface and a provider's API, with the caller's name for its model."""

    surface: str
    row: Provider
    model: str
    streamed: bool


def check_pair(pair: Paired, scenario: Scenario, provider: Upstream) -> None:
    """Check that the surface carries a scenario through the provider's API."""
    row, surface, streamed = pair.row, pair.surface, pair.streamed
    caller = CALLERS[surface]
    provider.received.clear()
    provider.script = _script(row, scenario.answer)
    body = {**caller.write(scenario.chat), "model": pair.model}
    path = SURFACES[surface].path

    if lacking := scenario.needs - row.features:
        refusal = functions.post(body, path)
        assert lacking <= _REFUSED
        assert refusal.status == 400
        assert provider.received == []
        return
    answer = _streamed(caller, body, path) if streamed else _whole(caller, body, path)

    (sent,) = provider.received
    got = row.chat(sent.json)
    _check_request(got, scenario.chat)
    if got.in_format:  # such a call has no id of the provider's
        ids = [call.id for call in scenario.answer.calls]
        named = zip(answer.calls, ids, strict=True)
        answer = replace(answer, calls=tuple(replace(call, id=one) for call, one in named))
    _check_answer(answer, scenario.answer, caller, row)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@pytest.mark.parametrize("surface", [name for name in CHAT_SURFACES if CALLERS[name].continued])
def test_thinking_comes_back_to_its_maker_alone(
    surface: str, dialect: str, provider: Upstream
) -> None:
    caller = CALLERS[surface]
    assert caller.continued is not None
    (scenario,) = (one for one in SCENARIOS if one.name == "thinking")
    path, body = SURFACES[surface].path, caller.write(scenario.chat)
    provider.script = _script(PROVIDERS[dialect], scenario.answer)
    model = model_at(dialect)
    first = functions.post({**body, "model": model}, path)
    again = caller.continued(body, first.json, "And now?")

    for target in sorted(DIALECTS):
        provider.received.clear()
        provider.script = _script(PROVIDERS[target], Answer("Still."))
        response = functions.post({**again, "model": model_at(target)}, path)
        assert response.status == 200, response.json
        (sent,) = provider.received
        text = sent.body.decode()
        assert "chatd1." not in text
        gives = {"signature"} <= CALLERS[surface].shows & PROVIDERS[dialect].gives
        assert (scenario.answer.signature in text) == (gives and target == dialect)


def _script(row: Provider, answer: Answer) -> Script:
    """Answer in the dialect, with calls of the tools as they are offered, as requested."""

    def script(connection: socket.socket, received: Received) -> None:
        assert received.path.endswith(row.path)
        body = received.json
        offered = as_offered(answer, row.chat(body))
        if row.is_streamed(received):
            chunked(row.stream(offered), row.stream_type)(connection, received)
        else:
            reply(row.whole(offered))(connection, received)

    return script


def _whole(caller: Caller, body: dict[str, Any], path: str) -> Answer:
    response = functions.post(body, path)
    assert response.status == 200, response.json
    return caller.whole(response.json)


def _streamed(caller: Caller, body: dict[str, Any], path: str) -> Answer:
    response = functions.stream({**body, **caller.with_usage}, path)
    assert response.status == 200, response.body
    text = response.body.decode()
    events = [(one["name"], json.loads(one["data"])) for one in _EVENT.finditer(text)]
    return caller.stream(events)


def _check_request(got: Chat, sent: Chat) -> None:
    """Check that the provider gets the chat, in the shape that its dialect has for it."""
    assert tuple(map(_flat, got.turns)) == tuple(map(_flat, sent.turns))
    assert got.system == sent.system
    assert len({*got.tools, *got.custom}) == len(got.tools) + len(got.custom)
    if sent.namespace and got.namespace is None:
        pairs = zip(got.tools, sent.tools, strict=True)
        assert all(offered.endswith(name) and offered != name for offered, name in pairs)
    else:
        assert {*got.tools, *got.custom} == {*sent.tools, *sent.custom}
        assert got.namespace == sent.namespace
    assert got.forced == sent.forced
    assert got.schema == sent.schema
    assert got.stop == sent.stop
    if sent.effort:
        assert got.effort == sent.effort


def _flat(turn: Turn) -> Turn:
    """Move the pictures of tool results beside them: not every dialect has them inside."""
    pictures = tuple(image for result in turn.results for image in result.images)
    results = tuple(replace(result, images=()) for result in turn.results)
    return replace(turn, results=results, images=pictures + turn.images)


def _compact(call: Call) -> Call:
    """Write the arguments of a function without spaces."""
    if call.custom:
        return call
    arguments = json.dumps(json.loads(call.arguments), separators=(",", ":"))
    return replace(call, arguments=arguments)


def _check_answer(got: Answer, given: Answer, caller: Caller, row: Provider) -> None:
    """Check that the caller gets the parts of the answer that both APIs have."""
    both = caller.shows & row.gives
    assert got.text + got.refusal == given.text + given.refusal
    assert got.thinking == (given.thinking if "thinking" in both else "")
    if "signature" in both:
        assert untagged(got.signature)[1] == given.signature
    if "calls" in both:
        assert tuple(map(_compact, got.calls)) == given.calls
    if given.refusal:
        assert got.refusal or got.finish == "content_filter" or "calls" not in caller.shows
    elif given.finish == "stop_sequence" and "stop_sequence" not in both:
        assert got.finish == "stop"
    else:
        assert (got.finish, got.stop_sequence) == (given.finish, given.stop_sequence)
    assert (got.tokens.input, got.tokens.output) == (given.tokens.input, given.tokens.output)
    for name in ("cached", "written", "reasoning"):
        if name in both:
            assert (getattr(got.tokens, name) or 0) == (getattr(given.tokens, name) or 0)
