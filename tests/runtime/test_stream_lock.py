"""Test the lock of the runtime's stream with concurrent writes.

The Runtime API reads nothing at first, so each thread blocks in the middle of its write.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from chatd.aws_lambda.streaming import CallerGoneError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is for Linux only")

PATIENCE = 30.0
# Larger than the socket buffers of both ends together.
WRITE_SIZE = 8 * 1024 * 1024
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


class Api:
    """Serve a Runtime API that reads only after `may_read` is set."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.may_read = threading.Event()
        self.received = bytearray()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self.may_read.set()
        self._thread.join(PATIENCE)
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            assert self.may_read.wait(PATIENCE)
            while not self.received.endswith(b"0\r\n\r\n"):
                if not (data := connection.recv(1 << 20)):
                    return
                self.received += data
            connection.sendall(ACCEPTED)


@pytest.fixture
def api() -> Iterator[Api]:
    running = Api()
    yield running
    running.close()


def chunks(received: bytes) -> list[bytes]:
    """Split a chunked request body into its chunks."""
    _, _, body = received.partition(b"\r\n\r\n")
    found: list[bytes] = []
    offset = 0
    while True:
        size = re.compile(rb"([0-9a-f]+)\r\n").match(body, offset)
        assert size, f"no chunk size after {len(found)} chunks"
        start, length = size.end(), int(size[1], 16)
        assert body[start + length : start + length + 2] == b"\r\n"
        if not length:
            assert start + 2 == len(body), "there is data after the last chunk"
            return found
        found.append(body[start : start + length])
        offset = start + length + 2


def run_interleaved(api: Api, *steps: Callable[[], None]) -> None:
    """Start each step while the previous steps are blocked in a write."""
    threads = [threading.Thread(target=step) for step in steps]
    for thread in threads:
        thread.start()
        thread.join(0.3)  # the step cannot end, because the API reads nothing
    assert threads[0].is_alive()
    api.may_read.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_write_is_sent_whole_before_the_next(api: Api) -> None:
    from chatd.aws_lambda.runtime_stream import InvocationStream  # noqa: PLC0415  # awslambdaric is for Linux only

    stream = InvocationStream(api.address, "request-1", None)
    stream.commit(200, {})
    run_interleaved(
        api, *(lambda name=name: stream.write(name * WRITE_SIZE) for name in (b"a", b"b", b"c"))
    )
    stream.end()
    stream.close()

    _, *writes = chunks(bytes(api.received))
    assert sorted((write[:1], len(write), len(set(write))) for write in writes) == [
        (name, WRITE_SIZE, 1) for name in (b"a", b"b", b"c")
    ]


def test_the_end_waits_for_a_write_in_progress(api: Api) -> None:
    from chatd.aws_lambda.runtime_stream import InvocationStream  # noqa: PLC0415  # as above

    stream = InvocationStream(api.address, "request-1", None)
    stream.commit(200, {})
    late: list[str] = []

    def comment() -> None:
        """Write a comment after the end."""
        try:
            stream.write(b": late\n\n")
        except CallerGoneError:
            late.append("refused")

    run_interleaved(api, lambda: stream.write(b"a" * WRITE_SIZE), stream.end)
    comment()
    stream.close()

    assert [len(write) for write in chunks(bytes(api.received))[1:]] == [WRITE_SIZE]
    assert late == ["refused"]
