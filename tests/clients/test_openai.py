"""The openai SDK's own types and exceptions fit whatever the gateway answers."""

from __future__ import annotations

import pytest

from tests.clients.conftest import Clients, Told, every
from tests.clients.providers import MODELS, Providers
from tests.clients.scripts.cases import HELLO
from tests.clients.stub_model import Json

# By what the provider does: the exception, its status and its code.
UPSTREAM = {
    "refuses": ("BadRequestError", 400, None),
    "unauthorized": ("InternalServerError", 502, "upstream_auth_error"),
    "forbidden": ("InternalServerError", 502, "upstream_access_denied"),
    "gone": ("NotFoundError", 404, "model_not_found"),
    "busy": ("RateLimitError", 429, "rate_limit_exceeded"),
    "spent": ("RateLimitError", 429, "insufficient_quota"),
    "broken": ("InternalServerError", 502, "upstream_error"),
    "overloaded": ("InternalServerError", 503, "upstream_overloaded"),
}
# By what the caller or the gateway does.
OURS = {
    "wrong role": ("BadRequestError", 400, "invalid_request"),
    "model of another dialect": ("BadRequestError", 400, "unsupported_dialect"),
    "wrong key": ("AuthenticationError", 401, "invalid_api_key"),
    "provider without a key": ("NotFoundError", 404, "model_not_found"),
    "no such model": ("NotFoundError", 404, "model_not_found"),
    # The SDK has no class of its own for it.
    "too large": ("APIStatusError", 413, "request_too_large"),
    "our fault": ("InternalServerError", 500, "internal_error"),
    "too slow": ("InternalServerError", 504, "upstream_timeout"),
    "too slow, streamed": ("InternalServerError", 504, "upstream_timeout"),
}
COST = {"openrouter": ["usage.cost"], "opencode": ["usage.cost"]}


@pytest.fixture(scope="module")
def told(clients: Clients) -> Told:
    return clients("use_openai_strictly")


def assert_is(error: Json, expected: tuple[str, int, str | None]) -> None:
    name, status, code = expected

    assert (error["classes"][0], error["status_code"]) == (name, status), error
    assert code in (None, error["code"]), error


@pytest.mark.parametrize(("what", "provider"), every(["answer", "call"], MODELS))
def test_an_answer_is_strictly_a_chat_completion(told: Told, what: str, provider: str) -> None:
    assert told.result(f"{what} {provider}") == COST.get(provider, [])


@pytest.mark.parametrize("provider", MODELS)
def test_thinking_is_the_one_field_more(told: Told, provider: str) -> None:
    assert told.result(f"thinking answer {provider}") == [
        "choices.message.reasoning_content",
        *COST.get(provider, []),
    ]
    assert told.result(f"thinking stream {provider}") == {
        "unknown": ["choices.delta.reasoning_content"],
        "last": "[DONE]",
        "chunks": True,
    }


@pytest.mark.parametrize(("what", "provider"), every(["stream", "streamed call"], MODELS))
def test_every_chunk_is_strictly_a_chat_completion_chunk(
    told: Told, what: str, provider: str
) -> None:
    stream = told.result(f"{what} {provider}")

    # OpenCode tells the cost after the stream's end.
    assert stream["unknown"] == (["usage.cost"] if provider == "openrouter" else [])
    assert stream["chunks"]
    assert stream["last"] == "[DONE]"


@pytest.mark.parametrize(("fault", "provider"), every(UPSTREAM, MODELS))
def test_a_providers_failure_is_a_typed_exception(told: Told, fault: str, provider: str) -> None:
    assert_is(told.error(f"{fault} {provider}"), UPSTREAM[fault])


@pytest.mark.parametrize(("fault", "provider"), every(UPSTREAM, MODELS))
def test_it_is_the_same_exception_when_a_stream_was_asked_for(
    told: Told, fault: str, provider: str
) -> None:
    stream = told.result(f"{fault} {provider}, streamed")

    assert stream["text"] == ""
    assert_is(stream["error"], UPSTREAM[fault])


@pytest.mark.parametrize("case", OURS)
def test_a_failure_of_the_callers_or_ours_is_a_typed_exception(told: Told, case: str) -> None:
    assert_is(told.error(case), OURS[case])


@pytest.mark.parametrize("case", OURS)
def test_an_exception_has_the_requests_id(told: Told, case: str) -> None:
    assert told.error(case)["request_id"]


def test_an_exception_names_the_field_at_fault(told: Told) -> None:
    assert told.error("wrong role")["param"] == "messages.0.role"


@pytest.mark.parametrize(("fault", "provider"), every(["dies", "errs"], MODELS))
def test_a_stream_that_breaks_gives_its_pieces_and_raises(
    told: Told, fault: str, provider: str
) -> None:
    stream = told.result(f"{fault} {provider}")

    assert stream["text"]
    assert f"{provider} heard: {HELLO}".startswith(stream["text"])
    assert stream["finish"] is None
    assert stream["error"]["classes"][0] == "APIError"


def test_the_sdks_retry_waits_as_long_as_the_provider_said(told: Told, seen: Providers) -> None:
    answer = told.result("busy once")
    first, second = seen.of_model("busy-once")

    assert answer == f"ollama heard: {HELLO}"
    assert second.at - first.at >= 3.0


def test_the_sdk_does_not_retry_a_spent_quota(told: Told, seen: Providers) -> None:
    assert_is(told.error("spent for good"), UPSTREAM["spent"])
    assert len(seen.of_model("spent-for-good")) == 1


def test_the_sdk_does_not_retry_a_refused_key(told: Told, seen: Providers) -> None:
    assert_is(told.error("key refused for good"), UPSTREAM["unauthorized"])
    assert len(seen.of_model("refused-for-good")) == 1


def test_every_listed_model_can_be_had_by_its_id(told: Told) -> None:
    expected = [f"{provider}/{model}" for provider, model in MODELS.items()]

    assert told.result("models")[: len(expected)] == expected
