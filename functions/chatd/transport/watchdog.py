"""Shut a socket at its deadline, whatever the thread that reads it is doing.

A socket's own timeout starts anew with every read, so a peer that sends a byte now and then never
meets it. It knows sockets and deadlines, and nothing of HTTP.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress

from chatd.deadline import Deadline


class Guard:
    """The watchdog's hold on one request: a deadline, and the socket to shut at it."""

    def __init__(self, watchdog: Watchdog, deadline: Deadline) -> None:
        self._watchdog = watchdog
        self._descriptor: int | None = None
        self.deadline = deadline
        self.fired = False

    def hold(self, sock: socket.socket) -> None:
        """Watch this socket.

        It is duplicated, since wrapping a socket in TLS or handing it to a response takes it away
        from its holder, while to shut a duplicate is to shut the connection.
        """
        duplicate = os.dup(sock.fileno())
        with self._watchdog.lock:
            self.release()
            self._descriptor = duplicate
            if self.fired:
                self.fire()

    def move(self, deadline: Deadline) -> None:
        """Watch for another deadline from now on."""
        self.deadline = deadline
        self._watchdog.expect(deadline)

    def park(self, deadline: Deadline) -> None:
        """Watch for a later deadline from now on: nothing is waited for in the meantime."""
        self.deadline = deadline

    def end(self) -> None:
        """The request has ended."""
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
                duplicate.shutdown(socket.SHUT_RDWR)  # an OSError: the peer was faster

    def release(self) -> None:
        """Let go of the socket. Called with the lock held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Watchdog:
    """Watches the guards of all requests, in one thread that the first request starts."""

    def __init__(self) -> None:
        self.lock = threading.Condition()
        self._guards: set[Guard] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = float("inf")

    def guard(self, deadline: Deadline) -> Guard:
        """Watch one request until `Guard.end`."""
        guard = Guard(self, deadline)
        with self.lock:
            self._guards.add(guard)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
        self.expect(deadline)
        return guard

    def dismiss(self, guard: Guard) -> None:
        """Watch a request no longer."""
        with self.lock:
            self._guards.discard(guard)
            guard.release()

    def expect(self, deadline: Deadline) -> None:
        """See that the thread wakes in time for a guard's new deadline.

        It is left asleep where it would wake soon enough: to wake it costs every request a switch.
        No lock is needed to see that: while the thread looks at the guards it is known to wake
        never, so who sets a deadline that it may have missed waits here until it has looked.
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
