"""Write an answer to a request for embeddings: whole, or piece by piece if it is large.

Lambda returns 6 MB at most, and streams 200 MB. LangChain asks for 1,000 vectors at once, which
take 8 MB in base64 with 1,536 numbers each.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

from chatd.aws_lambda.http import Response
from chatd.aws_lambda.streaming import CallerGoneError, Sink, StreamingResponse
from chatd.call import Call
from chatd.embeddings.gateway import EmbeddingReply

# Bytes of a body that is returned whole.
_MAX_WHOLE_BYTES = 1024 * 1024


def response(reply: EmbeddingReply, call: Call) -> Response | StreamingResponse:
    """Return the response to a request.

    Args:
        reply: The answer.
        call: The call, which a caller who hangs up cancels.

    """
    if reply.most_bytes > _MAX_WHOLE_BYTES:
        return _LargeResponse(reply, call)
    return Response(200, b"".join(reply.pieces()).decode(), reply.headers)


class _LargeResponse:
    """A response that is written piece by piece."""

    def __init__(self, reply: EmbeddingReply, call: Call) -> None:
        self._reply = reply
        self._call = call

    def write_to(self, sink: Sink) -> None:
        """Write the pieces, until the caller hangs up."""
        try:
            sink.commit(200, {"Content-Type": "application/json", **self._reply.headers})
            for piece in self._reply.pieces():
                if self._call.cancelled.is_set():
                    return
                sink.write(piece)
        except CallerGoneError:
            return

    def abort(self) -> None:
        """End the response, from any thread: the caller hung up."""
        self._call.cancel()


_: type[StreamingResponse] = _LargeResponse
