"""Make embeddings by a fixed rule, as Ollama and providers of OpenAI's dialect do."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from tests.clients.stub_model import Json, require

# A model of each provider that makes embeddings.
EMBEDDING_MODELS = MappingProxyType(
    {
        "ollama": "nomic-embed-text",
        "ollama_cloud": "embeddinggemma",
        "openrouter": "vendor/embed-1",
        "openai": "text-embedding-3-small",
    }
)
SIZE = 8
_OLLAMA = frozenset({"model", "input", "truncate", "dimensions", "keep_alive", "options"})
_OPENAI = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
_MOST = 2_048


def vector(given: str | Sequence[int], size: int = SIZE) -> list[float]:
    """Return the vector of a text or of tokens, whose numbers float32 holds exactly."""
    codes = [ord(character) for character in given] if isinstance(given, str) else list(given)
    return [sum(codes[place::size]) / 256 - place for place in range(size)]


def answer(provider: str, path: str, body: Json) -> Json:
    """Check a request and return the provider's answer.

    Raises:
        RefusalError: If the provider refuses the request.

    """
    require(body["model"] == EMBEDDING_MODELS[provider], f"no model {body['model']!r}")
    return _of_ollama(body) if path == "/api/embed" else _of_openai(provider, body)


def _of_ollama(body: Json) -> Json:
    require(body.keys() <= _OLLAMA, f"fields {sorted(body)}")
    texts = body["input"]
    require(all(isinstance(text, str) and text for text in texts), "input is no list of texts")
    require(body.get("truncate") is False, "a text may be cut")
    vectors = [vector(text, body.get("dimensions", SIZE)) for text in texts]
    return {
        "model": body["model"],
        "embeddings": vectors,
        "total_duration": 2,
        "load_duration": 1,
        "prompt_eval_count": sum(map(_tokens, texts)),
    }


def _of_openai(provider: str, body: Json) -> Json:
    require(body.keys() <= _OPENAI, f"fields {sorted(body)}")
    given = body["input"]
    single = isinstance(given, str) or isinstance(given[0], int)
    inputs: list[Any] = [given] if single else given
    require(0 < len(inputs) <= _MOST, "the number of inputs")
    texts = all(isinstance(one, str) for one in inputs)
    require(texts or provider == "openai", "input is no list of texts")
    encoding = body.get("encoding_format", "float")
    require(encoding in ("float", "base64"), f"no encoding {encoding!r}")
    # In another order than the inputs, which the index tells.
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _encoded(vector(one, body.get("dimensions", SIZE)), encoding),
        }
        for index, one in enumerate(inputs)
    ][::-1]
    tokens = sum(map(_tokens, inputs))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def _tokens(given: str | Sequence[int]) -> int:
    return len(given.split()) if isinstance(given, str) else len(given)


def _encoded(numbers: list[float], encoding: str) -> Any:
    if encoding == "float":
        return numbers
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
