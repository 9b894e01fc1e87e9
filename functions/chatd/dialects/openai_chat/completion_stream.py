"""Read a stream of OpenAI's completions into frames.

https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from collections.abc import Iterator

from chatd.canonical.events import Delta, Frame
from chatd.canonical.extra import Json
from chatd.dialects.json_shapes import ShapeError
from chatd.dialects.openai_chat import stream
from chatd.dialects.openai_chat.completion_logprobs import as_chat_logprobs
from chatd.upstream_http import HttpResponse


def frames(response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
    """Read a stream, which ends with the finish reason of its last choice.

    Raises:
        ChatdError: If it holds an error or no event of a completion, or breaks off before its end.

    """
    return stream.frames(response, chunks, _Reader)


class _Reader(stream.Reader):
    """Read the events of a completion: each choice has its text itself."""

    dialect = "openai_completions"

    def delta(self, index: int, choice: Json) -> Delta:
        text = choice.get("text")
        if text is not None and type(text) is not str:
            raise ShapeError
        logprobs = choice.get("logprobs")
        return Delta(
            index, text or None, logprobs=None if logprobs is None else as_chat_logprobs(logprobs)
        )
