"""An invocation is safe when several threads write, cancel and end at once."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from chatd.aws_lambda.streaming import CallerGoneError, Sink
from local.workers.cancellation import Cancellation
from local.workers.invocation import Invocation

PATIENCE = 30.0
# More than the buffers of both ends hold together.
PIECE = 4 * 1024 * 1024
HEAD = struct.Struct("!I?")
MESSAGE = {
    "event": {},
    "context": {
        "function_name": "chat",
        "aws_request_id": "request-1",
        "memory_limit_in_mb": 512,
        "timeout": 60.0,
    },
}


class StreamedAnswer:
    """A streamed answer that a function writes."""

    def __init__(self, write_to: Callable[[Sink], None]) -> None:
        self.write_to = write_to
        self.aborts = 0

    def abort(self) -> None:
        self.aborts += 1


class FrameReader:
    """The server's end of the socket, which is read only after `may_read` is set."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.may_read = threading.Event()
        self.received = bytearray()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def frames(self) -> list[bytes]:
        """The payloads of all frames, after the worker's end is closed."""
        self.may_read.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        found, place = [], 0
        while place < len(self.received):
            size, _ = HEAD.unpack_from(self.received, place)
            place += HEAD.size
            found.append(bytes(self.received[place : place + size]))
            assert len(found[-1]) == size
            place += size
        return found

    def _read(self) -> None:
        assert self.may_read.wait(PATIENCE)
        while data := self._sock.recv(1 << 20):
            self.received += data


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, FrameReader]]:
    """The worker's end of a socket, and the reader at the other end."""
    worker, other = socket.socketpair()
    with other:
        reader = FrameReader(other)
        yield worker, reader
        worker.close()
        reader.may_read.set()


def test_two_threads_write_two_complete_frames(
    ends: tuple[socket.socket, FrameReader],
) -> None:
    worker, reader = ends

    def write_to(sink: Sink) -> None:
        sink.commit(200, {})
        threads = [
            threading.Thread(target=sink.write, args=(name * PIECE,)) for name in (b"a", b"b")
        ]
        for thread in threads:
            thread.start()
            thread.join(0.3)  # the write cannot end: the reader does not read yet
        assert threads[0].is_alive()
        reader.may_read.set()
        for thread in threads:
            thread.join(PATIENCE)

    Invocation(worker, MESSAGE).run(lambda _event, _context: StreamedAnswer(write_to))
    worker.close()

    streamed, head, *pieces, end = reader.frames()
    assert [json.loads(frame) for frame in (streamed, head, end)] == [
        {"streamed": True},
        {"head": {"statusCode": 200, "headers": {}}},
        {"end": True},
    ]
    assert sorted((piece[:1], len(piece), len(set(piece))) for piece in pieces) == [
        (b"a", PIECE, 1),
        (b"b", PIECE, 1),
    ]


def test_the_end_waits_for_a_write_in_another_thread(
    ends: tuple[socket.socket, FrameReader],
) -> None:
    worker, reader = ends
    threads: list[threading.Thread] = []

    def write_to(sink: Sink) -> None:
        sink.commit(200, {})
        threads.append(threading.Thread(target=sink.write, args=(b"a" * PIECE,)))
        threads[0].start()
        threads[0].join(0.3)  # as above
        threading.Timer(0.3, reader.may_read.set).start()

    Invocation(worker, MESSAGE).run(lambda _event, _context: StreamedAnswer(write_to))
    threads[0].join(PATIENCE)
    worker.close()

    assert [len(frame) for frame in reader.frames()[2:]] == [PIECE, len(b'{"end":true}')]


def test_a_write_after_the_end_is_refused(ends: tuple[socket.socket, FrameReader]) -> None:
    worker, reader = ends
    sinks: list[Sink] = []
    Invocation(worker, MESSAGE).run(lambda _event, _context: StreamedAnswer(sinks.append))

    with pytest.raises(CallerGoneError):
        sinks[0].write(b"late")
    worker.close()

    assert b"late" not in b"".join(reader.frames())


class SlowList(list[Callable[[], None]]):
    """A list that delays an append by 0.3 s, or until `may_append` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.appending, self.may_append = threading.Event(), threading.Event()

    def append(self, callback: Callable[[], None]) -> None:
        self.appending.set()
        self.may_append.wait(0.3)
        super().append(callback)


def test_a_callback_added_during_a_cancellation_runs_once() -> None:
    cancellation, callbacks = Cancellation(), SlowList()
    cancellation._callbacks = callbacks  # the only place where the adding thread can wait
    runs: list[int] = []

    def cancel() -> None:
        assert callbacks.appending.wait(PATIENCE)
        cancellation.cancel()
        callbacks.may_append.set()

    thread = threading.Thread(target=cancel)
    thread.start()
    cancellation.add(lambda: runs.append(1))
    thread.join(PATIENCE)

    assert runs == [1]


def test_a_callback_added_after_a_cancellation_runs_at_once() -> None:
    cancellation = Cancellation()
    runs: list[int] = []
    cancellation.cancel()
    cancellation.add(lambda: runs.append(1))
    cancellation.cancel()

    assert runs == [1]
