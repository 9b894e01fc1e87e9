"""What an upstream can do with a request: answer it, or fail in every way there is.

Each act plays on an exchange (faulty_upstream.py), in any dialect, whether the answer was to be streamed or
not. `after` counts the tokens that are sent before the fault. It knows nothing of the gateway.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.dialect_streams import Asked
from tests.support.faulty_upstream import Act, Exchange

# Bytes that a lying length promises more than there are.
_MORE = 100


def scripted(*acts: Act) -> Callable[[Asked], Act]:
    """One act an attempt, in this order; the last one from then on."""
    waiting = list(acts)

    def script(_asked: Asked) -> Act:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return script


def answers() -> Act:
    """Nothing wrong at all."""

    def play(exchange: Exchange) -> None:
        exchange.begin()
        exchange.say()
        exchange.finish()
        exchange.end()

    return Act("answers", play)


def answers_late(after: float, every: float) -> Act:
    """The head at once, the first token after so many seconds, signs of life until then."""

    def play(exchange: Exchange) -> None:
        exchange.begin()
        for _ in range(round(after / every)):
            _sign_of_life(exchange)
            if not exchange.wait(every):
                return
        exchange.say()
        exchange.finish()
        exchange.end()

    return Act("answers late", play)


def resets(after: int | None = None) -> Act:
    """A TCP reset: before any byte, or after some tokens."""

    def play(exchange: Exchange) -> None:
        if after is not None:
            exchange.begin()
            exchange.say(after)
        exchange.reset()

    return Act("resets", play)


def silent() -> Act:
    """Takes the request, and no byte comes."""

    def play(exchange: Exchange) -> None:
        exchange.wait()

    return Act("silent", play)


def stalls(after: int) -> Act:
    """The head and some tokens, and then nothing; the connection stays."""

    def play(exchange: Exchange) -> None:
        exchange.begin()
        exchange.say(after)
        exchange.wait()

    return Act("stalls", play)


def never_begins(every: float) -> Act:
    """Signs of life without end, and never a token."""
    return _goes_on(0, every, "never begins")


def never_ends(after: int, every: float) -> Act:
    """Some tokens, and then signs of life without end."""
    return _goes_on(after, every, "never ends")


def trickles_headers(every: float) -> Act:
    """A head that comes a byte at a time, and never ends."""

    def play(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nX-Padding: ")
        while exchange.wait(every):
            exchange.send(b"x")

    return Act("trickles headers", play)


def cut(after: int) -> Act:
    """Some tokens, and the connection is closed in the middle of the next piece."""

    def play(exchange: Exchange) -> None:
        exchange.begin()
        exchange.say(after)
        exchange.send(b"ff\r\nda")

    return Act("cut", play)


def malformed(after: int) -> Act:
    """Some tokens, something that is none, and an end as if all were well."""

    def play(exchange: Exchange) -> None:
        exchange.begin()
        exchange.say(after)
        exchange.piece(exchange.asked.dialect.nonsense)
        exchange.end()

    return Act("malformed", play)


def lacks_end(after: int, *, closes: bool = False) -> Act:
    """Some tokens, and a response that ends well without saying that this was all.

    Where it `closes`, the response has no length, so its end is the connection's.
    """

    def play(exchange: Exchange) -> None:
        if closes:
            exchange.begin(connection="close")
        else:
            exchange.begin()
        exchange.say(after)
        exchange.end()

    return Act("lacks its end", play)


def reports(after: int | None = None) -> Act:
    """An error under status 200: as the whole body, or as an event after some tokens."""

    def play(exchange: Exchange) -> None:
        if after is None:
            exchange.begin(content_type="application/json")
            exchange.piece(exchange.asked.dialect.body)
        else:
            exchange.begin()
            exchange.say(after)
            exchange.piece(exchange.asked.dialect.error)
        exchange.end()

    return Act("reports an error", play)


def promises_more() -> Act:
    """The whole answer under a length that is longer than it, and the connection is closed."""

    def play(exchange: Exchange) -> None:
        exchange.begin(content_length=str(exchange.spoken.size + _MORE))
        exchange.say()
        exchange.finish(whole=exchange.asked.streamed)  # an answer without a stream has no end mark

    return Act("promises more", play)


def promises_less(after: int) -> Act:
    """The whole answer under the length of its first tokens; the connection is kept."""

    def play(exchange: Exchange) -> None:
        spoken = exchange.spoken
        length = sum(map(len, (*spoken.lead, *spoken.tokens[:after])))
        with exchange.at_once():
            exchange.begin(content_length=str(length))
            exchange.say()
            for piece in spoken.end:  # for whom it is never sees it
                exchange.piece(piece)
        exchange.kept = True

    return Act("promises less", play)


def hangs_at_end() -> Act:
    """All tokens and that this was all; then neither the rest nor the connection's end comes."""

    def play(exchange: Exchange) -> None:
        exchange.begin()
        exchange.say()
        exchange.attempt.whole = exchange.asked.streamed  # as above
        exchange.piece(exchange.spoken.end[0])
        exchange.wait()

    return Act("hangs at its end", play)


def chatters_at_end(every: float) -> Act:
    """All tokens and that this was all; then signs of life without end."""

    def play(exchange: Exchange) -> None:
        exchange.begin()
        exchange.say()
        exchange.finish(whole=exchange.asked.streamed)  # an answer without a stream has no end mark
        while exchange.wait(every):
            _sign_of_life(exchange)

    return Act("chatters at its end", play)


def refuses(status: int, **headers: str) -> Act:
    """A status that is not 200, in the provider's own words."""

    def play(exchange: Exchange) -> None:
        exchange.begin(status, content_type="application/json", **headers)
        exchange.piece(exchange.asked.dialect.body)
        exchange.end()

    return Act(f"refuses with {status}", play)


@contextmanager
def black_hole() -> Iterator[str]:
    """The URL of a host to which no connection is ever made, and that refuses none."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # The queue of a listener that accepts nobody holds one; further ones wait for ever.
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"
        for one in waiting:
            one.close()


@contextmanager
def closed_port() -> Iterator[str]:
    """The URL of a host that refuses every connection."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def _goes_on(after: int, every: float, name: str) -> Act:
    def play(exchange: Exchange) -> None:
        exchange.begin()
        exchange.say(after)
        while exchange.wait(every):
            _sign_of_life(exchange)

    return Act(name, play)


def _sign_of_life(exchange: Exchange) -> None:
    """What says nothing: a space where the answer is JSON."""
    exchange.piece(exchange.asked.dialect.noise if exchange.asked.streamed else b" ")
