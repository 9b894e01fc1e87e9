"""Failures count against a model by their kind, time and request; the clock is manual."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chatd import deadline
from chatd.call import Call
from chatd.config.provider import Timeouts
from chatd.credentials.provider_keys import Credentials
from chatd.deadline import Deadline
from chatd.errors import UpstreamError, UpstreamTimeoutError
from chatd.resilience import attempt_window
from chatd.resilience.attempt_window import ANY_REQUEST, AttemptWindow, source_after_first_event
from chatd.resilience.chat_context import ChatContext
from chatd.routing.target_selection import Target, TargetSelector
from chatd.surfaces import surface
from chatd.telemetry.record import ChatRecord
from tests.support.functions import settings

LIMITS = Timeouts(connect=4, silence=60, silence_with_fallback=10, first_event=100, gap=30)


class Clock:
    """Replace the monotonic clock with a manual one."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(attempt_window, "time", clock)
    monkeypatch.setattr(deadline, "time", clock)
    return clock


def chat_context(
    clock: Clock, text: str = "Hello", *, seconds: float = 900, live: bool = True
) -> ChatContext:
    call = Call("r", Deadline(clock.now + seconds), started=clock.now)
    body = b'{"model": "m", "messages": [{"role": "user", "content": "%b"}]}' % text.encode()
    return ChatContext(call, ChatRecord("r"), surface("native").read({}, body), streamed=live)


def target(
    of: ChatContext, limits: Timeouts = LIMITS, *, named: bool = True, stream: bool = True
) -> Target:
    selector = TargetSelector(settings(), Credentials({}, None, lambda _sentence: None))
    (found,) = selector.targets(of.request, of.call)
    route = replace(found.route, timeouts=limits, named=named)
    return replace(found, route=route, request=of.request.to("m", stream=stream))


def unconnected() -> UpstreamTimeoutError:
    error = UpstreamTimeoutError("no connection")
    error.unreachable = True
    return error


def refused() -> UpstreamError:
    error = UpstreamError("refused")
    error.unreachable = True
    return error


SILENCE = UpstreamTimeoutError("silent")
BROKEN = UpstreamError("500")
ANSWERED_504 = UpstreamTimeoutError("504", upstream_status=504)
THIS_REQUEST = "of this request"


@pytest.mark.parametrize(
    ("error", "others", "waited", "source"),
    [
        (BROKEN, 0, 0, THIS_REQUEST),
        (ANSWERED_504, 0, 0, THIS_REQUEST),
        (refused(), 0, 0, ANY_REQUEST),
        (unconnected(), 0, 2.9, None),
        (unconnected(), 0, 3.1, ANY_REQUEST),
        (SILENCE, 0, 44, None),
        (SILENCE, 0, 46, THIS_REQUEST),
        (SILENCE, 1, 7.4, None),
        (SILENCE, 1, 7.6, THIS_REQUEST),
    ],
)
def test_a_failure_before_the_first_event_counts_after_the_models_time(
    clock: Clock, error: UpstreamError, others: int, waited: float, source: str | None
) -> None:
    chat = chat_context(clock)
    window = AttemptWindow(target(chat), [target(chat)] * others, chat)
    window.limits()
    clock.now += waited

    assert window.source_of(error) == (chat.fingerprint if source == THIS_REQUEST else source)


@pytest.mark.parametrize(
    ("total", "others", "waited", "counts"),
    [(12, 0, 8.9, False), (12, 0, 9.1, True), (12, 2, 2.9, False), (12, 2, 3.1, True)],
)
def test_three_quarters_of_a_shorter_total_are_enough_to_count(
    clock: Clock, total: float, others: int, waited: float, counts: bool
) -> None:
    chat = chat_context(clock)
    window = AttemptWindow(
        target(chat, replace(LIMITS, total=total)), [target(chat)] * others, chat
    )
    window.limits()
    clock.now += waited

    assert (window.source_of(SILENCE) is not None) == counts


@pytest.mark.parametrize(
    ("others", "waited", "counts"), [(0, 800, False), (1, 74, False), (1, 76, True)]
)
def test_the_silence_of_a_whole_answer_counts_only_with_a_fallback(
    clock: Clock, others: int, waited: float, counts: bool
) -> None:
    chat = chat_context(clock)
    window = AttemptWindow(target(chat, stream=False), [target(chat)] * others, chat)
    window.limits()
    clock.now += waited

    assert (window.source_of(SILENCE) is not None) == counts


def test_for_a_model_outside_tiers_only_connection_failures_count(clock: Clock) -> None:
    chat = chat_context(clock)
    window = AttemptWindow(target(chat, named=False), (), chat)
    window.limits()
    clock.now += 100

    assert window.source_of(BROKEN) is window.source_of(SILENCE) is None
    assert window.source_of(refused()) == window.source_of(unconnected()) == ANY_REQUEST
    assert source_after_first_event(BROKEN, target(chat, named=False), chat) is None


def test_an_unsent_or_cancelled_request_is_no_failure(clock: Clock) -> None:
    chat = chat_context(clock)
    window = AttemptWindow(target(chat), (), chat)
    assert window.source_of(BROKEN) is None
    window.limits()
    assert window.source_of(BROKEN)
    chat.call.cancel()

    assert window.source_of(BROKEN) is window.source_of(refused()) is None
    assert source_after_first_event(BROKEN, target(chat), chat) is None


def test_a_provider_that_closes_on_a_slow_caller_is_no_failure(clock: Clock) -> None:
    chat = chat_context(clock)
    window = AttemptWindow(target(chat), (), chat)
    window.limits()
    error = UpstreamError("broke off")
    error.caller_was_slow = True

    assert window.source_of(error) is source_after_first_event(error, target(chat), chat) is None


def test_an_answer_held_for_a_format_check_begins_with_its_first_event(clock: Clock) -> None:
    chat = chat_context(clock, seconds=100)
    window = AttemptWindow(target(chat), (), chat)
    window.limits()
    chat.record.note_first_event(clock.now)
    clock.now += 99
    assert window.source_of(SILENCE) == chat.fingerprint
    clock.now += 1

    assert window.source_of(SILENCE) is None


def test_a_spent_window_sends_no_request(clock: Clock) -> None:
    chat = chat_context(clock, seconds=10)
    window = AttemptWindow(target(chat), [target(chat)], chat)
    window.limits()
    clock.now += 5

    with pytest.raises(UpstreamTimeoutError):
        window.limits()
    assert window.source_of(SILENCE) is None


def test_a_broken_stream_counts_unless_the_time_of_the_chat_is_spent(clock: Clock) -> None:
    chat = chat_context(clock, seconds=100)
    clock.now += 99
    assert source_after_first_event(SILENCE, target(chat), chat) == chat.fingerprint
    clock.now += 1

    assert source_after_first_event(SILENCE, target(chat), chat) is None
    assert source_after_first_event(BROKEN, target(chat), chat) == chat.fingerprint


def test_the_remaining_time_is_shared_by_the_remaining_models(clock: Clock) -> None:
    chat = chat_context(clock, seconds=90)
    first, second, third = (target(chat) for _ in range(3))
    clock.now += 30

    assert AttemptWindow(first, [second, third], chat).begin_by.left() == 20
    assert AttemptWindow(second, [third], chat).begin_by.left() == 30
    assert AttemptWindow(third, (), chat).begin_by.left() == 60


def test_the_shortest_total_of_the_models_is_shared(clock: Clock) -> None:
    chat = chat_context(clock, seconds=90)
    brief = target(chat, replace(LIMITS, total=12))
    window = AttemptWindow(target(chat), [brief], chat)

    assert (window.begin_by.left(), window.deadline.left()) == (6, 90)
    assert (window.limits().first_event, window.limits().connect) == (6, 4)
    clock.now += 4
    assert (window.limits().first_event, window.limits().connect) == (2, 2)
    assert AttemptWindow(brief, (), chat).limits().first_event == LIMITS.first_event


def test_a_stream_has_the_routes_limit_and_a_whole_answer_its_own(clock: Clock) -> None:
    for live, seconds in ((False, 285), (True, 900)):
        chat = chat_context(clock, live=live)
        assert chat.deadline(target(chat)).left() == seconds
        assert chat.deadline(target(chat, replace(LIMITS, total=12))).left() == 12


def test_a_fingerprint_covers_the_caller_and_the_whole_request(clock: Clock) -> None:
    def fingerprint(text: str, caller: str = "", **changes: Any) -> str:
        chat = chat_context(clock, text)
        chat.call.caller = caller
        chat.request = replace(chat.request, **changes)
        return chat.fingerprint

    same = {fingerprint("one") for _ in range(3)} | {fingerprint("one", stream=True)}
    others = {
        fingerprint("two"),
        fingerprint("one", "caller a"),
        fingerprint("one", "caller b"),
        fingerprint("one", max_tokens=5),
        fingerprint("one", extra={"top_k": 5}),
        fingerprint("one", format={"type": "object"}),
    }

    assert len(same) == 1
    assert len(others | same) == 7
