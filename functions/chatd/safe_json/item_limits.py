"""Limit the number of items of each list in a request or in an upstream's answer.

Every list of a wire model stops at its first invalid item (`fail_fast`) and at its cap. Without
`fail_fast` pydantic keeps an error for each item: a request of 5 MB with 1.7 million empty
messages took 3.4 GB.
https://docs.pydantic.dev/latest/concepts/performance/#failfast
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

# OpenAI's own API takes 2,048 messages, 128 tools and 4 stop texts; other providers take more.
MAX_MESSAGES = 20_000
MAX_PARTS = 10_000
MAX_TOOLS = 2_048
MAX_TOOL_CALLS = 1_024
MAX_STOPS = 256
MAX_CHOICES = 128
# OpenAI's API takes 2,048 prompts; each has an answer of its own.
MAX_PROMPTS = MAX_CHOICES
MAX_PROMPT_TOKENS = 200_000
# One entry per token; no model writes more tokens into one answer.
MAX_LOGPROBS = 200_000
# OpenRouter lists some 400 models.
MAX_MODELS = 10_000
MAX_TIER_MODELS = 100
# https://platform.openai.com/docs/api-reference/embeddings/create
MAX_EMBEDDINGS = 2_048
# The longest context of an embedding model is 128,000 tokens, as of November 2026.
MAX_EMBEDDING_TOKENS = 131_072


def items(at_most: int, *, at_least: int | None = None) -> Any:
    """Make the constraints of a list: its length, and validation up to the first invalid item."""
    return Field(min_length=at_least, max_length=at_most, fail_fast=True)
