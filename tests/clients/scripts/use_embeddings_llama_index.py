"""LlamaIndex's OpenAIEmbedding: documents and queries with every provider."""
# mypy: disable-error-code="import-not-found"
# (runs in .venv-agents, which the type checker does not see)

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from llama_index.embeddings.openai import OpenAIEmbedding

from tests.clients.scripts import cases
from tests.clients.scripts.cases import QUERY, TEXTS

given = cases.parameters()


def embedder(model: str) -> Any:
    return OpenAIEmbedding(
        model_name=model, api_base=given["url"], api_key=given["key"], max_retries=0, timeout=30
    )


CASES: dict[str, Callable[[str], Any]] = {
    "documents": lambda model: embedder(model).get_text_embedding_batch(TEXTS),
    "query": lambda model: embedder(model).get_query_embedding(QUERY),
}

if __name__ == "__main__":
    every = (
        (f"{case} {provider}", partial(use, model))
        for case, use in CASES.items()
        for provider, model in given["embedding_models"].items()
    )
    cases.run("llama-index-embeddings-openai", every)
