"""The lock and the join of a streamed answer, with comments from a second thread.

A sink whose steps take 0.3 s detects a step of another thread meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest

from chatd.aws_lambda.streaming import CallerGoneError, HeartbeatSink

# Seconds of a step: longer than an unlocked thread needs to overlap.
HELD = 0.3
PATIENCE = 20.0
COMMENT = b": keep-alive\n\n"


class SlowSink:
    """Take 0.3 s for each step, and record each overlapping step."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.overlaps: list[str] = []
        self.inside = threading.Event()
        self._lock = threading.Lock()
        self._within = 0

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        self._step(f"commit {status}")

    def write(self, data: bytes) -> None:
        self._step(data.decode())

    def _step(self, name: str) -> None:
        with self._lock:
            self.steps.append(name)
            self._within += 1
            if self._within > 1:
                self.overlaps.append(name)
        self.inside.set()
        time.sleep(HELD)  # no event: the other step must not begin
        with self._lock:
            self._within -= 1


def heartbeat_sink(sink: SlowSink, *, every: float = 600.0) -> HeartbeatSink:
    return HeartbeatSink(sink, dict, lambda: None, every)


Step = Callable[[HeartbeatSink], object]


def write(to: HeartbeatSink) -> None:
    to.write(b"word")


def refuse(to: HeartbeatSink) -> bool:
    return to.refuse(500, {}, b"refusal")


@pytest.mark.parametrize(
    ("first", "second", "steps"),
    [
        (write, write, ["commit 200", "word", "word"]),
        (write, refuse, ["commit 200", "word"]),
        (refuse, write, ["commit 500", "refusal", "word"]),
        (refuse, refuse, ["commit 500", "refusal"]),
    ],
    ids=["write and write", "write and refuse", "refuse and write", "refuse and refuse"],
)
def test_steps_of_two_threads_do_not_overlap(first: Step, second: Step, steps: list[str]) -> None:
    sink = SlowSink()
    to = heartbeat_sink(sink)
    threads = [threading.Thread(target=step, args=(to,)) for step in (first, second)]
    threads[0].start()
    assert sink.inside.wait(PATIENCE)
    threads[1].start()
    for thread in threads:
        thread.join(PATIENCE)

    assert sink.overlaps == []
    assert sink.steps == steps


class BlockingSink:
    """Block each comment until the test proceeds."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.commenting = threading.Event()
        self.proceed = threading.Event()

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        """Accept any status."""

    def write(self, data: bytes) -> None:
        if data == COMMENT:
            self.commenting.set()
            assert self.proceed.wait(PATIENCE)
        self.written.append(data)


def test_an_answer_ends_after_the_comment_in_progress() -> None:
    sink = BlockingSink()
    ended = threading.Event()

    def answer() -> None:
        with HeartbeatSink(sink, dict, lambda: None, every=0.01).heartbeat():
            assert sink.commenting.wait(PATIENCE)
        ended.set()

    thread = threading.Thread(target=answer)
    thread.start()
    assert sink.commenting.wait(PATIENCE)
    early = ended.wait(HELD)
    sink.proceed.set()
    thread.join(PATIENCE)

    assert (early, ended.is_set()) == (False, True)
    assert set(sink.written) == {COMMENT}
    assert not any(thread.name == "heartbeat" for thread in threading.enumerate())


class RecordingSink:
    """Record each piece, and signal comments."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.commented = threading.Event()

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        """Accept any status."""

    def write(self, data: bytes) -> None:
        self.written.append(data)
        if data == COMMENT:
            self.commented.set()


def test_a_comment_is_sent_only_after_a_silence() -> None:
    every = 0.2
    pieces: list[tuple[bytes, float]] = []

    class Timed(RecordingSink):
        def write(self, data: bytes) -> None:
            pieces.append((data, time.monotonic()))

    to = HeartbeatSink(Timed(), dict, lambda: None, every)
    with to.heartbeat():
        for _ in range(12):
            to.write(b"word")
            time.sleep(every / 4)

    # A comment may wait for the lock of the word that ends the silence, and follow that word.
    silent = [True, True]
    silent += [now - then >= every * 0.9 for (_, then), (_, now) in pairwise(pieces)]
    assert [
        number
        for number, (data, _) in enumerate(pieces)
        if data == COMMENT and not (silent[number + 1] or silent[number])
    ] == []


def test_a_comment_commits_the_status_and_is_repeated() -> None:
    sink = RecordingSink()
    to = HeartbeatSink(sink, dict, lambda: None, every=0.02)
    with to.heartbeat():
        for _ in range(3):
            assert sink.commented.wait(PATIENCE)
            sink.commented.clear()
        committed = to.committed

    assert committed
    assert not to.refuse(500, {}, b"too late")


def test_a_failed_comment_reports_the_hang_up_once() -> None:
    found: list[str] = []
    reported = threading.Event()

    class HungUpSink(RecordingSink):
        def write(self, data: bytes) -> None:
            raise CallerGoneError

    def report() -> None:
        found.append("gone")
        reported.set()

    with HeartbeatSink(HungUpSink(), dict, report, every=0.01).heartbeat():
        assert reported.wait(PATIENCE)
        time.sleep(0.1)  # for a second report, which must not follow

    assert found == ["gone"]
