"""Responses of the gateway match the openai SDK's own types and exceptions."""

from __future__ import annotations

import pytest

from tests.clients.conftest import Clients, ScriptOutput, every
from tests.clients.providers import MODELS, Providers
from tests.clients.scripts.cases import HELLO
from tests.clients.stub_model import Json

# By the provider's fault: the exception, its status and its code.
UPSTREAM = {
    "refuses": ("BadRequestError", 400, None),
    "unauthorized": ("InternalServerError", 502, "upstream_auth_error"),
    "forbidden": ("InternalServerError", 502, "upstream_access_denied"),
    "missing": ("NotFoundError", 404, "model_not_found"),
    "busy": ("RateLimitError", 429, "rate_limit_exceeded"),
    "spent": ("RateLimitError", 429, "insufficient_quota"),
    "broken": ("InternalServerError", 502, "upstream_error"),
    "overloaded": ("InternalServerError", 503, "upstream_overloaded"),
}
# By the fault of the caller or the gateway.
OURS = {
    "wrong role": ("BadRequestError", 400, "invalid_request"),
    "wrong key": ("AuthenticationError", 401, "invalid_api_key"),
    "provider without a key": ("NotFoundError", 404, "model_not_found"),
    "unknown model": ("NotFoundError", 404, "model_not_found"),
    # The SDK has no class for 413.
    "too large": ("APIStatusError", 413, "request_too_large"),
    "our fault": ("InternalServerError", 500, "internal_error"),
    "too slow": ("InternalServerError", 504, "upstream_timeout"),
    "too slow, streamed": ("InternalServerError", 504, "upstream_timeout"),
}
# Fields of the providers that OpenAI's schema does not have; OpenCode gives its cost twice.
COST = {"openrouter": ["usage.cost"], "opencode": ["cost", "usage.cost"]}
THINKING = {"openrouter": ["reasoning", "reasoning_content"]}
USAGE = {"openrouter": ["usage.cost"], "kimi": ["choices.usage"]}


@pytest.fixture(scope="module")
def strict(clients: Clients) -> ScriptOutput:
    return clients("use_openai_strictly")


def assert_is(error: Json, expected: tuple[str, int, str | None]) -> None:
    name, status, code = expected

    assert (error["classes"][0], error["status_code"]) == (name, status), error
    assert code in (None, error["code"]), error


@pytest.mark.parametrize(("case", "provider"), every(["answer", "call"], MODELS))
def test_an_answer_is_strictly_a_chat_completion(
    strict: ScriptOutput, case: str, provider: str
) -> None:
    assert strict.result(f"{case} {provider}") == COST.get(provider, [])


@pytest.mark.parametrize("provider", MODELS)
def test_thinking_is_the_only_field_beside_the_providers_own(
    strict: ScriptOutput, provider: str
) -> None:
    fields = THINKING.get(provider, ["reasoning_content"])
    assert strict.result(f"thinking answer {provider}") == [
        *(f"choices.message.{field}" for field in fields),
        *COST.get(provider, []),
    ]
    assert strict.result(f"thinking stream {provider}") == {
        "unknown": [f"choices.delta.{field}" for field in fields],
        "last": "[DONE]",
        "chunks": True,
    }


@pytest.mark.parametrize(("case", "provider"), every(["stream", "streamed call"], MODELS))
def test_every_chunk_is_strictly_a_chat_completion_chunk(
    strict: ScriptOutput, case: str, provider: str
) -> None:
    stream = strict.result(f"{case} {provider}")

    # OpenCode sends the cost after the stream's end.
    assert stream["unknown"] == USAGE.get(provider, [])
    assert stream["chunks"]
    assert stream["last"] == "[DONE]"


@pytest.mark.parametrize(("fault", "provider"), every(UPSTREAM, MODELS))
def test_a_providers_failure_is_a_typed_exception(
    strict: ScriptOutput, fault: str, provider: str
) -> None:
    assert_is(strict.error(f"{fault} {provider}"), UPSTREAM[fault])


@pytest.mark.parametrize(("fault", "provider"), every(UPSTREAM, MODELS))
def test_a_stream_request_raises_the_same_exception(
    strict: ScriptOutput, fault: str, provider: str
) -> None:
    stream = strict.result(f"{fault} {provider}, streamed")

    assert stream["text"] == ""
    assert_is(stream["error"], UPSTREAM[fault])


@pytest.mark.parametrize("case", OURS)
def test_a_fault_of_the_caller_or_the_gateway_is_a_typed_exception(
    strict: ScriptOutput, case: str
) -> None:
    assert_is(strict.error(case), OURS[case])


@pytest.mark.parametrize("case", OURS)
def test_an_exception_has_the_requests_id(strict: ScriptOutput, case: str) -> None:
    assert strict.error(case)["request_id"]


def test_an_exception_names_the_field_at_fault(strict: ScriptOutput) -> None:
    assert strict.error("wrong role")["param"] == "messages.0.role"


@pytest.mark.parametrize(("fault", "provider"), every(["disconnects", "fails"], MODELS))
def test_a_broken_stream_yields_its_pieces_and_raises(
    strict: ScriptOutput, fault: str, provider: str
) -> None:
    stream = strict.result(f"{fault} {provider}")

    assert stream["text"]
    assert f"{provider} echoes: {HELLO}".startswith(stream["text"])
    assert stream["finish"] is None
    assert stream["error"]["classes"][0] == "APIError"


def test_the_sdks_retry_waits_for_the_providers_retry_after(
    strict: ScriptOutput, provider_log: Providers
) -> None:
    answer = strict.result("busy once")
    first, second = provider_log.of_model("busy-once")

    assert answer == f"ollama echoes: {HELLO}"
    assert second.at - first.at >= 3.0


def test_the_sdk_does_not_retry_a_spent_quota(
    strict: ScriptOutput, provider_log: Providers
) -> None:
    assert_is(strict.error("spent for good"), UPSTREAM["spent"])
    assert len(provider_log.of_model("spent-for-good")) == 1


def test_the_sdk_does_not_retry_a_refused_key(
    strict: ScriptOutput, provider_log: Providers
) -> None:
    assert_is(strict.error("key refused for good"), UPSTREAM["unauthorized"])
    assert len(provider_log.of_model("refused-for-good")) == 1


def test_every_listed_model_is_retrievable_by_its_id(strict: ScriptOutput) -> None:
    expected = [f"{provider}/{model}" for provider, model in MODELS.items()]

    assert strict.result("models")[: len(expected)] == expected
