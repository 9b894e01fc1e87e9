"""Speak OpenAI's chat dialect with the differences of OpenCode (Zen and Go).

https://opencode.ai/docs/zen. One key serves both plans, and some models are served in other
dialects only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from pydantic import SecretStr

from chatd.canonical.request import ChatRequest
from chatd.config.catalog import Provider
from chatd.dialects import Dialect
from chatd.dialects.openai_chat.dialect import OpenAIChat
from chatd.errors import InvalidRequestError
from chatd.upstream_http import HttpRequest

# The models that `/chat/completions` does not serve, by plan, as of autumn 2026:
# https://github.com/anomalyco/opencode/blob/dev/packages/web/src/content/docs/zen.mdx
# https://github.com/anomalyco/opencode/blob/dev/packages/web/src/content/docs/go.mdx
_ELSEWHERE = {
    "zen": (
        (re.compile(r"gpt-"), "OpenAI's Responses"),
        (re.compile(r"claude|qwen-?3\.[5-7]"), "Anthropic's"),
        (re.compile(r"gemini"), "Google's"),
    ),
    "go": (
        (re.compile(r"grok-4\.5|gpt-5\.6-luna|muse-spark"), "OpenAI's Responses"),
        (re.compile(r"minimax-m(2\.5|2\.7|3)|qwen-?3\.[6-8]"), "Anthropic's"),
    ),
}


class OpenCode(OpenAIChat):
    """The dialect of OpenCode."""

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the request for a chat.

        Raises:
            InvalidRequestError: If OpenCode serves the model in a dialect that chatd lacks.

        """
        for names, dialect in _ELSEWHERE[row.plan or "zen"]:
            if names.match(request.model.lower()):
                raise InvalidRequestError(
                    f"OpenCode serves {request.model!r} in {dialect} dialect only, which this"
                    " gateway does not speak yet; choose another model",
                    param="model",
                    code="unsupported_dialect",
                )
        return super().build(request, row, key)

    def _headers(self, request: ChatRequest, row: Provider) -> Mapping[str, str]:  # noqa: ARG002  # the shape of its parent's
        # Go needs a name of the conversation that stays the same from turn to turn: a hash of its
        # first turns. https://github.com/anomalyco/opencode/issues/47763
        beginning = hashlib.sha256(request.model.encode())
        for message in request.messages:
            beginning.update(f"\0{message.role}\0{message.text}".encode())
            if message.role == "user":
                break
        return {"x-opencode-session": beginning.hexdigest()[:32]}


_: Dialect = OpenCode()
