"""Acts of an upstream on a request: a valid response, and every kind of fault.

Each act plays on an exchange (faulty_upstream.py), in any dialect, for streams and whole responses.
`after` is the number of tokens before the fault.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.support.dialect_streams import ChatRequest
from tests.support.faulty_upstream import Act, Exchange

# Bytes by which a false Content-Length exceeds the body.
_EXCESS = 100


def scripted(*acts: Act) -> Callable[[ChatRequest], Act]:
    """Return a script with one act per attempt, in order; the last act repeats."""
    waiting = list(acts)

    def script(_request: ChatRequest) -> Act:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return script


def answers() -> Act:
    """Send a complete, valid response."""

    def play(exchange: Exchange) -> None:
        exchange.send_head()
        exchange.send_tokens()
        exchange.send_end()
        exchange.end_response()

    return Act("answers", play)


def answers_late(after: float, every: float) -> Act:
    """Send the head at once, keep-alives, and the first token after `after` seconds."""

    def play(exchange: Exchange) -> None:
        exchange.send_head()
        for _ in range(round(after / every)):
            _keep_alive(exchange)
            if not exchange.wait(every):
                return
        exchange.send_tokens()
        exchange.send_end()
        exchange.end_response()

    return Act("answers late", play)


def resets(after: int | None = None) -> Act:
    """Send a TCP reset, before any byte or after `after` tokens."""

    def play(exchange: Exchange) -> None:
        if after is not None:
            exchange.send_head()
            exchange.send_tokens(after)
        exchange.reset()

    return Act("resets", play)


def silent() -> Act:
    """Accept the request and send no byte."""

    def play(exchange: Exchange) -> None:
        exchange.wait()

    return Act("silent", play)


def stalls(after: int) -> Act:
    """Send the head and `after` tokens, then no byte; the connection stays open."""

    def play(exchange: Exchange) -> None:
        exchange.send_head()
        exchange.send_tokens(after)
        exchange.wait()

    return Act("stalls", play)


def never_begins(every: float) -> Act:
    """Send keep-alives without end and no token."""
    return _endless(0, every, "never begins")


def never_ends(after: int, every: float) -> Act:
    """Send `after` tokens, then keep-alives without end."""
    return _endless(after, every, "never ends")


def trickles_headers(every: float) -> Act:
    """Send an endless head, one byte at a time."""

    def play(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nX-Padding: ")
        while exchange.wait(every):
            exchange.send(b"x")

    return Act("trickles headers", play)


def cut(after: int) -> Act:
    """Send `after` tokens, and close the connection within the next piece."""

    def play(exchange: Exchange) -> None:
        exchange.send_head()
        exchange.send_tokens(after)
        exchange.send(b"ff\r\nda")

    return Act("cut", play)


def malformed(after: int) -> Act:
    """Send `after` tokens, a malformed piece, and the end of the HTTP response."""

    def play(exchange: Exchange) -> None:
        exchange.send_head()
        exchange.send_tokens(after)
        exchange.send_piece(exchange.request.dialect.malformed)
        exchange.end_response()

    return Act("malformed", play)


def lacks_end(after: int, *, closes: bool = False) -> Act:
    """Send `after` tokens and the end of the HTTP response, without an end mark.

    With `closes` the response has no length, and ends with the connection.
    """

    def play(exchange: Exchange) -> None:
        if closes:
            exchange.send_head(connection="close")
        else:
            exchange.send_head()
        exchange.send_tokens(after)
        exchange.end_response()

    return Act("lacks its end", play)


def reports(after: int | None = None) -> Act:
    """Send an error under status 200, as the whole body or as an event after `after` tokens."""

    def play(exchange: Exchange) -> None:
        if after is None:
            exchange.send_head(content_type="application/json")
            exchange.send_piece(exchange.request.dialect.error_body)
        else:
            exchange.send_head()
            exchange.send_tokens(after)
            exchange.send_piece(exchange.request.dialect.error)
        exchange.end_response()

    return Act("reports an error", play)


def promises_more() -> Act:
    """Send a whole response with too high a Content-Length, and close the connection."""

    def play(exchange: Exchange) -> None:
        exchange.send_head(content_length=str(exchange.response.size + _EXCESS))
        exchange.send_tokens()
        exchange.send_end(whole=exchange.request.streamed)  # a whole response has no end mark

    return Act("promises more", play)


def promises_less(after: int) -> Act:
    """Send a whole response with a Content-Length of `after` tokens; keep the connection."""

    def play(exchange: Exchange) -> None:
        response = exchange.response
        length = sum(map(len, (*response.lead, *response.tokens[:after])))
        with exchange.at_once():
            exchange.send_head(content_length=str(length))
            exchange.send_tokens()
            for piece in response.end:  # beyond the Content-Length
                exchange.send_piece(piece)
        exchange.kept = True

    return Act("promises less", play)


def hangs_at_end() -> Act:
    """Send all tokens and the end mark; leave the response and the connection open."""

    def play(exchange: Exchange) -> None:
        exchange.send_head()
        exchange.send_tokens()
        exchange.attempt.whole = exchange.request.streamed  # a whole response has no end mark
        exchange.send_piece(exchange.response.end[0])
        exchange.wait()

    return Act("hangs at its end", play)


def chatters_at_end(every: float) -> Act:
    """Send all tokens and the end mark, then keep-alives without end."""

    def play(exchange: Exchange) -> None:
        exchange.send_head()
        exchange.send_tokens()
        exchange.send_end(whole=exchange.request.streamed)  # a whole response has no end mark
        while exchange.wait(every):
            _keep_alive(exchange)

    return Act("chatters at its end", play)


def refuses(status: int, **headers: str) -> Act:
    """Send an error status with the dialect's error body."""

    def play(exchange: Exchange) -> None:
        exchange.send_head(status, content_type="application/json", **headers)
        exchange.send_piece(exchange.request.dialect.error_body)
        exchange.end_response()

    return Act(f"refuses with {status}", play)


def _endless(after: int, every: float, name: str) -> Act:
    def play(exchange: Exchange) -> None:
        exchange.send_head()
        exchange.send_tokens(after)
        while exchange.wait(every):
            _keep_alive(exchange)

    return Act(name, play)


def _keep_alive(exchange: Exchange) -> None:
    """Send a piece without content: a space within a JSON body."""
    exchange.send_piece(exchange.request.dialect.keep_alive if exchange.request.streamed else b" ")
