"""Serve a demo upstream that speaks Ollama's dialect and runs no model.

`make run` starts the demo where no Ollama answers; tests use it as an upstream. Each answer states
that it comes from a demo.

    python -m local.demo_ollama [--port PORT]

The dialect: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal
from zlib import crc32

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from local.http_server.server import listener, serving, stop_signal

MODELS = ("llama3.2", "qwen3", "gemma3", "gpt-oss")
EMBEDDING_MODELS = ("nomic-embed-text",)
_DIMENSIONS = 64
_THINKING_MODELS = ("qwen3", "gpt-oss")
_THINKING_TEXT = "No model runs here, so there is nothing to think about."

ChunkFields = Callable[[str, str], dict[str, Any]]


class _Message(BaseModel):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = ""


class _Options(BaseModel):
    num_predict: int | None = None


class _OllamaRequest(BaseModel):
    """The body of a request to /api/chat or /api/generate."""

    model_config = ConfigDict(hide_input_in_errors=True)

    model: str = Field(min_length=1)
    messages: list[_Message] = []
    system: str = ""
    prompt: str = ""
    format: Literal["", "json"] | dict[str, Any] | None = None
    think: bool | Literal["low", "medium", "high", "max"] | None = None
    stream: bool = True
    options: _Options = _Options()

    @property
    def name(self) -> str:
        """The model's name without the default tag `:latest`."""
        return self.model.removesuffix(":latest")

    @property
    def words(self) -> int:
        """The number of words in the prompt, which the demo counts as tokens."""
        texts = [message.content or "" for message in self.messages]
        return len(" ".join((self.system, self.prompt, *texts)).split())


class _EmbedRequest(BaseModel):
    """The body of a request to /api/embed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    model: str = Field(min_length=1)
    input: str | list[str]
    dimensions: int | None = Field(default=None, ge=1, le=4096)

    @property
    def name(self) -> str:
        """The model's name without the default tag `:latest`."""
        return self.model.removesuffix(":latest")


class _RefusedError(Exception):
    """The request is refused, with Ollama's status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def app() -> Starlette:
    """Return the demo as an ASGI app."""
    return Starlette(
        routes=[
            Route("/", _root),
            Route("/api/version", _version),
            Route("/api/tags", _tags),
            Route("/api/chat", _chat, methods=["POST"]),
            Route("/api/generate", _generate, methods=["POST"]),
            Route("/api/embed", _embed, methods=["POST"]),
        ],
        exception_handlers={_RefusedError: _error_response},
    )


async def _root(_request: Request) -> Response:
    return PlainTextResponse("Ollama is running")


async def _version(_request: Request) -> Response:
    return JSONResponse({"version": "0.0.0-chatd-demo"})


async def _tags(_request: Request) -> Response:
    names = [f"{name}:latest" for name in (*MODELS, *EMBEDDING_MODELS)]
    rest = {"modified_at": _now(), "size": 0}
    return JSONResponse({"models": [{"name": name, "model": name, **rest} for name in names]})


async def _chat(http_request: Request) -> Response:
    def fields(text: str, thinking: str) -> dict[str, Any]:
        thought = {"thinking": thinking} if thinking else {}
        return {"message": {"role": "assistant", "content": text, **thought}}

    request = await _read_request(http_request)
    return _response(request, fields, has_input=bool(request.messages))


async def _generate(http_request: Request) -> Response:
    def fields(text: str, thinking: str) -> dict[str, Any]:
        return {"response": text, **({"thinking": thinking} if thinking else {})}

    request = await _read_request(http_request)
    return _response(request, fields, has_input=bool(request.prompt))


async def _embed(http_request: Request) -> Response:
    try:
        request = _EmbedRequest.model_validate_json(await http_request.body())
    except ValidationError as error:
        raise _mistake(error) from None
    if request.name not in (*MODELS, *EMBEDDING_MODELS):
        raise _RefusedError(404, f'model "{request.model}" not found')
    texts = [request.input] if isinstance(request.input, str) else request.input
    return JSONResponse(
        {
            "model": request.model,
            "embeddings": [_vector(text, request.dimensions or _DIMENSIONS) for text in texts],
            "total_duration": 2,
            "load_duration": 1,
            "prompt_eval_count": sum(len(text.split()) for text in texts),
        }
    )


def _vector(text: str, dimensions: int) -> list[float]:
    """Count a text's words by their hashes: texts with common words have similar vectors."""
    counts = [0.0] * dimensions
    for word in text.lower().split() or [""]:
        counts[crc32(word.encode()) % dimensions] += 1.0
    length = math.sqrt(sum(count * count for count in counts))
    return [count / length for count in counts]


async def _error_response(_request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, _RefusedError) else 500
    return JSONResponse({"error": str(error)}, status)


async def _read_request(http_request: Request) -> _OllamaRequest:
    """Parse and validate a request as Ollama does."""
    try:
        request = _OllamaRequest.model_validate_json(await http_request.body())
    except ValidationError as error:
        raise _mistake(error) from None
    if request.name not in MODELS:
        raise _RefusedError(404, f'model "{request.model}" not found')
    if request.think and request.name not in _THINKING_MODELS:
        raise _RefusedError(400, f'"{request.model}" does not support thinking')
    return request


def _mistake(error: ValidationError) -> _RefusedError:
    mistake = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in mistake["loc"]) or "body"
    return _RefusedError(400, f"{where}: {mistake['msg']}")


def _response(request: _OllamaRequest, fields: ChunkFields, *, has_input: bool) -> Response:
    started = time.perf_counter_ns()
    # A thinking model thinks unless the request has `think: false`.
    thinking = (
        _THINKING_TEXT if request.name in _THINKING_MODELS and request.think is not False else ""
    )
    words, reason = _answer_words(request) if has_input else ([], "load")
    head = {"model": request.model, "created_at": _now()}
    took = time.perf_counter_ns() - started
    end = {
        "done": True,
        "done_reason": reason,
        "total_duration": took + 2,
        "load_duration": 1,
        "prompt_eval_count": request.words,
        "prompt_eval_duration": 1,
        "eval_count": len(words) + len(thinking.split()),
        "eval_duration": took,
    }
    if not request.stream:
        return JSONResponse({**head, **fields("".join(words), thinking), **end})

    def lines() -> Iterator[str]:
        if thinking:
            yield json.dumps({**head, **fields("", thinking), "done": False}) + "\n"
        for word in words:
            yield json.dumps({**head, **fields(word, ""), "done": False}) + "\n"
        yield json.dumps({**head, **fields("", ""), **end}) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


def _answer_words(request: _OllamaRequest) -> tuple[list[str], str]:
    """Return the words of the answer and the `done_reason`."""
    text = (
        f"This is chatd's demo upstream: no model runs here. The prompt to {request.model}:"
        f" {request.words} words. For real answers start Ollama, then make run again."
    )
    if request.format == "json":
        text = json.dumps({"demo": True, "model": request.model, "message": text})
    elif isinstance(request.format, dict):
        text = json.dumps(_example_of(request.format))
    words = [f"{word} " for word in text.split(" ")]
    words[-1] = words[-1].removesuffix(" ")
    limit = request.options.num_predict
    # To Ollama a number below one means no limit.
    if limit is not None and 0 < limit < len(words):
        return words[:limit], "length"
    return words, "stop"


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _example_of(schema: dict[str, Any]) -> Any:
    """Return an example value for a simple JSON Schema."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("type") == "object" or "properties" in schema:
        return {name: _example_of(part) for name, part in schema.get("properties", {}).items()}
    plain = {"array": [], "number": 0, "integer": 0, "boolean": True, "null": None}
    return plain.get(str(schema.get("type")), "demo")


async def _serve(port: int) -> None:
    stop = stop_signal()
    sock = listener("127.0.0.1", port)
    async with serving(app(), sock):
        print(f"demo upstream: http://127.0.0.1:{sock.getsockname()[1]}", flush=True)
        await stop.wait()


def main() -> None:
    """Serve the demo alone until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m local.demo_ollama", description="Serve a demo of Ollama."
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    asyncio.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
