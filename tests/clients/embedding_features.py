"""List what each client does with embeddings, and the provider's answer that it must read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tests.clients.scripts.cases import MANY, QUERY, TEXTS
from tests.clients.stub_embeddings import vector

_MANY = [vector(text) for text in MANY]
_TEXTS = [vector(text) for text in TEXTS]
_QUERY = vector(QUERY)
_TOKENS = sum(len(text.split()) for text in TEXTS)
# By the client's name on the page: its script, and the expected result of each of its cases.
EMBEDDING_CLIENTS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "openai SDK": (
            "use_embeddings",
            {
                "one text, base64 by default": {"vectors": [_QUERY]},
                "texts, base64 by default": {"vectors": _TEXTS, "tokens": [_TOKENS] * 2},
                "texts, `encoding_format` = float": {"vectors": _TEXTS, "tokens": [_TOKENS] * 2},
                "`dimensions`, `user`": {"vectors": [vector(QUERY, 4)]},
                "600 texts": {"vectors": _MANY},
                "async": {"vectors": _TEXTS},
            },
        ),
        "LangChain `OpenAIEmbeddings`": (
            "use_embeddings_langchain",
            {"documents": _TEXTS, "query": _QUERY, "600 documents": _MANY},
        ),
        "LlamaIndex `OpenAIEmbedding`": (
            "use_embeddings_llama_index",
            {"documents": _TEXTS, "query": _QUERY},
        ),
        "openai SDK for Node": (
            "use_embeddings_node.mjs",
            {"texts, base64 by default": {"vectors": _TEXTS, "tokens": [_TOKENS] * 2}},
        ),
        "AI SDK `openai.embedding()`": (
            "use_embeddings_ai_sdk.mjs",
            {
                "`embed`": {"vectors": [_QUERY], "tokens": len(QUERY.split())},
                "`embedMany`": {"vectors": _TEXTS, "tokens": _TOKENS},
            },
        ),
    }
)
# Their scripts run in .venv-agents.
AGENT_SCRIPTS = frozenset(
    {"use_embeddings_llama_index", "use_embeddings_node.mjs", "use_embeddings_ai_sdk.mjs"}
)
EMBEDDING_CASES = tuple(
    (client, case) for client, (_, cases) in EMBEDDING_CLIENTS.items() for case in cases
)
