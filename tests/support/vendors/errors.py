"""The bodies of the vendors' errors, each with its source."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

Body = dict[str, Any]


def openai(_status: int, message: str) -> Body:
    """Write OpenAI's error: https://platform.openai.com/docs/guides/error-codes."""
    return {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }


def gemini(status: int, message: str) -> list[Body]:
    """Write Gemini's error: https://github.com/liliMozi/openhanako/issues/394."""
    kinds = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
    error = {"code": status, "message": message, "status": kinds.get(status, "INTERNAL")}
    return [{"error": error}]


def mistral(_status: int, message: str) -> Body:
    """Write Mistral's error: https://github.com/editor-code-assistant/eca/issues/231."""
    detail = [{"type": "extra_forbidden", "loc": ["body"], "msg": message, "input": None}]
    return {
        "object": "error",
        "message": {"detail": detail},
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def flat(_status: int, message: str) -> Body:
    """Write Cerebras's error: https://github.com/Kilo-Org/kilocode/issues/10375."""
    return {
        "message": message,
        "type": "invalid_request_error",
        "param": "validation_error",
        "code": "wrong_api_format",
    }


def xai(_status: int, message: str) -> Body:
    """Write xAI's error: https://github.com/BerriAI/litellm/pull/16265."""
    return {"code": "Client specified an invalid argument", "error": message}


def cohere(_status: int, message: str) -> Body:
    """Write Cohere's error: https://github.com/OpenRouterTeam/openrouter-examples/issues/71."""
    return {"message": message}


def fastapi(_status: int, message: str) -> Body:
    """Write FastAPI's error: https://fastapi.tiangolo.com/tutorial/handling-errors/."""
    return {"detail": [{"type": "value_error", "loc": ["body"], "msg": message}]}


def problem(status: int, message: str) -> Body:
    """Write NVIDIA's error: https://github.com/NVIDIA/garak/issues/748."""
    return {
        "type": "urn:inference-service:problem-details:unprocessable-entity",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
    }


def minimax(status: int, message: str) -> Body:
    """Write MiniMax's error: https://github.com/temm1e-labs/temm1e/issues/59."""
    error = {"type": "bad_request_error", "message": message, "http_code": str(status)}
    return {"type": "error", "error": error, "request_id": "0660b098"}


def perplexity(status: int, message: str) -> Body:
    """Write Perplexity's error: https://github.com/perplexityai/api-discussion/issues/265."""
    return {"error": {"message": message, "type": "invalid_message", "code": status}}


def zai(_status: int, message: str) -> Body:
    """Write Z.AI's error: https://github.com/continuedev/continue/issues/13261."""
    return {"error": {"code": "1210", "message": message}}


def azure(_status: int, message: str) -> Body:
    """Write Azure's error: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter."""
    error = {"message": message, "type": None, "param": None, "code": "invalid_request_error"}
    return {"error": error}


def azure_filter(_status: int, message: str) -> Body:
    """Write Azure's error for a prompt that its content filter stops, from the same page."""
    filtered = {"violence": {"filtered": True, "severity": "medium"}}
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": filtered}
    return {
        "error": {
            "message": message,
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": inner,
        }
    }


def huggingface(_status: int, message: str) -> Body:
    """Write Hugging Face's error: https://huggingface.co/docs/inference-providers/index."""
    return {"error": message}


def siliconflow(_status: int, message: str) -> Body:
    """Write SiliconFlow's error: https://docs.siliconflow.com/en/faqs/error-code."""
    return {"code": 20015, "message": message, "data": None}


def novita(status: int, message: str) -> Body:
    """Write Novita's error: https://novita.ai/docs/api-reference/basic-error-code."""
    return {"code": status, "reason": "INVALID_REQUEST_BODY", "message": message, "metadata": {}}
