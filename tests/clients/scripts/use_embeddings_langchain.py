"""LangChain's OpenAIEmbeddings: documents and queries with every provider."""
# mypy: disable-error-code="import-not-found"
# (runs in .venv-clients, which the type checker does not see)

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from langchain_openai import OpenAIEmbeddings

from tests.clients.scripts import cases
from tests.clients.scripts.cases import MANY, QUERY, TEXTS

given = cases.parameters()


def embedder(model: str) -> Any:
    # With a check of the length, LangChain would send tokens, which belong to OpenAI's models.
    return OpenAIEmbeddings(
        model=model,
        base_url=given["url"],
        api_key=given["key"],
        check_embedding_ctx_length=False,
        max_retries=0,
        timeout=30,
    )


CASES: dict[str, Callable[[str], Any]] = {
    "documents": lambda model: embedder(model).embed_documents(TEXTS),
    "query": lambda model: embedder(model).embed_query(QUERY),
    "600 documents": lambda model: embedder(model).embed_documents(MANY),
}

if __name__ == "__main__":
    every = (
        (f"{case} {provider}", partial(use, model))
        for case, use in CASES.items()
        for provider, model in given["embedding_models"].items()
    )
    cases.run("langchain-openai", every)
