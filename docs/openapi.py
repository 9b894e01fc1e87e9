"""Make the OpenAPI description of the gateway from its models of requests and responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from response_schemas.anthropic_messages import AnthropicError, AnthropicMessage
from response_schemas.lists import (
    AnthropicModel,
    AnthropicModelPage,
    AnthropicTokenCount,
    ErrorBody,
    Health,
    ModelEntry,
    ModelList,
    ProviderList,
)
from response_schemas.native import NativeAnswer
from response_schemas.openai_chat import Completion, CompletionChunk
from response_schemas.openai_completions import TextCompletion
from response_schemas.openai_embeddings import EmbeddingList
from response_schemas.openai_responses import Response
from response_schemas.stored_responses import DeletedResponse, StoredInput

from chatd import __version__
from chatd.surfaces.anthropic_messages.schema import AnthropicRequest
from chatd.surfaces.anthropic_messages.token_count import AnthropicCountRequest
from chatd.surfaces.native.schema import NativeRequest
from chatd.surfaces.openai_chat.schema import OpenAIRequest
from chatd.surfaces.openai_completions.schema import OpenAICompletionRequest
from chatd.surfaces.openai_embeddings.schema import EmbeddingsRequest
from chatd.surfaces.openai_responses.schema import ResponsesRequest

_READ = (
    AnthropicCountRequest,
    AnthropicRequest,
    EmbeddingsRequest,
    NativeRequest,
    OpenAICompletionRequest,
    OpenAIRequest,
    ResponsesRequest,
)
_WRITTEN = (
    AnthropicError,
    AnthropicMessage,
    AnthropicModel,
    AnthropicModelPage,
    AnthropicTokenCount,
    NativeAnswer,
    Completion,
    CompletionChunk,
    EmbeddingList,
    TextCompletion,
    ErrorBody,
    Health,
    ModelEntry,
    ModelList,
    ProviderList,
    DeletedResponse,
    Response,
    StoredInput,
)
_FAILURES = {
    400: "The request is wrong: `param` names the field. Or the provider refused the request.",
    404: "The model's name selects no registered provider, or no route has this path.",
    413: "The body is over 5 MB.",
    429: "The provider's rate limit is reached (`Retry-After`), or its quota is spent.",
    500: "A fault of the gateway.",
    502: "The provider failed or sent a malformed response; `upstream_status` is its status.",
    503: "The provider is overloaded, or its key or the idempotency key could not be looked up.",
    504: "The provider was slower than the time limit.",
}
_ANTHROPIC_FAILURES = {
    **_FAILURES,
    503: "The provider's key or the idempotency key could not be looked up.",
    529: "The provider is overloaded, or no provider is healthy.",
}
_CONFLICT = {
    409: "The `Idempotency-Key` came with another body before, or its first request is in progress"
    " (`Retry-After`)."
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same body gets the same response again, for one day.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]*[!-~])?$", "maxLength": 255},
}
_OUTCOME = {
    "x-chatd-idempotency": {
        "description": "The result of the key, unless the response is new and stored.",
        "schema": {"enum": ["replayed", "not-stored"]},
    }
}
_CALLER = {401: "No caller's key, or an unknown one.", 403: "Not allowed."}


def description() -> dict[str, Any]:
    """Make the whole document."""
    _, schemas = models_json_schema(
        [(model, "validation") for model in _READ]
        + [(model, "serialization") for model in _WRITTEN],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chatd",
            "version": __version__,
            "summary": "One endpoint for every language model you use.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": {
            "/v1/chat": {
                "post": _chat("chat", "Chat with the native API", NativeRequest, NativeAnswer)
            },
            "/v1/chat/completions": {
                "post": _chat(
                    "createChatCompletion", "Chat with OpenAI's API", OpenAIRequest, Completion
                )
            },
            "/v1/completions": {
                "post": _chat(
                    "createCompletion",
                    "Complete a prompt with OpenAI's API",
                    OpenAICompletionRequest,
                    TextCompletion,
                )
            },
            "/v1/messages": {
                "post": _chat(
                    "createMessage",
                    "Chat with Anthropic's API",
                    AnthropicRequest,
                    AnthropicMessage,
                    (AnthropicError, _ANTHROPIC_FAILURES),
                )
            },
            "/v1/messages/count_tokens": {"post": _token_count()},
            "/v1/responses": {
                "post": _chat(
                    "createResponse",
                    "Chat with OpenAI's Responses API",
                    ResponsesRequest,
                    Response,
                )
            },
            "/v1/embeddings": {"post": _embeddings()},
            "/v1/chat/providers": {
                "get": _get("listProviders", "List the registered providers", ProviderList)
            },
            **_models(),
            **_stored_responses(),
            "/health": {
                "get": {**_get("health", "Report that the gateway runs", Health), "security": []}
            },
        },
        "components": {
            "schemas": _any_of(schemas["$defs"]),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def _any_of(schema: Any) -> Any:
    """Replace `oneOf`: a block of a known type also fits the model of unknown types."""
    if isinstance(schema, dict):
        return {"anyOf" if key == "oneOf" else key: _any_of(schema[key]) for key in schema}
    return [_any_of(item) for item in schema] if isinstance(schema, list) else schema


def _token_count() -> dict[str, Any]:
    """Describe the count of a request's input tokens."""
    statuses = (400, 404, 413, 500, 503)
    failures = {status: _ANTHROPIC_FAILURES[status] for status in statuses}
    estimated = {
        "description": "`input_tokens` if the number is an estimate.",
        "schema": {"enum": ["input_tokens"]},
    }
    return {
        "operationId": "countTokens",
        "summary": "Count the input tokens of a request of Anthropic's API",
        "requestBody": {"required": True, "content": _json(AnthropicCountRequest)},
        "responses": {
            "200": {
                "description": "The number",
                "headers": {"x-chatd-estimated": estimated},
                "content": _json(AnthropicTokenCount),
            },
            **_failures({**failures, **_CALLER}, AnthropicError),
        },
    }


def _embeddings() -> dict[str, Any]:
    """Describe the request for embeddings."""
    return {
        "operationId": "createEmbedding",
        "summary": "Make embeddings with OpenAI's API",
        "requestBody": {"required": True, "content": _json(EmbeddingsRequest)},
        "responses": {
            "200": {"description": "The vectors", "content": _json(EmbeddingList)},
            **_failures({**_FAILURES, **_CALLER}),
        },
    }


def _models() -> dict[str, Any]:
    """Describe the lists of models, in the shape of OpenAI or of Anthropic."""
    name = _parameter("id", "path", {"type": "string", "minLength": 1, "maxLength": 256})
    version = _parameter("anthropic-version", "header", {"type": "string"})
    version["description"] = "With any value the response has Anthropic's shape."
    # Without `anthropic-version` they have no effect, so their schemas allow any value.
    page = [
        {**_parameter(name_of, "query", {}), "description": f"With `anthropic-version`: {meaning}"}
        for name_of, meaning in (
            ("limit", "models of the page, 1 to 1000; 20 without it."),
            ("after_id", "the model before the page."),
            ("before_id", "the model after the page."),
        )
    ]
    wrong = {400: "A parameter of the query is wrong.", 500: _FAILURES[500]}
    missing = {404: _FAILURES[404], 500: _FAILURES[500]}

    def operation(
        name_of: str,
        summary: str,
        answers: tuple[type[BaseModel], type[BaseModel]],
        failures: dict[int, str],
    ) -> dict[str, Any]:
        return {
            "operationId": name_of,
            "summary": summary,
            "responses": {
                "200": {"description": summary, "content": _either(*answers)},
                **{
                    str(status): {
                        "description": words,
                        "content": _either(ErrorBody, AnthropicError),
                    }
                    for status, words in sorted({**failures, **_CALLER}.items())
                },
            },
        }

    one = "Get a model; its id may contain slashes"
    return {
        "/v1/models": {
            "get": {
                **operation(
                    "listModels", "List the models", (ModelList, AnthropicModelPage), wrong
                ),
                "parameters": [version, *page],
            }
        },
        "/v1/models/{id}": {
            "get": {
                **operation("retrieveModel", one, (ModelEntry, AnthropicModel), missing),
                "parameters": [name, version],
            }
        },
    }


def _stored_responses() -> dict[str, Any]:
    """Describe the routes of a stored response."""
    missing = "The caller has no stored response with this id, or the deployment stores none."
    failures = {404: missing, 500: _FAILURES[500], 503: "The store cannot be reached.", **_CALLER}
    name = _parameter("id", "path", {"type": "string", "minLength": 1, "maxLength": 256})
    page = [
        _parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 100}),
        _parameter("order", "query", {"enum": ["asc", "desc"]}),
        _parameter("after", "query", {"type": "string"}),
    ]

    def operation(
        name_of: str, summary: str, answer: type[BaseModel], *query: dict[str, Any]
    ) -> dict[str, Any]:
        wrong = {400: "A parameter of the query is wrong."} if query else {}
        return {
            "operationId": name_of,
            "summary": summary,
            "parameters": [name, *query],
            "responses": {
                "200": {"description": summary, "content": _json(answer)},
                **_failures({**failures, **wrong}),
            },
        }

    whole = _parameter("stream", "query", {"enum": ["false"]})
    return {
        "/v1/responses/{id}": {
            "get": operation("getResponse", "Get a stored response", Response, whole),
            "delete": operation("deleteResponse", "Delete a stored response", DeletedResponse),
        },
        "/v1/responses/{id}/input_items": {
            "get": operation(
                "listInputItems", "List the input of a stored response", StoredInput, *page
            )
        },
    }


def _parameter(name: str, place: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _chat(
    name: str,
    summary: str,
    request: type[BaseModel],
    answer: type[BaseModel],
    failures: tuple[type[BaseModel], Mapping[int, str]] = (ErrorBody, _FAILURES),
) -> dict[str, Any]:
    failure, statuses = failures
    content = {
        **_json(answer),
        "text/event-stream": {
            "schema": {
                "type": "string",
                "description": "With `stream`: server-sent events, described in docs/streaming.md.",
            }
        },
    }
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [_KEY],
        "requestBody": {"required": True, "content": _json(request)},
        "responses": {
            "200": {"description": "The response", "headers": _OUTCOME, "content": content},
            **_failures({**statuses, **_CONFLICT, **_CALLER}, failure),
        },
    }


def _get(name: str, summary: str, answer: type[BaseModel], *more: int) -> dict[str, Any]:
    failures = {status: _FAILURES[status] for status in (*more, 500)}
    return {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": _json(answer)},
            **_failures({**failures, **_CALLER}),
        },
    }


def _failures(words: Mapping[int, str], failure: type[BaseModel] = ErrorBody) -> dict[str, Any]:
    return {
        str(status): {"description": words[status], "content": _json(failure)}
        for status in sorted(words)
    }


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": _reference(model)}}


def _either(*models: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"anyOf": [_reference(model) for model in models]}}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
