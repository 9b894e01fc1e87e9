"""Shut a socket at its deadline, from a thread other than the reading one.

A socket's own timeout restarts with each read, so it never ends a peer that sends single bytes.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress

from chatd.deadline import Deadline


class Guard:
    """The guard of one request: a deadline, and the socket to shut then."""

    def __init__(self, watchdog: Watchdog, deadline: Deadline) -> None:
        self._watchdog = watchdog
        self._descriptor: int | None = None
        self.deadline = deadline
        self.fired = False

    def watch(self, sock: socket.socket) -> None:
        """Guard this socket.

        The guard holds a duplicate: wrapping a socket in TLS, or passing it to a response, detaches
        the original, and shutting a duplicate shuts the connection.
        """
        duplicate = os.dup(sock.fileno())
        with self._watchdog.lock:
            self.release()
            self._descriptor = duplicate
            if self.fired:
                self.fire()

    def move(self, deadline: Deadline) -> None:
        """Set another deadline."""
        self.deadline = deadline
        self._watchdog.expect(deadline)

    def pause(self, deadline: Deadline) -> None:
        """Set a later deadline for a pause of the exchange."""
        self.deadline = deadline

    def end(self) -> None:
        """Stop guarding: the request has ended."""
        self._watchdog.dismiss(self)

    def abort(self) -> None:
        """Shut the socket now, from any thread."""
        with self._watchdog.lock:
            self.fire()

    def fire(self) -> None:
        """Shut the socket. Called with the lock held."""
        self.fired = True
        if self._descriptor is not None:
            with suppress(OSError), socket.socket(fileno=os.dup(self._descriptor)) as duplicate:
                duplicate.shutdown(socket.SHUT_RDWR)  # an OSError: the peer closed first

    def release(self) -> None:
        """Release the socket. Called with the lock held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Watchdog:
    """Enforce the deadlines of all requests in one thread, which the first request starts."""

    def __init__(self) -> None:
        self.lock = threading.Condition()
        self._guards: set[Guard] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = float("inf")

    def guard(self, deadline: Deadline) -> Guard:
        """Make the guard of one request, which lasts until `Guard.end`."""
        guard = Guard(self, deadline)
        with self.lock:
            self._guards.add(guard)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
        self.expect(deadline)
        return guard

    def dismiss(self, guard: Guard) -> None:
        """Remove the guard of a request."""
        with self.lock:
            self._guards.discard(guard)
            guard.release()

    def expect(self, deadline: Deadline) -> None:
        """Ensure that the thread wakes in time for a guard's new deadline.

        The thread sleeps on if it wakes soon enough, because waking it costs each request a thread
        switch. No lock is needed for that check: while the thread scans the guards its wake-up time
        is infinity, so a caller with a deadline that the scan may have missed waits for its end.
        """
        if deadline.at < self._wakes_at:
            with self.lock:
                self.lock.notify()

    def _watch(self) -> None:
        with self.lock:
            while True:
                self._wakes_at = float("inf")
                now = time.monotonic()
                for guard in self._guards:
                    if guard.deadline.at <= now and not guard.fired:
                        guard.fire()
                waiting = [guard.deadline.at for guard in self._guards if not guard.fired]
                self._wakes_at = min(waiting, default=float("inf"))
                self.lock.wait(None if not waiting else self._wakes_at - now)
