"""The lock of the runtime's stream: pieces of several threads are whole chunks, the end is last.

The Runtime API reads slowly, so that each thread is stopped in the middle of its piece.
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
# More than the buffers of both ends hold together.
PIECE = 8 * 1024 * 1024
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


class Api:
    """A Runtime API that reads nothing before it is let, and then all."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.let = threading.Event()
        self.took = bytearray()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self.let.set()
        self._thread.join(PATIENCE)
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            assert self.let.wait(PATIENCE)
            while not self.took.endswith(b"0\r\n\r\n"):
                if not (data := connection.recv(1 << 20)):
                    return
                self.took += data
            connection.sendall(ACCEPTED)


@pytest.fixture
def api() -> Iterator[Api]:
    running = Api()
    yield running
    running.close()


def chunks(took: bytes) -> list[bytes]:
    """The chunks of a request's body, each as long as it says, up to the empty one."""
    _, _, body = took.partition(b"\r\n\r\n")
    found: list[bytes] = []
    place = 0
    while True:
        size = re.compile(rb"([0-9a-f]+)\r\n").match(body, place)
        assert size, f"no size of a chunk after {len(found)} chunks"
        start, length = size.end(), int(size[1], 16)
        assert body[start + length : start + length + 2] == b"\r\n"
        if not length:
            assert start + 2 == len(body), "something comes after the end"
            return found
        found.append(body[start : start + length])
        place = start + length + 2


def together(api: Api, *steps: Callable[[], None]) -> None:
    """Have each step begin while those before it are stopped in the middle."""
    threads = [threading.Thread(target=step) for step in steps]
    for thread in threads:
        thread.start()
        thread.join(0.3)  # it cannot end: nobody reads
    assert threads[0].is_alive()
    api.let.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_piece_is_sent_whole_before_the_next(api: Api) -> None:
    from chatd.aws_lambda.runtime_stream import InvocationStream  # noqa: PLC0415  # awslambdaric is for Linux only

    stream = InvocationStream(api.address, "request-1", None)
    stream.commit(200, {})
    together(api, *(lambda name=name: stream.write(name * PIECE) for name in (b"a", b"b", b"c")))
    stream.end()
    stream.close()

    _, *pieces = chunks(bytes(api.took))
    assert sorted((piece[:1], len(piece), len(set(piece))) for piece in pieces) == [
        (name, PIECE, 1) for name in (b"a", b"b", b"c")
    ]


def test_the_end_waits_for_the_piece_that_is_under_way(api: Api) -> None:
    from chatd.aws_lambda.runtime_stream import InvocationStream  # noqa: PLC0415  # as above

    stream = InvocationStream(api.address, "request-1", None)
    stream.commit(200, {})
    late: list[str] = []

    def comment() -> None:
        """What a comment meets that is not let in before the end."""
        try:
            stream.write(b": late\n\n")
        except CallerGoneError:
            late.append("refused")

    together(api, lambda: stream.write(b"a" * PIECE), stream.end)
    comment()
    stream.close()

    assert [len(piece) for piece in chunks(bytes(api.took))[1:]] == [PIECE]
    assert late == ["refused"]
