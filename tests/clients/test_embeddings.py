"""Clients read the embeddings of every provider that makes them."""

from __future__ import annotations

import pytest

from tests.clients.conftest import Clients, every
from tests.clients.embedding_features import EMBEDDING_CASES, EMBEDDING_CLIENTS
from tests.clients.features import holds
from tests.clients.providers import Providers
from tests.clients.stub_embeddings import EMBEDDING_MODELS, vector


@pytest.mark.parametrize(("case", "provider"), every(EMBEDDING_CASES, EMBEDDING_MODELS), ids=str)
def test_a_client_reads_the_vectors(clients: Clients, case: tuple[str, str], provider: str) -> None:
    client, name = case
    script, cases = EMBEDDING_CLIENTS[client]

    outcome = clients(script).outcomes[f"{name} {provider}"]

    assert holds(outcome, cases[name], provider), outcome


@pytest.mark.parametrize("provider", EMBEDDING_MODELS)
def test_tokens_are_passed_on_or_refused(clients: Clients, provider: str) -> None:
    outcomes = clients("use_embeddings")

    if provider == "openai":
        assert outcomes.result("tokens openai")["vectors"] == [vector([1, 2, 3]), vector([4])]
    else:
        error = outcomes.error(f"tokens {provider}")
        assert (error["status_code"], error["param"]) == (400, "input")
        assert "BadRequestError" in error["classes"]


def test_no_provider_got_an_invalid_request(clients: Clients, provider_log: Providers) -> None:
    clients("use_embeddings")

    assert [text for text in provider_log.refused if "embed" in text] == []
