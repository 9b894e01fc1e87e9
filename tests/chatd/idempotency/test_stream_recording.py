"""A recorded stream settles its key before the last byte is sent.

A caller may send the next request as soon as the end mark or the failure arrives.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest

from chatd.aws_lambda.streaming import CallerGoneError, Collected, HeartbeatSink, Sink
from chatd.idempotency.stored_answer import StoredAnswer
from chatd.idempotency.stream_recording import RecordedStream

END = b"data: end\n\n"
NOT_STORED = b": idempotency not-stored\n\n"


class Recorder:
    """Record the calls of a sink and of a claimed key, in order."""

    def __init__(self, *, keeps: bool = True) -> None:
        self.events: list[object] = []
        self.kept: StoredAnswer | None = None
        self._keeps = keeps

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        self.events.append(status)

    def write(self, data: bytes) -> None:
        self.events.append(data)

    def keep(self, answer: StoredAnswer | None) -> bool:
        self.events.append("keep")
        self.kept = answer
        return self._keeps and answer is not None

    def release(self) -> None:
        self.events.append("release")


class FakeStream:
    """Stream a status and pieces, then raise `then` if set."""

    def __init__(self, status: int, *pieces: bytes, then: Exception | None = None) -> None:
        self._status = status
        self._pieces = pieces
        self._then = then
        self.aborted = False

    def write_to(self, sink: Sink) -> None:
        sink.commit(self._status, {"Content-Type": "text/event-stream"})
        for piece in self._pieces:
            sink.write(piece)
        if self._then is not None:
            raise self._then

    def abort(self) -> None:
        self.aborted = True


def ends(piece: bytes) -> bool:
    return piece == END


def record(live: FakeStream, recorder: Recorder) -> list[object]:
    RecordedStream(live, recorder, ends).write_to(recorder)
    return recorder.events


def body(kept: StoredAnswer | None) -> bytes:
    """Return the body that a replay sends."""
    assert kept is not None
    sink = Collected()
    replay = kept.replayed({})
    assert hasattr(replay, "write_to")
    replay.write_to(sink)
    return bytes(sink.body)


def test_an_answer_is_stored_before_its_end_mark_is_sent() -> None:
    recorder = Recorder()

    assert record(FakeStream(200, b"a", END), recorder) == [200, b"a", "keep", END, "release"]
    assert body(recorder.kept) == b"a" + END
    assert recorder.kept is not None
    assert recorder.kept.headers == {"Content-Type": "text/event-stream"}


def test_a_failure_releases_the_key_before_its_status_is_sent() -> None:
    events = record(FakeStream(503, b"{}"), Recorder())

    assert events == ["release", 503, b"{}", "release"]


def test_an_answer_that_is_not_stored_has_a_comment_before_its_end_mark() -> None:
    events = record(FakeStream(200, b"a", END), Recorder(keeps=False))

    assert events == [200, b"a", "keep", NOT_STORED, END, "release"]


def test_a_stream_without_an_end_mark_is_not_stored() -> None:
    assert record(FakeStream(200, b"a", b"b"), Recorder()) == [200, b"a", b"b", "release"]


@pytest.mark.parametrize("fault", [CallerGoneError(), RuntimeError("x")])
def test_a_stream_that_raises_releases_the_key(fault: Exception) -> None:
    recorder = Recorder()

    with pytest.raises(type(fault)):
        record(FakeStream(200, b"a", then=fault), recorder)

    assert recorder.events == [200, b"a", "release"]


def test_comments_are_sent_and_not_stored() -> None:
    recorder = Recorder()
    comment = b": keep-alive\n\n"

    assert record(FakeStream(200, comment, b"a", comment, END), recorder)[1:3] == [comment, b"a"]
    assert body(recorder.kept) == b"a" + END


def test_an_abort_is_passed_to_the_recorded_stream() -> None:
    live = FakeStream(200)
    RecordedStream(live, Recorder(), ends).abort()

    assert live.aborted


@pytest.fixture
def many_switches() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


class StreamWithHeartbeat:
    """Stream pieces with comments from a second thread, without a pause."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def write_to(self, sink: Sink) -> None:
        outlet = HeartbeatSink(sink, dict, lambda: None, every=0.0)
        with outlet.heartbeat():
            for piece in self._pieces:
                outlet.write(piece)

    def abort(self) -> None:
        """The stream ends by itself."""


class OverlapCounter(Recorder):
    """Count writes that overlap a write of another thread."""

    def __init__(self) -> None:
        super().__init__()
        self.overlaps = 0
        self._busy = threading.Lock()

    def write(self, data: bytes) -> None:
        self._alone(lambda: super(OverlapCounter, self).write(data))

    def _alone(self, do: Callable[[], None]) -> None:
        if not self._busy.acquire(blocking=False):
            self.overlaps += 1
            return
        try:
            do()
        finally:
            self._busy.release()


@pytest.mark.usefixtures("many_switches")
def test_comments_from_a_second_thread_do_not_change_the_stored_answer() -> None:
    pieces = [b"data: %d\n\n" % number for number in range(2000)]
    recorder = OverlapCounter()
    RecordedStream(StreamWithHeartbeat([*pieces, END]), recorder, ends).write_to(recorder)
    sent = [event for event in recorder.events if isinstance(event, bytes)]

    assert recorder.overlaps == 0
    assert body(recorder.kept) == b"".join([*pieces, END])
    assert [data for data in sent if not data.startswith(b":")] == [*pieces, END]
    assert any(data.startswith(b":") for data in sent)
