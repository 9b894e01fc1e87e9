"""The openai SDK, sync and async: embeddings of every provider that makes them."""
# mypy: disable-error-code="import-not-found"
# (runs in .venv-clients, which the type checker does not see)

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from openai import AsyncOpenAI, OpenAI

from tests.clients.scripts import cases
from tests.clients.scripts.cases import MANY, QUERY, TEXTS

given = cases.parameters()
options = {"base_url": given["url"], "api_key": given["key"], "max_retries": 0, "timeout": 30}
client = OpenAI(**options)


def embeddings(model: str, texts: Any, **more: Any) -> Any:
    """Return the vectors in the order of their indexes, and the tokens."""
    return read(client.embeddings.create(model=model, input=texts, **more))


async def asynchronous(model: str) -> Any:
    async with AsyncOpenAI(**options) as asynchronous_client:
        return read(await asynchronous_client.embeddings.create(model=model, input=TEXTS))


def read(answer: Any) -> Any:
    assert answer.object == "list"
    assert [item.index for item in answer.data] == list(range(len(answer.data)))
    return {
        "vectors": [item.embedding for item in answer.data],
        "tokens": [answer.usage.prompt_tokens, answer.usage.total_tokens],
    }


CASES: dict[str, Callable[[str], Any]] = {
    "one text, base64 by default": partial(embeddings, texts=QUERY),
    "texts, base64 by default": partial(embeddings, texts=TEXTS),
    "texts, `encoding_format` = float": partial(embeddings, texts=TEXTS, encoding_format="float"),
    "`dimensions`, `user`": partial(embeddings, texts=QUERY, dimensions=4, user="u"),
    "600 texts": partial(embeddings, texts=MANY),
    "async": asynchronous,
    "tokens": partial(embeddings, texts=[[1, 2, 3], [4]]),
}

if __name__ == "__main__":
    every = (
        (f"{case} {provider}", partial(use, model))
        for case, use in CASES.items()
        for provider, model in given["embedding_models"].items()
    )
    cases.run("openai", every)
