"""Connect to a host with responsive and unresponsive addresses."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from chatd.config.provider import Timeouts
from chatd.deadline import Deadline
from chatd.errors import UpstreamError, UpstreamTimeoutError
from chatd.transport.happy_eyeballs import (
    NEXT_ADDRESS_SECONDS,
    Address,
    alternated,
    connect,
    resolve,
)
from chatd.transport.http_client import Urllib3Transport
from chatd.transport.watchdog import Guard
from chatd.upstream_http import HttpRequest, HttpResponse
from tests.support.upstream import Upstream, reply, upstream

V4, V6 = socket.AF_INET, socket.AF_INET6
# Seconds: a connect limit that only an unresponsive address reaches.
LONG = 60.0


@contextmanager
def unresponsive() -> Iterator[Address]:
    """Yield an address that answers no SYN, as its queue is full."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield Address(V4, full.getsockname())


@pytest.fixture
def server() -> Iterator[Upstream]:
    with upstream(reply({"ok": True})) as running:
        yield running


@pytest.fixture
def refusing() -> Address:
    """Return an address that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return Address(V4, taken.getsockname())


def send(
    *addresses: Address, connect: float = LONG, started: Callable[..., None] = lambda _: None
) -> HttpResponse:
    """Send a request to a host that has these addresses."""
    transport = Urllib3Transport(lambda _host, _port: addresses)
    request = HttpRequest("http://several.test", {}, b"{}")
    return transport.send(request, Deadline.after(2 * LONG), connect, started)


def serving(server: Upstream) -> Address:
    return Address(V4, ("127.0.0.1", server.port))


def test_an_unresponsive_address_does_not_use_up_the_connect_limit(server: Upstream) -> None:
    started = time.monotonic()
    with unresponsive() as silent:
        response = send(silent, serving(server))

    assert response.status == 200
    assert time.monotonic() - started < LONG / 2


def test_the_next_address_is_tried_after_a_quarter_of_a_second(server: Upstream) -> None:
    # https://www.rfc-editor.org/rfc/rfc8305#section-8
    assert NEXT_ADDRESS_SECONDS == 0.25
    started = time.monotonic()
    with unresponsive() as silent:
        send(silent, serving(server))

    assert time.monotonic() - started >= 0.25


def test_several_unresponsive_addresses_are_tried_in_parallel(server: Upstream) -> None:
    started = time.monotonic()
    with unresponsive() as one, unresponsive() as two, unresponsive() as three:
        response = send(one, two, three, serving(server))

    assert response.status == 200
    assert time.monotonic() - started < LONG / 2


def test_thirty_unresponsive_addresses_delay_the_next_by_less_than_a_second_each(
    server: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatd.transport.happy_eyeballs.NEXT_ADDRESS_SECONDS", 0.01)
    started = time.monotonic()
    with unresponsive() as silent:
        assert send(*[silent] * 30, serving(server)).status == 200

    assert time.monotonic() - started < 20  # not a second each


def test_a_refused_ipv6_address_is_followed_by_ipv4(server: Upstream) -> None:
    response = send(Address(V6, ("::1", server.port, 0, 0)), serving(server))

    assert response.status == 200


def test_an_unsupported_address_family_is_skipped(server: Upstream) -> None:
    assert send(Address(-7, ("x", 1)), serving(server)).status == 200


def test_after_a_refusal_the_next_address_is_tried_at_once(
    server: Upstream, refusing: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatd.transport.happy_eyeballs.NEXT_ADDRESS_SECONDS", LONG)
    started = time.monotonic()

    assert send(*[refusing] * 20, serving(server)).status == 200
    assert time.monotonic() - started < LONG / 2


def test_the_first_of_two_responsive_addresses_is_used(server: Upstream) -> None:
    with upstream(reply({"other": True})) as other:
        response = send(serving(server), serving(other))

    assert response.body == b'{"ok": true}'
    assert other.received == []


def test_refusals_of_every_address_are_an_error_at_once(refusing: Address) -> None:
    with pytest.raises(UpstreamError, match="nothing answers at its address") as caught:
        send(refusing, refusing)

    assert caught.value.unreachable


def test_unresponsive_addresses_end_at_the_connect_limit(refusing: Address) -> None:
    with (
        unresponsive() as silent,
        pytest.raises(UpstreamTimeoutError, match="no connection") as caught,
    ):
        send(refusing, silent, silent, connect=0.6)

    assert caught.value.unreachable


@pytest.mark.parametrize("addresses", [0, 1, 2])
def test_connection_attempts_leave_no_socket_open(addresses: int, server: Upstream) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(unresponsive()) for _ in range(addresses)]
        send(*silent, serving(server))  # loads modules and starts threads once
        before = _descriptors()
        for _ in range(3):
            send(*silent, serving(server))
            with pytest.raises(UpstreamError):
                send(*silent, connect=0.1)

    assert _descriptors() <= before + 3  # the transports' idle connections, until collected


def _descriptors() -> int:
    import gc  # noqa: PLC0415  # idle connections of transports that are gone are closed by it

    gc.collect()
    return len(os.listdir("/dev/fd"))  # noqa: PTH208  # pathlib would open a descriptor a name


class Exhausted(Guard):
    """Fail to hold the second socket, as no descriptor is left."""

    def __init__(self) -> None:
        self.held: list[socket.socket] = []

    def watch(self, sock: socket.socket) -> None:
        self.held.append(sock)
        if len(self.held) > 1:
            raise OSError(errno.EMFILE, "no descriptor left")


def test_a_connection_that_cannot_be_watched_is_closed(server: Upstream) -> None:
    guard = Exhausted()
    with pytest.raises(OSError, match="no descriptor left"):
        connect([serving(server)], lambda _sock: None, Deadline.after(LONG), guard)

    assert guard.held[1].fileno() == -1


def test_a_cancelled_connection_attempt_ends_at_once() -> None:
    requested, error = threading.Event(), None
    cancels: list[Callable[[], None]] = []

    def resolver(_host: str, _port: int) -> Sequence[Address]:
        requested.set()
        return [silent]

    def run() -> None:
        nonlocal error
        request = HttpRequest("http://silent.test", {}, b"{}")
        limits = Timeouts(connect=LONG)
        try:
            Urllib3Transport(resolver).open(
                request, Deadline.after(2 * LONG), limits, cancels.append
            )
        except UpstreamError as raised:
            error = raised

    with unresponsive() as silent:
        thread = threading.Thread(target=run)
        thread.start()
        assert requested.wait(10)
        cancels[0]()
        thread.join(LONG / 2)

    assert not thread.is_alive()
    assert isinstance(error, UpstreamTimeoutError)


def test_connecting_starts_no_thread(server: Upstream) -> None:
    request = HttpRequest("http://several.test", {}, b"{}")
    with unresponsive() as silent:
        transport = Urllib3Transport(lambda _host, _port: [silent, serving(server)])
        transport.send(request, Deadline.after(LONG), LONG)  # starts the watchdog's thread
        mine = set(threading.enumerate())
        transport.forget()
        transport.send(request, Deadline.after(LONG), LONG)

    started = {thread for thread in threading.enumerate() if "process_request" not in thread.name}
    assert started <= mine


def test_address_families_alternate_from_the_first() -> None:
    six = [Address(V6, n) for n in range(3)]
    four = [Address(V4, n) for n in range(2)]

    assert alternated([*six, *four]) == [six[0], four[0], six[1], four[1], six[2]]
    assert alternated([four[0], *six]) == [four[0], *six]
    assert alternated([]) == []


def test_a_socket_connects_to_an_address_of_the_systems_resolver(server: Upstream) -> None:
    (address, *_) = [a for a in resolve("127.0.0.1", server.port) if a.family == V4]

    with socket.socket(address.family) as sock:
        sock.connect(address.sockaddr)
