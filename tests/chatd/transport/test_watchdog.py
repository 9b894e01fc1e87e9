"""The watchdog's locks hold for several threads in the most harmful order of steps.

Events in the middle of a step, or many thread switches, force the order.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import cast

import pytest

from chatd.deadline import Deadline
from chatd.transport import watchdog
from chatd.transport.watchdog import Guard, Watchdog

# Seconds to wait for an event; far more than the event takes.
PATIENCE = 20.0
LATER = 600.0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield both ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(PATIENCE)
        yield ours, theirs


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Switch threads every microsecond."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@contextmanager
def at_once(number: int, do: Callable[[int], None]) -> Iterator[None]:
    """Start threads together, and join the threads after the block."""
    ready = threading.Barrier(number)

    def run(which: int) -> None:
        ready.wait(PATIENCE)
        do(which)

    threads = [threading.Thread(target=run, args=(which,)) for which in range(number)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_socket_is_shut_down_at_its_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    guard = Watchdog().guard(Deadline.after(0.05))
    guard.watch(pair[0])

    assert pair[1].recv(1) == b""
    assert guard.fired


def test_a_guard_releases_its_socket_at_the_end_of_the_request(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    guard = Watchdog().guard(Deadline.after(LATER))
    guard.watch(pair[0])
    guard.end()
    pair[0].close()

    assert pair[1].recv(1) == b""
    assert not guard.fired


def test_a_guard_releases_its_socket_for_the_next(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    guard = Watchdog().guard(Deadline.after(LATER))
    with closing(socket.socket()) as other:
        guard.watch(pair[0])
        guard.watch(other)
        pair[0].close()

        assert pair[1].recv(1) == b""
        guard.end()


def test_a_socket_watched_after_an_abort_is_shut_down(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    guard = Watchdog().guard(Deadline.after(LATER))
    guard.abort()
    guard.watch(pair[0])

    assert pair[1].recv(1) == b""
    guard.end()


def test_an_abort_after_the_end_shuts_no_socket_down(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    guard = Watchdog().guard(Deadline.after(LATER))
    guard.watch(pair[0])
    guard.end()
    # One of these has the number of the guard's former descriptor.
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guard.abort()
        for one, other in (pair, (ours, theirs)):
            other.settimeout(PATIENCE)
            one.sendall(b"x")
            assert other.recv(1) == b"x"
            other.sendall(b"y")
            assert one.recv(1) == b"y"


class LockCheckingGuard(Guard):
    """Record each step on the socket without the lock.

    Without the lock, a second thread could close the descriptor and a third reuse its number: the
    guard would shut the wrong connection down.
    """

    def __init__(self, owner: Watchdog, deadline: Deadline) -> None:
        super().__init__(owner, deadline)
        self.unlocked: list[str] = []

    def fire(self) -> None:
        self._note("fire")
        super().fire()

    def release(self) -> None:
        self._note("release")
        super().release()

    def _note(self, step: str) -> None:
        if not self._watchdog.lock._is_owned():  # type: ignore[attr-defined]  # CPython's own check
            self.unlocked.append(step)


@pytest.mark.parametrize("shut_first", [False, True])
def test_a_socket_is_shut_down_and_released_only_under_the_lock(
    monkeypatch: pytest.MonkeyPatch,
    pair: tuple[socket.socket, socket.socket],
    shut_first: bool,
) -> None:
    monkeypatch.setattr(watchdog, "Guard", LockCheckingGuard)
    guard = cast("LockCheckingGuard", Watchdog().guard(Deadline.after(LATER)))
    if shut_first:
        guard.abort()
    guard.watch(pair[0])
    guard.watch(pair[0])
    guard.move(Deadline.after(0))
    assert pair[1].recv(1) == b""
    guard.abort()
    guard.end()

    assert guard.unlocked == []


class PausedGuard(Guard):
    """Pause the watchdog's thread after a read of the deadline, until the test proceeds.

    The thread reads a deadline twice in each check, and misses a change after the second read.
    """

    reading = threading.Event()
    proceed = threading.Event()
    reads = 0
    armed = False

    @property
    def deadline(self) -> Deadline:
        """Return the deadline of the time when the read began."""
        deadline = self._deadline
        if PausedGuard.armed and threading.current_thread().name == "watchdog":
            PausedGuard.reads += 1
            if PausedGuard.reads == 2:
                PausedGuard.reading.set()
                assert PausedGuard.proceed.wait(PATIENCE)
        return deadline

    @deadline.setter
    def deadline(self, deadline: Deadline) -> None:
        self._deadline = deadline


def test_a_deadline_set_during_a_check_is_not_missed(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[socket.socket, socket.socket]
) -> None:
    owner = Watchdog()
    sooner = Deadline.after(1)
    first = owner.guard(sooner)
    looked, peer = socket.socketpair()
    with looked, peer:
        peer.settimeout(PATIENCE)
        owner.guard(Deadline.after(0)).watch(looked)
        assert peer.recv(1) == b""
    monkeypatch.setattr(watchdog, "Guard", PausedGuard)
    guard = owner.guard(Deadline.after(LATER))
    guard.watch(pair[0])
    with owner.lock:  # the thread has ended a check, and sleeps until `sooner`
        monkeypatch.setattr(PausedGuard, "armed", True)
    first.move(Deadline.after(0))
    assert PausedGuard.reading.wait(PATIENCE)
    # Later than the thread's wake-up: that wake-up alone does not apply this deadline.
    moving = threading.Thread(target=guard.move, args=(Deadline(sooner.at + 0.01),))
    moving.start()
    moving.join(0.2)  # the move waits for the end of the check
    PausedGuard.proceed.set()
    moving.join(PATIENCE)

    assert pair[1].recv(1) == b""
    assert (first.fired, guard.fired) == (True, True)


class CountingGuard(Guard):
    """Count the checks by the watchdog's thread."""

    looks = 0

    @property
    def deadline(self) -> Deadline:
        """The deadline."""
        CountingGuard.looks += threading.current_thread().name == "watchdog"
        return self._deadline

    @deadline.setter
    def deadline(self, deadline: Deadline) -> None:
        self._deadline = deadline


def test_the_thread_sleeps_after_a_deadline_has_passed(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[socket.socket, socket.socket]
) -> None:
    monkeypatch.setattr(watchdog, "Guard", CountingGuard)
    guard = Watchdog().guard(Deadline.after(0.01))
    guard.watch(pair[0])
    assert pair[1].recv(1) == b""
    time.sleep(0.2)  # for checks that must not follow
    guard.end()

    assert CountingGuard.looks < 20


def test_a_moved_deadline_replaces_the_earlier_one(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    guard = Watchdog().guard(Deadline.after(1.5))
    guard.watch(pair[0])
    guard.move(Deadline.after(LATER))
    time.sleep(1.8)  # past the first deadline, which is replaced
    assert not guard.fired
    guard.move(Deadline.after(0.01))

    assert pair[1].recv(1) == b""


@pytest.mark.usefixtures("many_switches")
def test_simultaneous_requests_are_watched_by_one_thread() -> None:
    for _ in range(30):
        owner = Watchdog()
        before = watching()
        with at_once(8, lambda _which, owner=owner: owner.guard(Deadline.after(LATER)).end()):  # type: ignore[misc]  # mypy sees no default
            pass
        assert watching() - before == 1


@pytest.mark.usefixtures("many_switches")
def test_requests_that_start_and_end_during_a_check_do_not_end_the_thread(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    owner = Watchdog()
    kept = [owner.guard(Deadline.after(LATER)) for _ in range(200)]

    def churn(_which: int) -> None:
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            for guard in [owner.guard(Deadline.after(0)) for _ in range(20)]:
                guard.end()

    with at_once(4, churn):
        pass
    guard = owner.guard(Deadline.after(0.01))
    guard.watch(pair[0])

    assert pair[1].recv(1) == b""
    for one in kept:
        one.end()


def watching() -> int:
    return sum(thread.name == "watchdog" for thread in threading.enumerate())
