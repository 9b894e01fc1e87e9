"""The locks of a worker's exchange: what several threads write, cancel and end at once."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from chatd.live import CallerGoneError, Sink
from local.workers.cancellation import Cancellation
from local.workers.invocation import Exchange

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


class Pours:
    """A live answer that is made by a function."""

    def __init__(self, pour: Callable[[Sink], None]) -> None:
        self.pour = pour
        self.aborts = 0

    def abort(self) -> None:
        self.aborts += 1


class Front:
    """The front's end of the socket; it reads nothing before it is let, and then all."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.let = threading.Event()
        self.took = bytearray()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def frames(self) -> list[bytes]:
        """The payloads of all frames, once the worker's end is closed."""
        self.let.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        found, place = [], 0
        while place < len(self.took):
            size, _ = HEAD.unpack_from(self.took, place)
            place += HEAD.size
            found.append(bytes(self.took[place : place + size]))
            assert len(found[-1]) == size
            place += size
        return found

    def _read(self) -> None:
        assert self.let.wait(PATIENCE)
        while data := self._sock.recv(1 << 20):
            self.took += data


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Front]]:
    """The worker's end of a socket, and the front at the other."""
    worker, other = socket.socketpair()
    with other:
        front = Front(other)
        yield worker, front
        worker.close()
        front.let.set()


def test_what_two_threads_write_is_two_whole_frames(ends: tuple[socket.socket, Front]) -> None:
    worker, front = ends

    def pour(sink: Sink) -> None:
        sink.commit(200, {})
        threads = [
            threading.Thread(target=sink.write, args=(name * PIECE,)) for name in (b"a", b"b")
        ]
        for thread in threads:
            thread.start()
            thread.join(0.3)  # it cannot end: nothing is read
        assert threads[0].is_alive()
        front.let.set()
        for thread in threads:
            thread.join(PATIENCE)

    Exchange(worker, MESSAGE).answer(lambda _event, _context: Pours(pour))
    worker.close()

    live, head, *pieces, end = front.frames()
    assert [json.loads(frame) for frame in (live, head, end)] == [
        {"live": True},
        {"head": {"statusCode": 200, "headers": {}}},
        {"end": True},
    ]
    assert sorted((piece[:1], len(piece), len(set(piece))) for piece in pieces) == [
        (b"a", PIECE, 1),
        (b"b", PIECE, 1),
    ]


def test_the_end_waits_for_the_piece_that_is_under_way(ends: tuple[socket.socket, Front]) -> None:
    worker, front = ends
    threads: list[threading.Thread] = []

    def pour(sink: Sink) -> None:
        sink.commit(200, {})
        threads.append(threading.Thread(target=sink.write, args=(b"a" * PIECE,)))
        threads[0].start()
        threads[0].join(0.3)  # as above
        threading.Timer(0.3, front.let.set).start()

    Exchange(worker, MESSAGE).answer(lambda _event, _context: Pours(pour))
    threads[0].join(PATIENCE)
    worker.close()

    assert [len(frame) for frame in front.frames()[2:]] == [PIECE, len(b'{"end":true}')]


def test_what_is_written_after_the_end_is_refused(ends: tuple[socket.socket, Front]) -> None:
    worker, front = ends
    sinks: list[Sink] = []
    Exchange(worker, MESSAGE).answer(lambda _event, _context: Pours(sinks.append))

    with pytest.raises(CallerGoneError):
        sinks[0].write(b"late")
    worker.close()

    assert b"late" not in b"".join(front.frames())


class Held(list[Callable[[], None]]):
    """A list that takes what is appended only after a moment, unless it is let go before."""

    def __init__(self) -> None:
        super().__init__()
        self.appending, self.let = threading.Event(), threading.Event()

    def append(self, callback: Callable[[], None]) -> None:
        self.appending.set()
        self.let.wait(0.3)
        super().append(callback)


def test_a_callback_that_is_added_while_the_caller_leaves_runs_once() -> None:
    cancellation, held = Cancellation(), Held()
    cancellation._callbacks = held  # the only place where the adding thread can be held
    runs: list[int] = []

    def leave() -> None:
        assert held.appending.wait(PATIENCE)
        cancellation.cancel()
        held.let.set()

    thread = threading.Thread(target=leave)
    thread.start()
    cancellation.add(lambda: runs.append(1))
    thread.join(PATIENCE)

    assert runs == [1]


def test_a_callback_that_is_added_after_the_caller_left_runs_at_once() -> None:
    cancellation = Cancellation()
    runs: list[int] = []
    cancellation.cancel()
    cancellation.add(lambda: runs.append(1))
    cancellation.cancel()

    assert runs == [1]
