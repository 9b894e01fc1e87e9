"""Join the options of a request with those that the row has for the model.

The caller's own options take precedence. Without `truncate` a prompt that is longer than the
context is refused: by default Ollama drops its beginning, and answers as if nothing had happened.
Servers before 0.12.6 ignore the field.
https://github.com/ollama/ollama/blob/main/api/types.go (GenerateRequest, ChatRequest)
"""

from __future__ import annotations

from typing import Any

from chatd.canonical.content import Text, ToolResult
from chatd.canonical.request import ChatRequest, Message
from chatd.config.provider import Provider
from chatd.dialects.ollama import foreign_fields

# Fields of Ollama's own request that chatd.toml has among a model's options.
_FIELDS = frozenset({"keep_alive", "truncate", "shift"})


def joined(request: ChatRequest, row: Provider) -> dict[str, Any]:
    """Return the fields of the request's body besides the conversation: also `options`."""
    preset = row.options_of(request.model)
    fields: dict[str, Any] = {"truncate": False}
    if row.keep_alive is not None:
        fields["keep_alive"] = row.keep_alive
    fields |= {name: value for name, value in preset.items() if name in _FIELDS}
    fields |= foreign_fields.fields(request)
    options = {name: value for name, value in preset.items() if name not in _FIELDS}
    options |= foreign_fields.options(request)
    return {**fields, "options": options} if options else fields


def known_context(request: ChatRequest, row: Provider) -> int | None:
    """Return the tokens of the model's context, if the request or chatd.toml has them."""
    context = joined(request, row).get("options", {}).get("num_ctx")
    return context if type(context) is int and context > 0 else None


def is_cut(request: ChatRequest, row: Provider) -> bool:
    """Return whether a prompt that is too long shall be cut, by the request or chatd.toml."""
    return joined(request, row)["truncate"] is not False


def least_tokens(request: ChatRequest) -> int:
    """Return a number of tokens that the prompt has at least: its words.

    A tokenizer splits a text at white space before it forms tokens, so that no token has two words.
    English has 1.3 tokens a word, and code three. Thinking, tools and calls, which a template may
    leave out or write otherwise, are not counted.
    """
    return sum(map(_words, request.messages))


def _words(message: Message) -> int:
    found = 0
    for block in message.blocks:
        if isinstance(block, ToolResult):
            found += sum(len(inner.text.split()) for inner in block.blocks if type(inner) is Text)
        elif isinstance(block, Text):
            found += len(block.text.split())
    return found
