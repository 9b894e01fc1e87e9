"""Speak Ollama's dialect for completions, on `/api/generate`.

Without `raw` Ollama puts the prompt, and for fill-in-the-middle the suffix, into the model's
template, as its own `/v1/completions` does:
https://github.com/ollama/ollama/blob/main/openai/openai.go (FromCompleteRequest)
"""

from __future__ import annotations

from typing import Any

from chatd.canonical.request import ChatRequest, Completion
from chatd.config.provider import Provider
from chatd.dialects import CompletionsDialect
from chatd.dialects.ollama import foreign_fields as ollama_hints
from chatd.dialects.ollama.generate import OllamaGenerate
from chatd.errors import InvalidRequestError

# A field of `/api/generate` alone: https://github.com/ollama/ollama/blob/main/docs/api.md
_RAW = "raw"


class OllamaCompletion(OllamaGenerate):
    """Ollama's dialect for completions."""

    echoes = False

    def continues(self, request: ChatRequest, row: Provider) -> bool:  # noqa: ARG002  # the protocol's
        """Whether the model gets the prompt without its template, and the caller no echo of it."""
        completion = request.completion
        echoes = completion is not None and completion.echo
        return ollama_hints.given(request).get(_RAW) is True and not echoes

    def refused(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:  # noqa: ARG002  # the protocol's
        """Name the fields of a completion without an equal in Ollama's dialect."""
        completion = request.completion or Completion()
        lacking = {
            "n": (request.n or 1) > completion.prompts,
            "best_of": (completion.best_of or 1) > 1,
            "max_tokens": request.max_tokens == 0,
            # The provider does not score the tokens of a prompt.
            "logprobs": completion.echo and bool(request.logprobs),
        }
        further = [name for name in ollama_hints.refused(request) if name != _RAW]
        return (*(name for name, lacks in lacking.items() if lacks), *further)

    def _conversation(self, request: ChatRequest) -> dict[str, Any]:
        (message,), completion = request.messages, request.completion or Completion()
        if completion.tokens or completion.prompts > 1:
            raise InvalidRequestError(
                "Ollama takes one prompt, as a text: send a request for each", param="prompt"
            )
        body: dict[str, Any] = {"prompt": message.text}
        if completion.suffix is not None:
            body["suffix"] = completion.suffix
        if (raw := ollama_hints.given(request).get(_RAW)) is not None:
            body[_RAW] = raw
        return body


_: CompletionsDialect = OllamaCompletion()
